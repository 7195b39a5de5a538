//! `connection(address, options...)`: a connection, put together or normalised.

use std::net::Ipv6Addr;

use async_trait::async_trait;
use framework::{Documentation, Function, FunctionError, Value, Variadic};
use remote::connection::{
    Connection, ConnectionError, Hop, HostKey, LocalConnection, Proxy, SshConnection, Sudo,
};

use crate::host_key::pinned;

pub(super) struct ConnectionFunction;

/// The options, as messages list them.
const OPTIONS: &str = "docker, host_key, identity, jump, port, proxy, sudo and user";

#[async_trait]
impl Function for ConnectionFunction {
    type Arguments = (String, Variadic<Value>);
    type Output = String;

    fn name(&self) -> &'static str {
        "connection"
    }

    fn documentation(&self) -> Documentation {
        Documentation::new("A connection to a host")
            .describe(
                "Builds the connection that every `host` attribute takes, or brings one to its normal form. Whether \
                 the host is there is not asked; `windlass_host` does that, and pins its key.",
            )
            .argument(
                "address",
                "A name or address (`web.example.org`, `203.0.113.7`, `fd00::7`), also as `user@host:port`, or a whole \
                 connection (`ssh://…`, `local://`).",
            )
            .argument(
                "options",
                "At most one object; what it says wins over what the address says, and null says nothing. `user`; \
                 `port`; `host_key`, one or a list, as an OpenSSH public key or a fingerprint \
                 (`ssh-ed25519:SHA256:…`); `jump`, one or a list of `user@host:port`, the first one first; `proxy`, a SOCKS5 \
                 proxy (`socks5://host:port`); `sudo`, \
                 whether Docker and files need it (true or false), or Docker alone (`\"docker\"`); `docker`, the path of its socket on the host; `identity`, the name \
                 of an `ssh` block of the provider. `local://` has `docker` alone.",
            )
    }

    async fn call(&self, (address, Variadic(options)): Self::Arguments) -> Result<String, FunctionError> {
        if options.len() > 1 {
            return Err(FunctionError::argument(2, "There may be one object of options, not several."));
        }
        let connection = address_of(&address).map_err(|text| FunctionError::argument(0, text))?;
        let Some(options) = options.first().filter(|options| !options.is_null()) else {
            return Ok(connection.to_string());
        };
        let changed = with_options(connection, options).map_err(|text| FunctionError::argument(1, text))?;
        Ok(changed.to_string())
    }
}

/// The connection that the first argument means.
fn address_of(text: &str) -> Result<Connection, String> {
    let text = text.trim();
    let whole = match text {
        _ if text.contains("://") => text.to_owned(),
        _ if text.parse::<Ipv6Addr>().is_ok() => format!("ssh://[{text}]"),
        _ => format!("ssh://{text}"),
    };
    whole.parse().map_err(|error| format!("No connection: {error}."))
}

fn with_options(connection: Connection, options: &Value) -> Result<Connection, String> {
    let Some(options) = options.as_map() else {
        return Err(format!("The options must be an object, not {}.", options.kind()));
    };
    let set = options.iter().filter(|(_, value)| !value.is_null());
    match connection {
        Connection::Local(mut local) => {
            for (name, value) in set {
                apply_local(&mut local, name, value).map_err(|problem| blame(name, &problem))?;
            }
            Ok(local.into())
        }
        Connection::Ssh(ssh) => {
            let mut ssh = *ssh;
            for (name, value) in set {
                apply(&mut ssh, name, value).map_err(|problem| blame(name, &problem))?;
            }
            // Read once more, so that an option cannot say what a connection could not.
            let text = Connection::from(ssh).to_string();
            text.parse().map_err(|error| format!("The options make no connection: {error}."))
        }
    }
}

fn blame(name: &str, problem: &str) -> String {
    format!("The option {name:?} {problem}.")
}

fn apply_local(local: &mut LocalConnection, name: &str, value: &Value) -> Result<(), String> {
    if name != "docker" {
        return Err("has no meaning with local://, which has docker alone".to_owned());
    }
    local.docker = Some(socket(value)?);
    Ok(())
}

fn apply(ssh: &mut SshConnection, name: &str, value: &Value) -> Result<(), String> {
    match name {
        "user" => ssh.target.user = Some(text(value)?),
        "port" => ssh.target.port = Some(port(value)?),
        "host_key" => {
            ssh.host_keys = texts(value)?.iter().map(|key| host_key(key)).collect::<Result<_, _>>()?
        }
        "jump" => ssh.jump = hops(&texts(value)?)?,
        "docker" => ssh.docker = Some(socket(value)?),
        "sudo" => ssh.sudo = sudo(value)?,
        "proxy" => ssh.proxy = Some(proxy(value)?),
        "identity" => ssh.identity = Some(text(value)?),
        _ => return Err(format!("does not exist; there are {OPTIONS}")),
    }
    Ok(())
}

/// A proxy, as the connection's own parser reads it.
fn proxy(value: &Value) -> Result<Proxy, String> {
    let told = |error: ConnectionError| error.to_string().replacen("parameter proxy ", "", 1);
    text(value)?.parse().map_err(told)
}

fn sudo(value: &Value) -> Result<Sudo, String> {
    match (value.as_bool(), value.as_str()) {
        (Some(true), _) | (_, Some("true")) => Ok(Sudo::All),
        (Some(false), _) | (_, Some("false")) => Ok(Sudo::Nothing),
        (_, Some("docker")) => Ok(Sudo::Docker),
        (_, Some(other)) => Err(format!("must be true, false or \"docker\", not {other:?}")),
        _ => Err(format!("must be true, false or \"docker\", not {}", value.kind())),
    }
}

fn text(value: &Value) -> Result<String, String> {
    match value.as_str() {
        Some("") => Err("must not be empty".to_owned()),
        Some(text) => Ok(text.to_owned()),
        None => Err(format!("must be a string, not {}", value.kind())),
    }
}

/// One text or a list of them.
fn texts(value: &Value) -> Result<Vec<String>, String> {
    match value.as_list() {
        Some(list) => list.iter().map(text).collect(),
        None => Ok(vec![text(value)?]),
    }
}

fn port(value: &Value) -> Result<u16, String> {
    let number = value.as_i64().and_then(|number| u16::try_from(number).ok());
    number.filter(|port| *port > 0).ok_or_else(|| "must be a whole number from 1 to 65535".to_owned())
}

fn host_key(text: &str) -> Result<HostKey, String> {
    pinned(text).map_err(|problem| format!("holds no host key: {text:?} {problem}"))
}

fn socket(value: &Value) -> Result<String, String> {
    let path = text(value)?;
    if path.starts_with('/') { Ok(path) } else { Err("must be the absolute path of a socket".to_owned()) }
}

fn hops(texts: &[String]) -> Result<Vec<Hop>, String> {
    texts.iter().flat_map(|text| text.split(',')).map(hop).collect()
}

fn hop(text: &str) -> Result<Hop, String> {
    match address_of(text) {
        Ok(Connection::Ssh(ssh)) if *ssh == SshConnection::to(ssh.target.clone()) => Ok(ssh.target),
        Ok(_) => Err(format!("must be a host or a list of them, as user@host:port, not {text:?}")),
        Err(problem) => Err(format!("holds no host: {}", problem.trim_end_matches('.'))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    const FINGERPRINT: &str = "ssh-ed25519:SHA256:-DiY3wvvV6TuJJhbpZisF_zLDA0zPMSvHdkr4UvCOqU";

    async fn call(address: &str, options: Vec<Value>) -> Result<String, FunctionError> {
        ConnectionFunction.call((address.to_owned(), Variadic(options))).await
    }

    fn options<const N: usize>(options: [(&str, Value); N]) -> Vec<Value> {
        vec![Value::map_of(options)]
    }

    #[tokio::test]
    async fn an_address_becomes_a_connection() {
        for (address, connection) in [
            ("203.0.113.7", "ssh://203.0.113.7"),
            ("WEB.example.org:22", "ssh://web.example.org"),
            ("deploy@web:2222", "ssh://deploy@web:2222"),
            ("fd00::7", "ssh://[fd00::7]"),
            ("[fd00::7]:2222", "ssh://[fd00::7]:2222"),
            ("ssh://web?sudo=true", "ssh://web?sudo=1"),
            ("local://", "local://"),
        ] {
            assert_eq!(call(address, vec![]).await.as_deref(), Ok(connection));
            assert_eq!(call(address, vec![Value::Null]).await.as_deref(), Ok(connection));
        }
    }

    #[tokio::test]
    async fn options_are_put_in_and_win() {
        let all = options([
            ("user", "deploy".into()),
            ("port", 2222.into()),
            ("host_key", Value::list_of([KEY])),
            ("jump", Value::list_of(["a@gate", "inner:2200"])),
            ("docker", "/run/user/1000/docker.sock".into()),
            ("sudo", true.into()),
            ("identity", Value::Null),
        ]);
        let made = call("root@web:22", all).await.unwrap();
        let expected = format!(
            "ssh://deploy@web:2222?docker=/run/user/1000/docker.sock&host_key={FINGERPRINT}&\
             jump=a@gate,inner:2200&sudo=1"
        );
        assert_eq!(made, expected);
        // What is there stays, unless an option says otherwise.
        let other = options([("jump", "b@gate".into()), ("sudo", false.into()), ("identity", "ops".into())]);
        let changed = call(&made, other).await.unwrap();
        let expected = expected.replace("&jump=a@gate,inner:2200&sudo=1", "&identity=ops&jump=b@gate");
        assert_eq!(changed, expected);
        let proxied = call("web", options([("proxy", "socks5h://localhost:1055".into())])).await;
        assert_eq!(proxied.as_deref(), Ok("ssh://web?proxy=socks5://localhost:1055"));
        let local = call("local://", options([("docker", "/x.sock".into())])).await;
        assert_eq!(local.as_deref(), Ok("local:///x.sock"));
    }

    #[tokio::test]
    async fn what_is_wrong_names_the_argument_and_the_option() {
        let wrong = |name: &'static str, value: Value| (vec![Value::map_of([(name, value)])], name);
        for (options, name) in [
            wrong("user", "".into()),
            wrong("user", 1.into()),
            wrong("port", 0.into()),
            wrong("port", 70_000.into()),
            wrong("host_key", "SHA256:abc".into()),
            wrong("host_key", Value::list_of([Value::Null])),
            wrong("proxy", "web:1080".into()),
            wrong("proxy", "socks5://web&sudo=1".into()),
            wrong("jump", "local://".into()),
            wrong("jump", "ssh://a?sudo=1".into()),
            wrong("jump", "a b".into()),
            wrong("docker", "docker.sock".into()),
            wrong("sudo", "yes".into()),
            wrong("identity", true.into()),
            wrong("address", "x".into()),
        ] {
            let error = call("web", options).await.unwrap_err();
            assert_eq!(error.argument, Some(1), "{name}: {error}");
            assert!(
                error.text.starts_with(&format!("The option {name:?} ")) && error.text.ends_with('.'),
                "{error}"
            );
        }
        for address in ["", "a b", "http://web", "user:password@web", "web/path"] {
            let error = call(address, vec![]).await.unwrap_err();
            assert_eq!(error.argument, Some(0), "{address}");
            assert!(!error.text.contains("password@"), "{error}");
        }
        let error = call("web", vec!["x".into()]).await.unwrap_err();
        assert_eq!(error.text, "The options must be an object, not a string.");
        let error = call("local://", options([("sudo", true.into())])).await.unwrap_err();
        assert!(error.text.contains("local://"), "{error}");
        assert_eq!(call("web", vec![Value::Null, Value::Null]).await.unwrap_err().argument, Some(2));
    }
}
