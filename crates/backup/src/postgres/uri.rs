//! The URI by which a Postgres is reached, as libpq reads it: what it says becomes variables of the environment, by
//! which libpq takes the same. So none of it shows in a list of processes.

use secret::Secret;

/// Parameters of a URI, and the variables that libpq takes them by (34.1.2 and 34.15 of its documentation). What names
/// files of a client (`sslcert`, `sslkey`, `passfile`) is none of them.
const PARAMETERS: [(&str, &str); 9] = [
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslnegotiation", "PGSSLNEGOTIATION"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("gssencmode", "PGGSSENCMODE"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("application_name", "PGAPPNAME"),
    ("options", "PGOPTIONS"),
];

/// Why a text is not the URI of a Postgres server. It says nothing of what the text is, which may have a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    /// It begins with something else.
    #[error("it has to begin with postgresql:// or postgres://")]
    Scheme,
    /// It names no server.
    #[error("it names no server between // (or @) and the /")]
    NoHost,
    /// What should be a port is none.
    #[error(
        "what follows the : of its server is not a port; in a user or a password, : / ? and @ are written as %3A %2F %3F and %40"
    )]
    Port,
    /// A `%` without two hexadecimal digits, or what these mean is no text.
    #[error(
        "a % in it is not followed by two hexadecimal digits of a text in UTF-8; a % itself is written as %25"
    )]
    Escape,
    /// A character that no value can have.
    #[error("it has a control character")]
    Control,
    /// A parameter that means nothing here.
    #[error(
        "it has a parameter other than sslmode, sslrootcert, sslnegotiation, channel_binding, gssencmode, connect_timeout, target_session_attrs, application_name and options"
    )]
    Parameter,
    /// Nobody has said what it is.
    #[error("it is empty")]
    Missing,
}

/// What the URI of a Postgres server says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerUri {
    /// Variables for libpq, without the password.
    pub(super) variables: Vec<(&'static str, String)>,
    /// Who logs in.
    pub user: Option<String>,
    /// With which password.
    pub password: Option<Secret>,
    /// The database that one can connect to.
    pub database: Option<String>,
}

impl ServerUri {
    /// What tells it from others: its address, in libpq's words.
    pub(crate) fn address(&self) -> String {
        let is_address = |name: &str| ["PGHOST", "PGPORT"].contains(&name);
        let parts = self.variables.iter().filter(|(name, _)| is_address(name));
        parts.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    /// What `uri` says: `postgresql://user:password@host:port/database?sslmode=require`, where only the host has to be,
    /// and may be several with commas between them.
    ///
    /// # Errors
    /// When it is no such URI.
    pub fn parse(uri: &Secret) -> Result<Self, UriError> {
        let text = uri.expose();
        if text.is_empty() {
            return Err(UriError::Missing);
        }
        let schemes = ["postgresql://", "postgres://"];
        let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme)).ok_or(UriError::Scheme)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, servers) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let some = |text: &str| Ok::<_, UriError>(Some(decoded(text)?).filter(|text| !text.is_empty()));
        let (hosts, ports) = servers_of(servers)?;
        let mut variables = vec![("PGHOST", hosts)];
        variables.extend(ports.map(|ports| ("PGPORT", ports)));
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or(UriError::Parameter)?;
            let known = PARAMETERS.iter().find(|(known, _)| *known == name).ok_or(UriError::Parameter)?;
            variables.push((known.1, decoded(value)?));
        }
        Ok(Self {
            variables,
            user: some(user)?,
            password: some(password)?.map(Secret::new),
            database: some(database)?,
        })
    }
}

/// The servers of `host:port,…`: their names and their ports, as libpq takes them.
fn servers_of(text: &str) -> Result<(String, Option<String>), UriError> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for server in text.split(',') {
        let (host, port) = match server.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']').ok_or(UriError::NoHost)?;
                (host, rest.strip_prefix(':').unwrap_or(rest))
            }
            None => server.split_once(':').unwrap_or((server, "")),
        };
        if host.is_empty() {
            return Err(UriError::NoHost);
        }
        if !port.is_empty() {
            port.parse::<u16>().map_err(|_| UriError::Port)?;
        }
        hosts.push(decoded(host)?);
        ports.push(port);
    }
    let has_ports = ports.iter().any(|port| !port.is_empty());
    Ok((hosts.join(","), has_ports.then(|| ports.join(","))))
}

/// A part of a URI in clear.
fn decoded(text: &str) -> Result<String, UriError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or(UriError::Escape)?;
        let digit = |byte: u8| char::from(byte).to_digit(16).ok_or(UriError::Escape);
        let value = digit(digits[0])? * 16 + digit(digits[1])?;
        bytes.push(u8::try_from(value).map_err(|_| UriError::Escape)?);
        rest = after;
    }
    let text = String::from_utf8(bytes).map_err(|_| UriError::Escape)?;
    if text.chars().any(char::is_control) { Err(UriError::Control) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(uri: &str) -> Result<ServerUri, UriError> {
        ServerUri::parse(&Secret::new(uri))
    }

    #[test]
    fn what_a_uri_says_becomes_variables() {
        let uri = parsed(
            "postgresql://do%40admin:p%25w%3a1@db.example:25060/defaultdb?sslmode=require&connect_timeout=10",
        );
        let uri = uri.unwrap();
        let variables = [
            ("PGHOST", "db.example"),
            ("PGPORT", "25060"),
            ("PGSSLMODE", "require"),
            ("PGCONNECT_TIMEOUT", "10"),
        ];
        assert_eq!(uri.variables, variables.map(|(name, value)| (name, value.to_owned())));
        assert_eq!(uri.user.as_deref(), Some("do@admin"));
        assert_eq!(uri.password.as_ref().map(Secret::expose), Some("p%w:1"));
        assert_eq!(uri.database.as_deref(), Some("defaultdb"));
        assert!(!format!("{uri:?}").contains("p%w"));

        let least = parsed("postgres://db").unwrap();
        assert_eq!(least, ServerUri { variables: vec![("PGHOST", "db".into())], ..ServerUri::default() });
        let several = parsed("postgres://u@[::1]:5433,b/").unwrap();
        assert_eq!(several.variables, [("PGHOST", "::1,b".to_owned()), ("PGPORT", "5433,".to_owned())]);
        let socket = parsed("postgres://%2Frun%2Fpostgresql/shop").unwrap();
        assert_eq!(socket.variables, [("PGHOST", "/run/postgresql".to_owned())]);
        // It is what follows the last one that is a server.
        assert_eq!(parsed("postgres://u:a@b@db").unwrap().password.unwrap().expose(), "a@b");
    }

    #[test]
    fn what_is_none_is_told_without_it() {
        for (uri, error) in [
            ("", UriError::Missing),
            ("mysql://u:pw@db/shop", UriError::Scheme),
            ("postgres://u:pw@/shop", UriError::NoHost),
            ("postgres://u:pw@db,/shop", UriError::NoHost),
            ("postgres://u:pw@[::1/shop", UriError::NoHost),
            ("postgres://u:p/w@db/shop", UriError::Port),
            ("postgres://u:pw@db:99999/shop", UriError::Port),
            ("postgres://u:p%w@db/shop", UriError::Escape),
            ("postgres://u:p%ff@db/shop", UriError::Escape),
            ("postgres://u:pw%", UriError::Port),
            ("postgres://u:p%0Aw@db/shop", UriError::Control),
            ("postgres://u:pw@db/shop?sslkey=/k", UriError::Parameter),
            ("postgres://u:pw@db/shop?sslmode", UriError::Parameter),
        ] {
            assert_eq!(parsed(uri).unwrap_err(), error, "{uri}");
            assert!(!error.to_string().contains("pw"));
        }
    }
}
