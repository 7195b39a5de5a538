//! A SOCKS5 proxy on the way to a host.

use std::fmt;

use super::Hop;

/// The port of SOCKS when a proxy names none.
const DEFAULT_PORT: u16 = 1080;

/// A SOCKS5 proxy, which asks for no password and resolves names itself, as that of a userspace
/// Tailscale does. Written `socks5://host[:port]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// A name or an address; IPv6 without its brackets.
    pub host: String,
    /// Its port, if it is not 1080.
    pub port: Option<u16>,
}

impl Proxy {
    /// The port to connect to.
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(DEFAULT_PORT)
    }

    pub(super) fn normalise(&mut self) {
        let mut hop = self.hop();
        hop.normalise();
        self.host = hop.host;
        self.port = self.port.filter(|port| *port != DEFAULT_PORT);
    }

    fn hop(&self) -> Hop {
        Hop { user: None, host: self.host.clone(), port: None }
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "socks5://{}", self.hop())?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}
