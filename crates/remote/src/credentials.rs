//! Which credentials go with a connection.
//!
//! They come from the provider's `ssh` blocks and from the environment, never from the
//! connection. `identity=name` picks the block of that name; a connection without it uses the
//! unnamed block, and the environment fills in what that block leaves out. A named block stands
//! for itself: neither the environment nor the unnamed block adds to it.
//!
//! For the user and the port the connection itself comes first, then the block, then the
//! environment, then `root` and 22. It is `root` and not the user who runs us, so that a plan
//! does not depend on whose machine it is made on.
//!
//! A key is one setting, however it is given: a block with a `private_key` hides
//! `WINDLASS_SSH_PRIVATE_KEY_FILE` too. An empty variable counts as absent.

mod environment;
#[cfg(test)]
mod tests;

use std::time::Duration;

use secret::Secret;

use crate::connection::{Hop, SshConnection};

/// Who logs in when nobody says so.
pub const DEFAULT_USER: &str = "root";

/// How long a TCP connection with its handshake may take when nobody says so.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// One `ssh` block of the provider, or what the environment has of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SshSettings {
    /// What `identity=` calls it; the default block has none.
    pub name: Option<String>,
    /// Who logs in.
    pub user: Option<String>,
    /// The port of sshd.
    pub port: Option<u16>,
    /// A private key, OpenSSH or PEM.
    pub private_key: Option<Secret>,
    /// The file of a private key; `~/` is the home directory.
    pub private_key_file: Option<String>,
    /// What the private key is encrypted with.
    pub passphrase: Option<Secret>,
    /// Whether the SSH agent is asked for keys.
    pub agent: Option<bool>,
    /// The known_hosts file to use in place of the usual ones; `~/` is the home directory.
    pub known_hosts_file: Option<String>,
    /// How long connecting may take.
    pub connect_timeout: Option<Duration>,
}

/// How to log in to one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The host itself.
    pub target: Login,
    /// The hosts on the way, in order.
    pub jump: Vec<Login>,
    /// The private key, if one was given.
    pub key: Option<Key>,
    /// What the private key is encrypted with.
    pub passphrase: Option<Secret>,
    /// Whether the SSH agent is asked.
    pub agent: Agent,
    /// The known_hosts file to use in place of the usual ones.
    pub known_hosts_file: Option<String>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
}

/// Who logs in where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Login {
    /// The user.
    pub user: String,
    /// A name or an address; IPv6 without brackets.
    pub host: String,
    /// The port of sshd.
    pub port: u16,
}

/// Where the private key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// The key itself, OpenSSH or PEM.
    Text(Secret),
    /// The file it is in.
    File(String),
}

/// Whether the SSH agent is asked for keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agent {
    /// It must be there.
    Required,
    /// It is asked when it is there: what happens when there is no key and no word about it.
    IfThere,
    /// It is left alone.
    Never,
}

/// Why no credentials can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// `identity=` names no settings.
    #[error("the connection asks for identity {name:?}, and {}", known_blocks(known))]
    UnknownIdentity {
        /// What it asks for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// Two settings of one name.
    #[error("{} given twice", settings_of(name.as_deref()))]
    Repeated {
        /// Their name, if they have one.
        name: Option<String>,
    },
    /// The key is given both as text and as a file.
    #[error("{place} give both a private key and a private key file; one of them must go")]
    TwoKeys {
        /// Which settings, or the environment.
        place: String,
    },
    /// A variable of the environment cannot be used. Its value is not shown.
    #[error("environment variable {variable} is {problem}")]
    Environment {
        /// The variable.
        variable: &'static str,
        /// What is wrong with it: `not a port number`.
        problem: &'static str,
    },
}

fn known_blocks(known: &[String]) -> String {
    if known.is_empty() {
        return "no SSH settings have a name".to_owned();
    }
    let quoted: Vec<String> = known.iter().map(|name| format!("{name:?}")).collect();
    format!("the SSH settings are named {}", quoted.join(", "))
}

fn settings_of(name: Option<&str>) -> String {
    match name {
        Some(name) => format!("the SSH settings named {name:?} are"),
        None => "SSH settings without a name are".to_owned(),
    }
}

/// Chooses the credentials for `connection` among `blocks` and the environment, which `variable`
/// looks up. Reads no file and asks no agent.
///
/// # Errors
/// When a setting is missing, given twice or unusable; see [`CredentialsError`].
pub fn choose(
    connection: &SshConnection,
    blocks: &[SshSettings],
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Credentials, CredentialsError> {
    no_name_twice(blocks)?;
    let settings = match &connection.identity {
        Some(name) => named(name, blocks)?,
        None => {
            let unnamed = blocks.iter().find(|block| block.name.is_none()).cloned().unwrap_or_default();
            one_key(&unnamed, "the SSH settings without a name")?;
            let environment = environment::read(&variable)?;
            one_key(&environment, "the environment variables")?;
            fill(unnamed, environment)
        }
    };
    Ok(credentials(connection, settings, variable("HOME").as_deref()))
}

fn no_name_twice(blocks: &[SshSettings]) -> Result<(), CredentialsError> {
    for (index, block) in blocks.iter().enumerate() {
        if blocks[..index].iter().any(|earlier| earlier.name == block.name) {
            return Err(CredentialsError::Repeated { name: block.name.clone() });
        }
    }
    Ok(())
}

fn named(name: &str, blocks: &[SshSettings]) -> Result<SshSettings, CredentialsError> {
    let block = blocks.iter().find(|block| block.name.as_deref() == Some(name)).ok_or_else(|| {
        CredentialsError::UnknownIdentity {
            name: name.to_owned(),
            known: blocks.iter().filter_map(|block| block.name.clone()).collect(),
        }
    })?;
    one_key(block, &format!("the SSH settings named {name:?}"))?;
    Ok(block.clone())
}

fn one_key(settings: &SshSettings, place: &str) -> Result<(), CredentialsError> {
    if settings.private_key.is_some() && settings.private_key_file.is_some() {
        return Err(CredentialsError::TwoKeys { place: place.to_owned() });
    }
    Ok(())
}

/// `block` with what it leaves out taken from `environment`.
fn fill(block: SshSettings, environment: SshSettings) -> SshSettings {
    let has_key = block.private_key.is_some() || block.private_key_file.is_some();
    let (private_key, private_key_file) = if has_key {
        (block.private_key, block.private_key_file)
    } else {
        (environment.private_key, environment.private_key_file)
    };
    SshSettings {
        name: block.name,
        user: block.user.or(environment.user),
        port: block.port.or(environment.port),
        private_key,
        private_key_file,
        passphrase: block.passphrase.or(environment.passphrase),
        agent: block.agent.or(environment.agent),
        known_hosts_file: block.known_hosts_file.or(environment.known_hosts_file),
        connect_timeout: block.connect_timeout.or(environment.connect_timeout),
    }
}

fn credentials(connection: &SshConnection, settings: SshSettings, home: Option<&str>) -> Credentials {
    let user = settings.user.as_deref().unwrap_or(DEFAULT_USER);
    let login = |hop: &Hop, port: u16| Login {
        user: hop.user.clone().unwrap_or_else(|| user.to_owned()),
        host: hop.host.clone(),
        port,
    };
    let key = match (settings.private_key, settings.private_key_file) {
        (Some(text), _) => Some(Key::Text(text)),
        (None, Some(file)) => Some(Key::File(under_home(file, home))),
        (None, None) => None,
    };
    let target = &connection.target;
    Credentials {
        target: login(target, target.port.or(settings.port).unwrap_or(target.port_or_default())),
        // The port of a block is that of its hosts, not of what stands before them.
        jump: connection.jump.iter().map(|hop| login(hop, hop.port_or_default())).collect(),
        agent: match settings.agent {
            Some(true) => Agent::Required,
            None if key.is_none() => Agent::IfThere,
            _ => Agent::Never,
        },
        key,
        passphrase: settings.passphrase,
        known_hosts_file: settings.known_hosts_file.map(|file| under_home(file, home)),
        connect_timeout: settings.connect_timeout.unwrap_or(DEFAULT_CONNECT_TIMEOUT),
    }
}

/// `~/file` as a path, where the home directory is known.
pub fn under_home(file: String, home: Option<&str>) -> String {
    match (file.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => format!("{}/{rest}", home.trim_end_matches('/')),
        _ => file,
    }
}
