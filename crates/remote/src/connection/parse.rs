//! Reading a connection.

use std::{net::Ipv6Addr, str::FromStr};

use super::{
    Connection, ConnectionError, Hop, HostKey, LocalConnection, Proxy, SshConnection, Sudo, encoding,
};

impl FromStr for Connection {
    type Err = ConnectionError;

    fn from_str(text: &str) -> Result<Self, ConnectionError> {
        let (scheme, rest) = text.split_once("://").ok_or(ConnectionError::Scheme)?;
        if rest.contains('#') {
            return Err(ConnectionError::Misplaced { what: "a \"#\"" });
        }
        match scheme.to_ascii_lowercase().as_str() {
            "ssh" => ssh(rest).map(Self::from),
            "local" => local(rest).map(Self::from),
            _ => Err(ConnectionError::Scheme),
        }
    }
}

impl FromStr for Proxy {
    type Err = ConnectionError;

    fn from_str(text: &str) -> Result<Self, ConnectionError> {
        proxy(text)
    }
}

fn local(rest: &str) -> Result<LocalConnection, ConnectionError> {
    let (path, query) = split_query(rest);
    if let Some((name, _)) = parameters(query).next() {
        return Err(ConnectionError::UnknownParameter { name: name.to_owned() });
    }
    if !path.is_empty() && !path.starts_with('/') {
        return Err(ConnectionError::Misplaced { what: "a host after local://" });
    }
    let path = decode(path, "the path of the Docker socket")?;
    Ok(LocalConnection { docker: Some(path).filter(|path| !path.is_empty() && path != "/") })
}

fn ssh(rest: &str) -> Result<SshConnection, ConnectionError> {
    let (authority, query) = split_query(rest);
    let authority = match authority.split_once('/') {
        Some((authority, "")) => authority,
        Some(_) => return Err(ConnectionError::Misplaced { what: "a path after the host" }),
        None => authority,
    };
    let mut ssh = SshConnection::to(hop(authority, "")?);
    let mut sudo = None;
    for (name, value) in parameters(query) {
        match name {
            "host_key" => ssh.host_keys.push(host_key(value)?),
            "jump" if ssh.jump.is_empty() => ssh.jump = jump(value)?,
            "docker" if ssh.docker.is_none() => ssh.docker = Some(docker(value)?),
            "sudo" if sudo.is_none() => sudo = Some(under_sudo(value)?),
            "proxy" if ssh.proxy.is_none() => ssh.proxy = Some(proxy(value)?),
            "identity" if ssh.identity.is_none() => ssh.identity = Some(identity(value)?),
            other => return Err(refused(other)),
        }
    }
    ssh.sudo = sudo.unwrap_or_default();
    Ok(ssh)
}

/// What is wrong with a parameter that cannot stand where it stands.
fn refused(name: &str) -> ConnectionError {
    match ["jump", "docker", "sudo", "identity", "proxy"].into_iter().find(|known| *known == name) {
        Some(name) => ConnectionError::Repeated { name },
        None => ConnectionError::UnknownParameter { name: name.to_owned() },
    }
}

fn split_query(text: &str) -> (&str, &str) {
    text.split_once('?').unwrap_or((text, ""))
}

/// The names and (still encoded) values; a name without `=` has an empty value.
fn parameters(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
}

/// One `[user@]host[:port]`; `of` is empty for the host itself and ` of …` for another one.
fn hop(text: &str, of: &str) -> Result<Hop, ConnectionError> {
    let (user, address) = match text.rsplit_once('@') {
        Some((user, address)) => (Some(user), address),
        None => (None, text),
    };
    let user = user.map(|user| user_name(user, of)).transpose()?;
    let (host, port) = split_port(address, of)?;
    Ok(Hop { user, host: host_name(host, of)?, port: port.map(|port| port_number(port, of)).transpose()? })
}

fn user_name(text: &str, of: &str) -> Result<String, ConnectionError> {
    if text.contains(':') {
        return Err(ConnectionError::Password);
    }
    let part = format!("the user{of}");
    match decode(text, &part)? {
        user if user.is_empty() => Err(ConnectionError::Empty { part }),
        user => Ok(user),
    }
}

/// Takes the port off the end; what stands in brackets has colons of its own.
fn split_port<'a>(address: &'a str, of: &str) -> Result<(&'a str, Option<&'a str>), ConnectionError> {
    let end = address.rfind(']').map_or(0, |bracket| bracket + 1);
    match address[end..].split_once(':') {
        Some((before, port)) => Ok((&address[..end + before.len()], Some(port))),
        None if end > 0 && end < address.len() => Err(not_a_host(address, of)),
        None => Ok((address, None)),
    }
}

fn port_number(text: &str, of: &str) -> Result<u16, ConnectionError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|port| digits && *port != 0)
        .ok_or_else(|| ConnectionError::Port { part: format!("the port{of}"), given: text.to_owned() })
}

/// The name or address, IPv6 without its brackets.
fn host_name(text: &str, of: &str) -> Result<String, ConnectionError> {
    let part = format!("the host{of}");
    if text.is_empty() {
        return Err(ConnectionError::Empty { part });
    }
    if let Some(inside) = text.strip_prefix('[') {
        let inside = inside.strip_suffix(']').ok_or_else(|| not_a_host(text, of))?;
        return ipv6(inside).ok_or_else(|| not_a_host(text, of));
    }
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    // A host that looks like an option must never reach a command line.
    if text.bytes().all(is_allowed) && !text.starts_with('-') {
        Ok(text.to_owned())
    } else {
        Err(not_a_host(text, of))
    }
}

/// An IPv6 address with its zone, whose `%` may be encoded (RFC 6874) or, as people type it, not.
fn ipv6(text: &str) -> Option<String> {
    let (address, zone) = match text.split_once('%') {
        Some((address, zone)) => (address, Some(zone.strip_prefix("25").unwrap_or(zone))),
        None => (text, None),
    };
    let address: Ipv6Addr = address.parse().ok()?;
    let is_zone = |zone: &str| {
        !zone.is_empty() && zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    match zone {
        None => Some(address.to_string()),
        Some(zone) => is_zone(zone).then(|| format!("{address}%{zone}")),
    }
}

fn not_a_host(given: &str, of: &str) -> ConnectionError {
    ConnectionError::Host { part: format!("the host{of}"), given: given.to_owned() }
}

/// One host or several, separated by commas as in OpenSSH's ProxyJump, the first one first.
fn jump(value: &str) -> Result<Vec<Hop>, ConnectionError> {
    let value = decode(value, "parameter jump")?;
    value.split(',').map(|text| hop(text, " of parameter jump")).collect()
}

/// A SOCKS5 proxy. A name is resolved there in any case, which some write as `socks5h`.
fn proxy(value: &str) -> Result<Proxy, ConnectionError> {
    let value = decode(value, "parameter proxy")?;
    let problem = |problem: &str| ConnectionError::Parameter { name: "proxy", problem: problem.to_owned() };
    let address = ["socks5://", "socks5h://"].iter().find_map(|scheme| value.strip_prefix(scheme));
    let address = address.ok_or_else(|| problem("is not of the form socks5://host:port"))?;
    match hop(address, " of parameter proxy")? {
        Hop { user: None, host, port } => Ok(Proxy { host, port }),
        Hop { .. } => Err(problem("has a user, and a proxy that asks who comes cannot be used")),
    }
}

fn host_key(value: &str) -> Result<HostKey, ConnectionError> {
    let name = "host_key";
    decode(value, "parameter host_key")?
        .parse()
        .map_err(|problem| ConnectionError::Parameter { name, problem })
}

fn docker(value: &str) -> Result<String, ConnectionError> {
    let path = decode(value, "parameter docker")?;
    if path.starts_with('/') {
        return Ok(path);
    }
    let problem = format!("is not the absolute path of a socket: {path:?}");
    Err(ConnectionError::Parameter { name: "docker", problem })
}

fn under_sudo(value: &str) -> Result<Sudo, ConnectionError> {
    match value {
        "1" | "true" => Ok(Sudo::All),
        "0" | "false" => Ok(Sudo::Nothing),
        "docker" => Ok(Sudo::Docker),
        other => Err(ConnectionError::Parameter {
            name: "sudo",
            problem: format!("is none of 1, 0 and docker: {other:?}"),
        }),
    }
}

fn identity(value: &str) -> Result<String, ConnectionError> {
    match decode(value, "parameter identity")? {
        name if name.is_empty() => Err(ConnectionError::Empty { part: "parameter identity".to_owned() }),
        name => Ok(name),
    }
}

fn decode(text: &str, part: &str) -> Result<String, ConnectionError> {
    encoding::decode(text).ok_or_else(|| ConnectionError::Encoding { part: part.to_owned() })
}
