//! Who and what rules speak of: `tag:prod`, `group:ops`, `alice@example.org`, `100.64.0.0/10`.

use std::net::IpAddr;

/// What a text in `src` or `dst` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Selector<'t> {
    Everything,
    Tag(&'t str),
    Group(&'t str),
    AutoGroup(&'t str),
    /// `ipset:`, `svc:`, `posture:` and others that a server knows by a prefix.
    Other,
    User,
    Addresses,
    /// A name, which must be one of `hosts`.
    Host(&'t str),
}

impl<'t> Selector<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        match text.split_once(':') {
            _ if text == "*" => Self::Everything,
            Some(("tag", _)) => Self::Tag(text),
            Some(("group", _)) => Self::Group(text),
            Some(("autogroup", _)) => Self::AutoGroup(text),
            Some((prefix, _)) if !prefix.is_empty() && !is_addresses(text) && !text.contains('@') => {
                Self::Other
            }
            _ if is_addresses(text) => Self::Addresses,
            _ if text.contains('@') => Self::User,
            _ => Self::Host(text),
        }
    }
}

/// An address, a range with a slash, or one from address to address.
pub(super) fn is_addresses(text: &str) -> bool {
    if let Some((first, last)) = text.split_once('-')
        && first.parse::<IpAddr>().is_ok()
    {
        return last.parse::<IpAddr>().is_ok();
    }
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let Ok(address) = address.trim_matches(['[', ']']).parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= most))
}

/// What is before the ports and the ports, of a `dst` such as `tag:prod:22`. `None` without ports.
pub(super) fn with_ports(text: &str) -> Option<(&str, &str)> {
    let (target, ports) = text.rsplit_once(':')?;
    let names_only = |prefix: &str| target == prefix;
    if ["tag", "group", "autogroup", "svc", "ipset"].into_iter().any(names_only) {
        return None;
    }
    Some((target, ports)).filter(|(target, _)| !target.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_told_apart() {
        for (text, expected) in [
            ("*", Selector::Everything),
            ("tag:prod", Selector::Tag("tag:prod")),
            ("group:ops", Selector::Group("group:ops")),
            ("autogroup:member", Selector::AutoGroup("autogroup:member")),
            ("ipset:prod", Selector::Other),
            ("svc:web", Selector::Other),
            ("alice@example.org", Selector::User),
            ("100.64.0.0/10", Selector::Addresses),
            ("10.0.0.1-10.0.0.9", Selector::Addresses),
            ("fd7a:115c:a1e0::1", Selector::Addresses),
            ("db", Selector::Host("db")),
            ("db.example.org", Selector::Host("db.example.org")),
            ("10.0.0.1/64", Selector::Host("10.0.0.1/64")),
        ] {
            assert_eq!(Selector::of(text), expected, "{text}");
        }
    }

    #[test]
    fn ports_are_behind_the_last_colon() {
        assert_eq!(with_ports("tag:prod:22"), Some(("tag:prod", "22")));
        assert_eq!(with_ports("*:*"), Some(("*", "*")));
        assert_eq!(with_ports("[fd7a::1]:22"), Some(("[fd7a::1]", "22")));
        assert_eq!(with_ports("tag:prod"), None);
        assert_eq!(with_ports("db"), None);
    }
}
