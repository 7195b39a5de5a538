//! One handler: what is answered at a port, and who answers.

use std::collections::{BTreeMap, BTreeSet};

/// How a port is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// HTTP over TLS, with a certificate of the tailnet.
    Https,
    /// HTTP without TLS.
    Http,
    /// Any protocol, passed on.
    Tcp,
    /// Any protocol over TLS, which ends at the daemon.
    TlsTerminatedTcp,
    /// Everything, on the layer of packets: a service that somebody else has set up so.
    Tun,
}

impl Protocol {
    /// Those that can be asked for.
    pub const ALL: [Self; 4] = [Self::Https, Self::Http, Self::Tcp, Self::TlsTerminatedTcp];

    /// As the flags of `tailscale serve` call it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Tcp => "tcp",
            Self::TlsTerminatedTcp => "tls-terminated-tcp",
            Self::Tun => "tun",
        }
    }

    /// The one of this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protocol| protocol.word() == word)
    }

    /// Whether requests of HTTP are told apart by their paths.
    pub const fn is_web(self) -> bool {
        matches!(self, Self::Https | Self::Http)
    }

    /// Whether it needs a certificate.
    pub const fn needs_certificate(self) -> bool {
        matches!(self, Self::Https | Self::TlsTerminatedTcp)
    }
}

/// One handler.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handler {
    /// The service that it belongs to, as `svc:api`; `None` for the machine itself.
    pub service: Option<String>,
    /// The port.
    pub listen: u16,
    /// How it is answered.
    pub protocol: Protocol,
    /// Which paths of HTTP; empty for what is no HTTP.
    pub path: String,
    /// Who answers: an address, a file or directory (`/…`), a text (`text:…`).
    pub target: String,
    /// The version of the PROXY protocol that tells the target who connects; 0 for none.
    pub proxy_protocol: u8,
}

impl Handler {
    /// The port in words, for messages.
    pub fn port(&self) -> String {
        match &self.service {
            Some(service) => format!("port {} of {service}", self.listen),
            None => format!("port {}", self.listen),
        }
    }
}

/// Why these handlers cannot be had together, in whole sentences.
pub(super) fn problems<'h>(handlers: impl IntoIterator<Item = &'h Handler>) -> Vec<String> {
    let mut ports: BTreeMap<(Option<&str>, u16), Vec<&Handler>> = BTreeMap::new();
    for handler in handlers {
        ports.entry((handler.service.as_deref(), handler.listen)).or_default().push(handler);
    }
    let mut problems = Vec::new();
    for handlers in ports.values().filter(|handlers| handlers.len() > 1) {
        let port = handlers[0].port();
        let protocols: BTreeSet<_> = handlers.iter().map(|handler| handler.protocol).collect();
        let paths: BTreeSet<&str> =
            handlers.iter().map(|handler| handler.path.trim_end_matches('/')).collect();
        if protocols.len() > 1 {
            let words: Vec<_> = protocols.iter().map(|protocol| protocol.word()).collect();
            problems
                .push(format!("The {port} is answered in one way only, and not as {}.", words.join(" and ")));
        } else if !handlers[0].protocol.is_web() {
            problems.push(format!("The {port} has {} targets, and can have one.", handlers.len()));
        } else if paths.len() < handlers.len() {
            problems.push(format!(
                "The {port} has several targets for one path (`/a` and `/a/` are the same one)."
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handler(listen: u16, protocol: Protocol, path: &str, target: &str) -> Handler {
        let (path, target) = (path.to_owned(), target.to_owned());
        Handler { service: None, listen, protocol, path, target, proxy_protocol: 0 }
    }

    #[test]
    fn what_is_in_each_others_way_is_named() {
        let web = |path: &str| handler(443, Protocol::Https, path, "http://127.0.0.1:1");
        assert_eq!(problems(&[web("/"), web("/a"), handler(22, Protocol::Tcp, "", "a:1")]), [""; 0]);
        let service = Handler { service: Some("svc:api".into()), ..web("/") };
        assert_eq!(problems(&[web("/"), service.clone()]), [""; 0]);
        for (handlers, part) in [
            (vec![web("/a"), web("/a/")], "several targets for one path"),
            (vec![web("/"), handler(443, Protocol::Http, "/b", "x")], "not as https and http"),
            (
                vec![handler(22, Protocol::Tcp, "", "a:1"), handler(22, Protocol::Tcp, "", "a:2")],
                "has 2 targets",
            ),
            (vec![service.clone(), Handler { target: "y".into(), ..service }], "port 443 of svc:api"),
        ] {
            let told = problems(&handlers);
            assert!(told.len() == 1 && told[0].contains(part), "{told:?}");
        }
    }

    #[test]
    fn words_are_those_of_the_command() {
        for protocol in Protocol::ALL {
            assert_eq!(Protocol::of_word(protocol.word()), Some(protocol));
        }
        assert_eq!(Protocol::of_word("tun"), None);
    }
}
