//! Where a host joins.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::node::Node;

/// The port of managers, where their records name none.
pub const PORT: u16 = 2377;

/// The addresses of managers to join at, the best first: those of private networks before others,
/// as managers themselves know them.
pub fn candidates(nodes: &[Node]) -> Vec<String> {
    let up = nodes.iter().filter(|node| node.is_reachable_manager());
    let mut found: Vec<String> = up
        .filter_map(|node| node.manager.as_ref())
        .map(|manager| manager.address.clone())
        .filter(|address| !address.is_empty())
        .collect();
    found.sort_by_key(|address| !is_private(address));
    found.dedup();
    found
}

/// The addresses of all managers, as they know each other, in order.
pub fn of_managers(nodes: &[Node]) -> Vec<String> {
    let managers = nodes.iter().filter_map(|node| node.manager.as_ref());
    let mut addresses: Vec<String> = managers.map(|manager| manager.address.clone()).collect();
    addresses.sort();
    addresses
}

/// Host and port of an address as managers write it.
pub fn parts(address: &str) -> (String, u16) {
    if let Ok(socket) = address.parse::<SocketAddr>() {
        return (socket.ip().to_string(), socket.port());
    }
    match address.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => {
            (host.trim_matches(['[', ']']).to_owned(), port.parse().unwrap_or(PORT))
        }
        _ => (address.to_owned(), PORT),
    }
}

/// Whether an address is of a network that the internet does not reach: a private one, or that of a
/// tailnet.
fn is_private(address: &str) -> bool {
    match parts(address).0.parse() {
        Ok(IpAddr::V4(ip)) => ip.is_private() || ip.is_loopback() || ip.is_link_local() || is_shared(ip),
        Ok(IpAddr::V6(ip)) => ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local(),
        Err(_) => false,
    }
}

/// `100.64.0.0/10`, of carriers and tailnets.
const fn is_shared(ip: Ipv4Addr) -> bool {
    let octets = ip.octets();
    octets[0] == 100 && octets[1] & 0b1100_0000 == 64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::{Reachability, tests::node};

    #[test]
    fn private_addresses_come_first_and_managers_that_are_down_not_at_all() {
        let manager = |address: &str, reachability| {
            let mut one = node();
            let status = one.manager.as_mut().unwrap();
            (status.address, status.reachability) = (address.to_owned(), reachability);
            one
        };
        let mut worker = node();
        worker.manager = None;
        let nodes = [
            manager("203.0.113.7:2377", Reachability::Reachable),
            manager("10.0.0.9:2377", Reachability::Unreachable),
            worker,
            manager("100.101.2.3:2377", Reachability::Reachable),
            manager("[fd00::1]:2377", Reachability::Reachable),
        ];
        assert_eq!(candidates(&nodes), ["100.101.2.3:2377", "[fd00::1]:2377", "203.0.113.7:2377"]);
    }

    #[test]
    fn an_address_has_a_host_and_a_port() {
        assert_eq!(parts("10.0.0.1:2377"), ("10.0.0.1".into(), 2377));
        assert_eq!(parts("[fd00::1]:2400"), ("fd00::1".into(), 2400));
        assert_eq!(parts("m1.example.org:2400"), ("m1.example.org".into(), 2400));
        assert_eq!(parts("10.0.0.1"), ("10.0.0.1".into(), PORT));
    }
}
