//! The address of a host as one string without secrets.
//!
//! ```text
//! ssh://[user@]host[:port]?host_key=<type>:SHA256:<base64url>&jump=user@host:port
//!     &docker=/run/user/1000/docker.sock&sudo=1|docker&identity=name&proxy=socks5://host:port
//! local://[/path/to/docker.sock]
//! ```
//!
//! Every parameter is optional. Reading a connection normalises it, and two spellings of the same
//! connection are equal and are written alike:
//!
//! - the scheme, host names and key types are in lower case; IPv6 addresses are in their canonical
//!   form and stand in brackets;
//! - port 22, a proxy's port 1080, the default Docker socket `/var/run/docker.sock`, `sudo=0` and a bare `/` after the
//!   host are left out;
//! - parameters are in alphabetical order, host keys too, none of them twice;
//! - fingerprints are base64url without padding, short key types are written out
//!   (`ed25519` is `ssh-ed25519`);
//! - only characters that need it are percent-encoded.
//!
//! A user that is absent stays absent: who logs in then is for the credentials to say.

mod encoding;
mod error;
mod host_key;
mod parse;
mod proxy;
#[cfg(test)]
mod tests;

use std::{fmt, net::Ipv6Addr};

pub use error::ConnectionError;
pub use host_key::HostKey;
pub use proxy::Proxy;

/// The port of SSH when a connection names none.
pub const DEFAULT_SSH_PORT: u16 = 22;

/// Where Docker listens when a connection says nothing else.
pub const DEFAULT_DOCKER_SOCKET: &str = "/var/run/docker.sock";

/// How a host is reached. Made by parsing; see the [module](self) for the spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Connection {
    /// The machine that runs us.
    Local(LocalConnection),
    /// A host behind SSH.
    Ssh(Box<SshConnection>),
}

/// The machine that runs us.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LocalConnection {
    /// The Docker socket, where it is not [`DEFAULT_DOCKER_SOCKET`].
    pub docker: Option<String>,
}

/// A host behind SSH.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SshConnection {
    /// The host itself.
    pub target: Hop,
    /// The keys the host may have; empty leaves it to known_hosts.
    pub host_keys: Vec<HostKey>,
    /// The hosts to go through, the first one first.
    pub jump: Vec<Hop>,
    /// The Docker socket, where it is not [`DEFAULT_DOCKER_SOCKET`].
    pub docker: Option<String>,
    /// What runs under `sudo -n`.
    pub sudo: Sudo,
    /// The name of the credentials to use; the unnamed ones if absent.
    pub identity: Option<String>,
    /// What the first connection on the way goes through.
    pub proxy: Option<Proxy>,
}

/// What runs under `sudo -n` on a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sudo {
    /// Nothing: the login may do all that is asked of it.
    #[default]
    Nothing,
    /// The docker client and nothing else: all that sudoers there allow.
    Docker,
    /// Whatever is [privileged](crate::Command::privileged).
    All,
}

/// One SSH server on the way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hop {
    /// Who logs in, if the connection says so.
    pub user: Option<String>,
    /// A name or an address; IPv6 without its brackets.
    pub host: String,
    /// The port of sshd, if the connection says so and it is not [`DEFAULT_SSH_PORT`].
    pub port: Option<u16>,
}

impl Connection {
    /// The Docker socket on the host.
    pub fn docker_socket(&self) -> &str {
        let docker = match self {
            Self::Local(local) => &local.docker,
            Self::Ssh(ssh) => &ssh.docker,
        };
        docker.as_deref().unwrap_or(DEFAULT_DOCKER_SOCKET)
    }

    /// What runs under `sudo -n`.
    pub fn sudo(&self) -> Sudo {
        match self {
            Self::Local(_) => Sudo::Nothing,
            Self::Ssh(ssh) => ssh.sudo,
        }
    }
}

impl From<SshConnection> for Connection {
    /// The connection of the parts, normalised as if it had been parsed.
    fn from(mut ssh: SshConnection) -> Self {
        ssh.normalise();
        Self::Ssh(Box::new(ssh))
    }
}

impl From<LocalConnection> for Connection {
    /// The connection of the parts, normalised as if it had been parsed.
    fn from(mut local: LocalConnection) -> Self {
        drop_default_socket(&mut local.docker);
        Self::Local(local)
    }
}

impl SshConnection {
    /// A connection to `target` with every parameter absent.
    pub fn to(target: Hop) -> Self {
        Self {
            target,
            host_keys: Vec::new(),
            jump: Vec::new(),
            docker: None,
            sudo: Sudo::Nothing,
            identity: None,
            proxy: None,
        }
    }

    fn normalise(&mut self) {
        self.target.normalise();
        self.jump.iter_mut().for_each(Hop::normalise);
        self.host_keys.sort();
        self.host_keys.dedup();
        self.proxy.iter_mut().for_each(Proxy::normalise);
        drop_default_socket(&mut self.docker);
    }
}

impl Hop {
    /// The port to connect to when nothing beside the connection names one.
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(DEFAULT_SSH_PORT)
    }

    fn normalise(&mut self) {
        self.host.make_ascii_lowercase();
        if let Some((address, zone)) = split_ipv6(&self.host) {
            self.host = format!("{address}{zone}");
        }
        self.port = self.port.filter(|port| *port != DEFAULT_SSH_PORT);
    }
}

/// The address and the zone (with its `%`, or empty) of an IPv6 host.
fn split_ipv6(host: &str) -> Option<(Ipv6Addr, &str)> {
    let (address, zone) = host.split_at(host.find('%').unwrap_or(host.len()));
    Some((address.parse().ok()?, zone))
}

fn drop_default_socket(docker: &mut Option<String>) {
    if docker.as_deref() == Some(DEFAULT_DOCKER_SOCKET) {
        *docker = None;
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(local) => {
                write!(f, "local://{}", encoding::path(local.docker.as_deref().unwrap_or_default()))
            }
            Self::Ssh(ssh) => write!(f, "ssh://{}{}", ssh.target, ssh.query()),
        }
    }
}

impl SshConnection {
    /// The parameters from `?` on, in alphabetical order; empty when there are none.
    fn query(&self) -> String {
        let mut parameters = Vec::new();
        parameters.extend(self.docker.iter().map(|docker| format!("docker={}", encoding::parameter(docker))));
        parameters.extend(self.host_keys.iter().map(|key| format!("host_key={key}")));
        parameters.extend(self.identity.iter().map(|name| format!("identity={}", encoding::parameter(name))));
        if !self.jump.is_empty() {
            let hops: Vec<String> = self.jump.iter().map(Hop::to_string).collect();
            // A user in there is encoded for the hop, and the list once more for the query.
            parameters.push(format!("jump={}", encoding::parameter(&hops.join(","))));
        }
        parameters.extend(
            self.proxy.iter().map(|proxy| format!("proxy={}", encoding::parameter(&proxy.to_string()))),
        );
        match self.sudo {
            Sudo::Nothing => {}
            Sudo::All => parameters.push("sudo=1".to_owned()),
            Sudo::Docker => parameters.push("sudo=docker".to_owned()),
        }
        if parameters.is_empty() { String::new() } else { format!("?{}", parameters.join("&")) }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(user) = &self.user {
            write!(f, "{}@", encoding::user(user))?;
        }
        match split_ipv6(&self.host) {
            // RFC 6874: the percent sign before a zone is itself encoded.
            Some(_) => write!(f, "[{}]", self.host.replace('%', "%25"))?,
            None => f.write_str(&self.host)?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}
