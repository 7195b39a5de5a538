//! The `probe` blocks: what they say, and when an apply makes them.

use std::time::Duration;

use framework::{Diagnostic, Diagnostics, Field, Path, schema::parse_duration};
use http::{
    Url,
    probe::{Probe, Statuses, Target},
};

use stack::{ProbeOrigin, ProbeSpec};

use super::ProbeBlock;

/// How long a probe may take when its block says nothing else.
const LIMIT: Duration = Duration::from_secs(60);
/// From one try to the next, when its block says nothing else.
const INTERVAL: Duration = Duration::from_secs(1);

/// `None` where nothing is asked, which the schema's rule refuses.
fn spec(block: &ProbeBlock) -> Option<ProbeSpec> {
    let target = match (&block.url, &block.tcp) {
        (Field::Known(url), _) => http(url, block)?,
        (_, Field::Known(address)) => tcp(address).ok()?,
        _ => return None,
    };
    let time = |field: &Field<String>| field.as_str().and_then(|text| parse_duration(text).ok());
    Some(ProbeSpec {
        probe: Probe {
            target,
            timeout: time(&block.timeout).unwrap_or(LIMIT),
            interval: time(&block.interval).unwrap_or(INTERVAL),
        },
        from: if block.from.as_str() == Some("here") { ProbeOrigin::Here } else { ProbeOrigin::Host },
    })
}

fn http(url: &str, block: &ProbeBlock) -> Option<Target> {
    let statuses = match &block.expect_status {
        Field::Known(text) => text.parse().ok()?,
        Field::Null | Field::Unknown => Statuses::default(),
    };
    Some(Target::Http { url: url.parse().ok()?, statuses, body: block.expect_body.known().cloned() })
}

/// The target of `host:port`; an IPv6 address stands in brackets.
fn tcp(address: &str) -> Result<Target, String> {
    let wrong = || "must be a host and a port, such as `127.0.0.1:5432` or `[::1]:5432`".to_owned();
    let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').ok_or_else(wrong)?,
        None if host.contains(':') => return Err(wrong()),
        None => host,
    };
    let good = !bare.is_empty() && !bare.chars().any(|c| c.is_whitespace() || "[]/@".contains(c));
    match port.parse() {
        Ok(port) if port > 0 && good => Ok(Target::Tcp { host: bare.to_owned(), port }),
        _ => Err(wrong()),
    }
}

/// Checks the spelling of `tcp`.
pub(super) fn check_tcp(address: &str) -> Result<(), String> {
    tcp(address).map(drop)
}

/// Checks the spelling of `url`.
pub(super) fn check_url(url: &str) -> Result<(), String> {
    url.parse::<Url>().map(drop).map_err(|error| error.to_string())
}

/// Checks the spelling of `expect_status`.
pub(super) fn check_statuses(statuses: &str) -> Result<(), String> {
    statuses.parse::<Statuses>().map(drop).map_err(|error| error.to_string())
}

/// The probes of a stack, in their order.
pub(crate) fn probes(blocks: &Field<Vec<ProbeBlock>>) -> Vec<ProbeSpec> {
    blocks.known().into_iter().flatten().filter_map(spec).collect()
}

/// Checks what validators of single attributes cannot.
pub(crate) fn validate(blocks: &Field<Vec<ProbeBlock>>, problems: &mut Diagnostics) {
    for (index, block) in blocks.known().into_iter().flatten().enumerate() {
        if !block.tcp.is_known() {
            continue;
        }
        for (name, set) in
            [("expect_status", block.expect_status.is_known()), ("expect_body", block.expect_body.is_known())]
        {
            if set {
                problems.push(
                    Diagnostic::error("Could not use this probe")
                        .detail(format!(
                            "A `tcp` probe takes a connection for its answer: `{name}` belongs to `url`."
                        ))
                        .at(Path::root().attribute("probe").index(index).attribute(name)),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use stack::has_new_probes;

    use super::*;

    fn model(blocks: Vec<ProbeBlock>) -> Field<Vec<ProbeBlock>> {
        Field::Known(blocks)
    }

    fn http_block() -> ProbeBlock {
        ProbeBlock { url: "http://127.0.0.1:8080/health".into(), ..ProbeBlock::default() }
    }

    fn tcp_block() -> ProbeBlock {
        ProbeBlock {
            tcp: "[::1]:5432".into(),
            from: "here".into(),
            timeout: "5s".into(),
            ..ProbeBlock::default()
        }
    }

    #[test]
    fn blocks_become_probes() {
        let all = probes(&model(vec![http_block(), tcp_block()]));
        assert_eq!(
            (all[0].from, all[0].probe.timeout, all[0].probe.interval),
            (ProbeOrigin::Host, LIMIT, INTERVAL)
        );
        assert_eq!(all[0].probe.target.to_string(), "http://127.0.0.1:8080/health");
        assert_eq!((all[1].from, all[1].probe.timeout), (ProbeOrigin::Here, Duration::from_secs(5)));
        assert_eq!(all[1].probe.target, Target::Tcp { host: "::1".into(), port: 5432 });
    }

    #[test]
    fn addresses_have_a_host_and_a_port() {
        for address in ["127.0.0.1:5432", "db.internal:1", "[fe80::1]:65535"] {
            assert!(check_tcp(address).is_ok(), "{address}");
        }
        for address in [
            "",
            "db",
            ":5432",
            "db:",
            "db:0",
            "db:70000",
            "::1:5432",
            "[::1]",
            "[::1:5",
            "a b:1",
            "tcp://a:1",
        ] {
            assert!(check_tcp(address).is_err(), "{address}");
        }
    }

    #[test]
    fn only_what_is_asked_makes_a_probe_new() {
        let prior = probes(&model(vec![http_block(), tcp_block()]));
        assert!(!has_new_probes(&prior, &probes(&model(vec![http_block()]))));
        let slower = ProbeBlock { timeout: "9m".into(), interval: "2s".into(), ..http_block() };
        assert!(!has_new_probes(&prior, &probes(&model(vec![slower]))));
        for other in [
            ProbeBlock { expect_status: "204".into(), ..http_block() },
            ProbeBlock { expect_body: "ok".into(), ..http_block() },
            ProbeBlock { from: "here".into(), ..http_block() },
        ] {
            assert!(has_new_probes(&prior, &probes(&model(vec![other]))));
        }
    }

    #[test]
    fn a_connection_has_no_status() {
        let mut problems = Diagnostics::new();
        let block = ProbeBlock { expect_status: "200".into(), ..tcp_block() };
        validate(&model(vec![http_block(), block]), &mut problems);
        assert_eq!(problems.len(), 1);
        assert!(problems.to_string().contains("probe[1].expect_status"), "{problems}");
    }
}
