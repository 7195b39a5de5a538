//! What a change of `windlass_host` means, as pure functions.

use framework::{Diagnostics, Field, Plan};
use remote::connection::{Connection, Hop, HostKey, Proxy, SshConnection, Sudo};

use super::{HostModel, HostResource};
use crate::{host_key::pinned, hosted::Login};

/// Decides what a change of the configuration makes of the computed attributes.
///
/// The route may change while the machine stays: a new connection is known as soon as its parts
/// are, and what was seen of the machine stays. Where another machine is expected, all of it is
/// unknown until that has been seen, so that everything that lives there plans again.
///
/// # Errors
/// When the model cannot hold the plan, which is a bug.
pub(super) fn plan(plan: &mut Plan<HostResource>) -> Result<(), Diagnostics> {
    let Some(prior) = plan.prior.as_ref().map(|prior| prior.model.clone()) else { return Ok(()) };
    if key_of(&plan.config.host_key).is_some_and(|key| key_of(&prior.host_key) == Some(key)) {
        plan.keep_spelling("host_key")?;
    }
    let jump = |model: &HostModel| decided(&model.jump).map(|jump| hops(jump.as_deref()));
    if jump(&plan.config).is_some_and(|hops| jump(&prior) == Some(hops)) {
        plan.keep_spelling("jump")?;
    }
    let planned = &mut plan.planned;
    // What the normal login waits for may be made in this apply, by the first one: the host has to
    // take part in it.
    if prior.login.as_str() == Some(Login::Bootstrap.word()) {
        planned.login = Field::Unknown;
    }
    // Neither set nor verified by somebody else: the recorded key stays the one to expect.
    if plan.config.host_key.is_null() {
        planned.host_key = prior.host_key.clone();
    }
    if leads_elsewhere(&prior, planned) {
        planned.forget_machine();
        return Ok(());
    }
    planned.connection = match connection(planned) {
        Some(connection) => Field::Known(Connection::from(connection).to_string()),
        None if same_route(&prior, planned) => prior.connection.clone(),
        None => Field::Unknown,
    };
    if planned.connection == prior.connection {
        // Nobody looks at the machine then: what it does not have (Docker, say), it goes on not having.
        planned.machine = prior.machine;
    }
    Ok(())
}

/// Whether another machine is expected behind the change. Another way to the same host key leads
/// to the same machine.
pub(super) fn leads_elsewhere(prior: &HostModel, planned: &HostModel) -> bool {
    prior.address != planned.address
        || prior.instance != planned.instance
        || key_of(&prior.host_key) != key_of(&planned.host_key)
}

fn same_route(prior: &HostModel, planned: &HostModel) -> bool {
    prior.port == planned.port
        && prior.jump == planned.jump
        && prior.proxy == planned.proxy
        && prior.user == planned.user
        && prior.identity == planned.identity
        && prior.docker_socket == planned.docker_socket
        && prior.sudo == planned.sudo
}

/// The connection that the attributes make; `None` while one of its parts is unknown.
///
/// Without a host key there is none either: the connection always carries the key that was pinned.
pub(super) fn connection(model: &HostModel) -> Option<SshConnection> {
    let key = key_of(&model.host_key)?;
    unpinned(model).map(|connection| SshConnection { host_keys: vec![key], ..connection })
}

/// The connection without a host key, which is what known_hosts or the first use will tell.
pub(super) fn unpinned(model: &HostModel) -> Option<SshConnection> {
    let target = Hop {
        user: decided(&model.user)?,
        host: model.address.known()?.clone(),
        // The validator has checked the range.
        port: decided(&model.port)?.and_then(|port| u16::try_from(port).ok()),
    };
    let connection = SshConnection {
        jump: hops(decided(&model.jump)?.as_deref()),
        proxy: decided(&model.proxy)?.and_then(|text| text.parse().ok()),
        docker: decided(&model.docker_socket)?,
        sudo: decided(&model.sudo)?.map(|word| sudo_of(&word)).unwrap_or_default(),
        identity: decided(&model.identity)?,
        ..SshConnection::to(target)
    };
    match Connection::from(connection) {
        Connection::Ssh(ssh) => Some(*ssh),
        Connection::Local(_) => None,
    }
}

/// What the word in the attribute `sudo` means.
fn sudo_of(word: &str) -> Sudo {
    match word {
        "true" => Sudo::All,
        "docker" => Sudo::Docker,
        _ => Sudo::Nothing,
    }
}

/// The word for it.
pub(super) fn sudo_word(sudo: Sudo) -> &'static str {
    match sudo {
        Sudo::Nothing => "false",
        Sudo::All => "true",
        Sudo::Docker => "docker",
    }
}

/// Checks the spelling of `host_key`.
pub(super) fn check_host_key(text: &str) -> Result<(), String> {
    pinned(text).map(|_| ())
}

/// Checks the spelling of `address`: what the connection's own parser takes for a host, and nothing of what
/// may stand around it there.
pub(super) fn check_address(text: &str) -> Result<(), String> {
    let host = if text.contains(':') { format!("[{text}]") } else { text.to_owned() };
    let alone = !text.is_empty() && !text.contains(['@', '/', '?', '#', '[', ']']);
    if alone && format!("ssh://{host}").parse::<Connection>().is_ok() {
        return Ok(());
    }
    Err("must be the name or the address of a machine alone, such as `web.example.org`, `10.0.0.1` or `2001:db8::1`: \
         `user`, `port` and `jump` are attributes of their own"
        .to_owned())
}

/// Checks the spelling of `jump`.
pub(super) fn check_jump(text: &str) -> Result<(), String> {
    with_jump(text).map(|_| ())
}

/// Checks the spelling of `proxy`.
pub(super) fn check_proxy(text: &str) -> Result<(), String> {
    text.parse::<Proxy>().map(drop).map_err(|error| error.to_string())
}

/// The hosts of an attribute `jump` that was checked.
pub(super) fn hops(text: Option<&str>) -> Vec<Hop> {
    text.and_then(|text| with_jump(text).ok()).unwrap_or_default()
}

/// The hosts that `text` names. The connection's own parser reads them: a hop is spelled there and
/// here alike.
fn with_jump(text: &str) -> Result<Vec<Hop>, String> {
    match format!("ssh://host?jump={text}").parse() {
        Ok(Connection::Ssh(ssh)) => Ok(ssh.jump),
        Ok(Connection::Local(_)) => Ok(Vec::new()),
        Err(error) => Err(error.to_string()),
    }
}

fn key_of(field: &Field<String>) -> Option<HostKey> {
    field.known().and_then(|text| pinned(text).ok())
}

/// The value, if any, once that is known.
pub(super) fn decided<T: Clone>(field: &Field<T>) -> Option<Option<T>> {
    match field {
        Field::Unknown => None,
        Field::Null => Some(None),
        Field::Known(value) => Some(Some(value.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> HostModel {
        HostModel {
            address: Field::Known("web.example.org".into()),
            user: Field::Known("deploy".into()),
            host_key: Field::Known(format!("ssh-ed25519:SHA256:{}", "A".repeat(43))),
            ..HostModel::default()
        }
    }

    #[test]
    fn the_connection_has_every_part() {
        let model = HostModel {
            port: Field::Known(2222),
            jump: Field::Known("jump@bastion:2200".into()),
            sudo: Field::Known("true".into()),
            identity: Field::Known("ops".into()),
            docker_socket: Field::Known("/run/user/1000/docker.sock".into()),
            ..model()
        };
        assert_eq!(
            Connection::from(connection(&model).unwrap()).to_string(),
            format!(
                "ssh://deploy@web.example.org:2222?docker=/run/user/1000/docker.sock&host_key=ssh-ed25519:SHA256:{}\
                 &identity=ops&jump=jump@bastion:2200&sudo=1",
                "A".repeat(43)
            )
        );
    }

    #[test]
    fn every_word_for_sudo_comes_back() {
        for (word, parameter) in [("false", ""), ("true", "sudo=1"), ("docker", "sudo=docker")] {
            let found = connection(&HostModel { sudo: Field::Known(word.into()), ..model() }).unwrap();
            assert_eq!(sudo_word(found.sudo), word);
            let text = Connection::from(found).to_string();
            assert!(text.ends_with(parameter) && text.contains("sudo") != parameter.is_empty(), "{text}");
        }
        assert_eq!(super::super::schema::SUDO.map(sudo_of).map(sudo_word), super::super::schema::SUDO);
    }

    #[test]
    fn without_a_key_or_with_an_unknown_part_there_is_none() {
        assert!(connection(&HostModel { host_key: Field::Unknown, ..model() }).is_none());
        assert!(connection(&HostModel { host_key: Field::Null, ..model() }).is_none());
        assert!(connection(&HostModel { user: Field::Unknown, ..model() }).is_none());
    }

    #[test]
    fn only_what_may_lead_to_another_machine_does() {
        let prior = model();
        for planned in [
            HostModel { address: Field::Known("other".into()), ..model() },
            HostModel { instance: Field::Unknown, ..model() },
            HostModel {
                host_key: Field::Known(format!("ssh-ed25519:SHA256:{}", "B".repeat(42) + "A")),
                ..model()
            },
        ] {
            assert!(leads_elsewhere(&prior, &planned), "{planned:?}");
        }
        for planned in [
            HostModel { user: Field::Known("root".into()), ..model() },
            HostModel { port: Field::Known(2222), ..model() },
            HostModel { jump: Field::Known("bastion".into()), ..model() },
            HostModel { sudo: Field::Known("docker".into()), ..model() },
            HostModel { docker_socket: Field::Known("/run/x.sock".into()), ..model() },
        ] {
            assert!(!leads_elsewhere(&prior, &planned), "{planned:?}");
            assert!(!same_route(&prior, &planned));
        }
    }

    #[test]
    fn a_jump_is_spelled_as_in_the_connection() {
        for address in ["web", "Web.example.org", "10.0.0.1", "2001:db8::1", "fe80::1%eth0", "a_b-c.d"] {
            assert_eq!(check_address(address), Ok(()), "{address}");
        }
        for address in [
            "",
            " web",
            "a b",
            "root@web",
            "web:22",
            "10.0.0.1:22",
            "ssh://web",
            "web/",
            "10.0.0.1/24",
            "[::1]",
            "web?sudo=1",
            "-oProxyCommand=x",
            "nö.example",
            "web#",
        ] {
            assert!(check_address(address).is_err(), "{address:?}");
        }
        assert!(check_jump("a@b:22,c").is_ok());
        assert!(check_jump("a b").is_err());
        assert!(check_jump("").is_err());
        assert!(check_proxy("socks5://localhost:1055").is_ok());
        assert!(check_proxy("localhost:1055").is_err() && check_proxy("http://a:1").is_err());
    }
}
