//! The ports that may be published.

use std::{net::IpAddr, ops::RangeInclusive};

use crate::project::Published;

/// How an entry is written, for people.
pub const PORTS_GRAMMAR: &str = "`[address:]port[-port][/protocol]`, such as \"80\", \"443/udp\", \"127.0.0.1:8080\", \
                                 \"[::1]:5432\" or \"8000-8010\", or \"*\" for anything";

/// What may be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPort {
    /// Anything, the host's own network included.
    Any,
    /// These ports.
    Ports {
        /// Only on this address; on any when `None`.
        address: Option<IpAddr>,
        /// The ports on the host.
        ports: RangeInclusive<u16>,
        /// `tcp`, `udp` or `sctp`.
        protocol: String,
    },
}

/// An entry that means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{entry:?} must be {PORTS_GRAMMAR}")]
pub struct BadEntry {
    entry: String,
}

impl HostPort {
    /// Reads an entry; without a protocol it is about TCP, as in a Compose file.
    ///
    /// # Errors
    /// [`BadEntry`] when it is not of this form.
    pub fn parse(entry: &str) -> Result<Self, BadEntry> {
        if entry == "*" {
            return Ok(Self::Any);
        }
        Self::ports(entry).ok_or_else(|| BadEntry { entry: entry.to_owned() })
    }

    fn ports(entry: &str) -> Option<Self> {
        let (place, protocol) = entry.split_once('/').unwrap_or((entry, "tcp"));
        if !matches!(protocol, "tcp" | "udp" | "sctp") {
            return None;
        }
        let (address, ports) = match place.rsplit_once(':') {
            None => (None, place),
            Some((address, ports)) => (Some(self::address(address)?), ports),
        };
        Some(Self::Ports { address, ports: range(ports)?, protocol: protocol.to_owned() })
    }

    /// Whether `port` may be published.
    pub fn covers(&self, port: &Published) -> bool {
        let Self::Ports { address, ports, protocol } = self else { return true };
        let wanted = match port.published.as_str() {
            // Docker takes any.
            "" => Some(1..=u16::MAX),
            text => range(text),
        };
        let in_range =
            wanted.is_some_and(|wanted| ports.contains(wanted.start()) && ports.contains(wanted.end()));
        let there = address.is_none_or(|address| port.host_ip.parse() == Ok(address));
        in_range && there && protocol == protocol_of(port)
    }
}

/// Without brackets an address of version 6 would be a riddle.
fn address(text: &str) -> Option<IpAddr> {
    match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        Some(v6) => v6.parse().ok().map(IpAddr::V6),
        None => text.parse().ok().map(IpAddr::V4),
    }
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|port| digits && *port > 0)
    };
    let (first, last) = match text.split_once('-') {
        None => (number(text)?, number(text)?),
        Some((first, last)) => (number(first)?, number(last)?),
    };
    (first <= last).then_some(first..=last)
}

fn protocol_of(port: &Published) -> &str {
    if port.protocol.is_empty() { "tcp" } else { &port.protocol }
}

/// A published port for people.
pub(super) fn shown(port: &Published) -> String {
    let (target, protocol) = (port.target, protocol_of(port));
    let address = match port.host_ip.as_str() {
        "" | "0.0.0.0" | "::" => None,
        v6 if v6.contains(':') => Some(format!("[{v6}]")),
        v4 => Some(v4.to_owned()),
    };
    let published = &port.published;
    match (address, published.is_empty()) {
        (None, true) => format!("{target}/{protocol} on a port that Docker chooses, on every address"),
        (Some(address), true) => format!("{target}/{protocol} on a port that Docker chooses, on {address}"),
        (None, false) => format!("{published}->{target}/{protocol} on every address"),
        (Some(address), false) => format!("{address}:{published}->{target}/{protocol}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(host_ip: &str, published: &str, protocol: &str) -> Published {
        Published {
            host_ip: host_ip.into(),
            published: published.into(),
            target: 80,
            protocol: protocol.into(),
        }
    }

    #[test]
    fn entries_are_read_or_refused() {
        for good in
            ["80", "443/udp", "127.0.0.1:8080", "[::1]:80", "8000-8010/tcp", "[fe80::1]:1-2/sctp", "*"]
        {
            assert!(HostPort::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "0",
            "65536",
            "80-",
            "90-80",
            "http",
            "80/icmp",
            "::1:80",
            "host:80",
            "80/",
            "+80",
            ":80",
            "127.0.0.1",
            "*:80",
        ] {
            let problem = HostPort::parse(bad).unwrap_err().to_string();
            assert!(problem.contains("[address:]port"), "{bad}: {problem}");
        }
    }

    #[test]
    fn an_entry_covers_what_is_inside_of_it() {
        for (entry, port, covered) in [
            ("80", port("", "80", "tcp"), true),
            ("80", port("127.0.0.1", "80", ""), true),
            ("80", port("", "80", "udp"), false),
            ("80", port("", "81", "tcp"), false),
            ("127.0.0.1:80", port("127.0.0.1", "80", "tcp"), true),
            ("127.0.0.1:80", port("", "80", "tcp"), false),
            ("127.0.0.1:80", port("0.0.0.0", "80", "tcp"), false),
            ("[::1]:80", port("0:0:0:0:0:0:0:1", "80", "tcp"), true),
            ("8000-8010", port("", "8003-8005", "tcp"), true),
            ("8000-8010", port("", "8003-8011", "tcp"), false),
            ("8000-8010", port("", "", "tcp"), false),
            ("1-65535", port("", "", "tcp"), true),
            ("*", port("", "", "udp"), true),
        ] {
            assert_eq!(HostPort::parse(entry).unwrap().covers(&port), covered, "{entry} {port:?}");
        }
    }
}
