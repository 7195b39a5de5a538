//! One network per lab: a bridge with a subnet that nothing on the machine uses.

use std::net::Ipv4Addr;

use crate::command::{find_program, run, words};
use crate::engine::{Engine, EngineLock};
use crate::error::{Error, Result};
use crate::labels::owner_label;
use crate::recipe::short_hash;
use crate::state::Paths;

/// Last number of the registry's address.
pub(crate) const REGISTRY: u8 = 2;
/// Last number of the first host's address.
pub(crate) const FIRST_HOST: u8 = 11;
/// Last number of the first throwaway host's address.
pub(crate) const FIRST_THROWAWAY: u8 = 100;

/// A /24 of a lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subnet([u8; 3]);

impl Subnet {
    /// The address with this last number.
    pub fn address(self, last: u8) -> String {
        let [a, b, c] = self.0;
        Ipv4Addr::new(a, b, c, last).to_string()
    }

    /// `a.b.c.0/24`
    pub fn cidr(self) -> String {
        format!("{}/24", self.address(0))
    }

    /// The machine's own address in it.
    pub fn gateway(self) -> String {
        self.address(1)
    }

    /// The subnet that an address is in.
    pub fn of(address: &str) -> Option<Self> {
        let [a, b, c, _] = address.parse::<Ipv4Addr>().ok()?.octets();
        Some(Self([a, b, c]))
    }
}

/// Destinations of a routing table as printed by `ip -4 route`, as (address, prefix length).
pub(crate) fn parse_routes(text: &str) -> Vec<(u32, u32)> {
    text.lines()
        .flat_map(|line| line.split_whitespace().take(2))
        .filter_map(|word| {
            let (address, length) = word.split_once('/').unwrap_or((word, "32"));
            let address: Ipv4Addr = address.parse().ok()?;
            Some((u32::from(address), length.parse().ok()?))
        })
        .collect()
}

/// The first candidate that overlaps with none of the destinations.
pub(crate) fn free_subnet(used: &[(u32, u32)]) -> Option<Subnet> {
    (213..=223u8).flat_map(|second| (0..=255u8).map(move |third| Subnet([10, second, third]))).find(
        |subnet| {
            let [a, b, c] = subnet.0;
            let start = u32::from(Ipv4Addr::new(a, b, c, 0));
            !used.iter().any(|(address, length)| {
                let length = (*length).min(24);
                let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
                address & mask == start & mask
            })
        },
    )
}

/// Name of a lab's network.
pub(crate) fn name_of(lab: &Paths) -> String {
    format!("windlass-lab-{}", lab.key())
}

/// Name of the bridge on the machine; an interface's name has at most 15 characters.
pub(crate) fn bridge_of(lab: &Paths) -> String {
    format!("wl-{}", &short_hash(&lab.key())[..8])
}

/// Creates a lab's network on a free subnet; the engine's lock must be held.
pub(crate) fn create(engine: &Engine, _lock: &EngineLock, lab: &Paths, owner: Option<u32>) -> Result<Subnet> {
    let routes = run(&words(&["ip", "-4", "route", "show", "table", "all"]))?;
    let subnet = free_subnet(&parse_routes(&routes))
        .ok_or_else(|| Error::Refused("every subnet that a lab could use is taken".to_owned()))?;
    engine.docker(&create_words(lab, subnet, owner))?;
    if find_program("iptables").is_some() {
        // Where bridged packets pass iptables, another engine's policy would drop them.
        run(&accept_words("-I", lab))?;
    }
    Ok(subnet)
}

/// Removes a lab's network and the rule for its bridge, as far as they exist.
pub(crate) fn remove(engine: &Engine, lab: &Paths) -> Result<()> {
    if find_program("iptables").is_some() {
        while run(&accept_words("-D", lab)).is_ok() {}
    }
    let name = name_of(lab);
    if engine.docker(&["network", "inspect", &name]).is_ok() {
        engine.docker(&["network", "rm", &name])?;
    }
    Ok(())
}

fn create_words(lab: &Paths, subnet: Subnet, owner: Option<u32>) -> Vec<String> {
    let mut line = words(&[
        "network",
        "create",
        "--driver",
        "bridge",
        "--subnet",
        &subnet.cidr(),
        "--gateway",
        &subnet.gateway(),
        "--opt",
        &format!("com.docker.network.bridge.name={}", bridge_of(lab)),
        "--label",
        &lab.label(),
    ]);
    if let Some(owner) = owner {
        line.extend(words(&["--label", &owner_label(owner)]));
    }
    line.push(name_of(lab));
    line
}

fn accept_words(action: &str, lab: &Paths) -> Vec<String> {
    let bridge = bridge_of(lab);
    words(&["iptables", "-w", action, "FORWARD", "-i", &bridge, "-o", &bridge, "-j", "ACCEPT"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_or_wider_route_is_avoided() {
        let routes = "default via 192.0.2.1 dev eth0\n\
             10.213.0.0/24 dev wl-1 proto kernel scope link src 10.213.0.1\n\
             10.213.2.7 dev tun0\nbroadcast 10.213.3.255 dev x table local\n\
             unreachable default dev lo\n";
        let used = parse_routes(routes);
        assert_eq!(used.len(), 3);
        assert_eq!(free_subnet(&used).unwrap().cidr(), "10.213.1.0/24");
        assert_eq!(free_subnet(&parse_routes("10.213.0.0/16 dev vpn\n")).unwrap().cidr(), "10.214.0.0/24");
        assert_eq!(free_subnet(&parse_routes("10.0.0.0/8 dev vpn\n")), None);
    }

    #[test]
    fn the_default_route_is_in_nobodys_way() {
        assert!(parse_routes("default via 192.0.2.1 dev eth0\n").is_empty());
    }

    #[test]
    fn the_network_is_created_with_its_own_bridge() {
        let lab = Paths::at(std::path::Path::new("/s/dev")).unwrap();
        assert_eq!(
            create_words(&lab, Subnet([10, 213, 4]), Some(7)),
            [
                "network",
                "create",
                "--driver",
                "bridge",
                "--subnet",
                "10.213.4.0/24",
                "--gateway",
                "10.213.4.1",
                "--opt",
                &format!("com.docker.network.bridge.name={}", bridge_of(&lab)),
                "--label",
                "windlass.lab=/s/dev",
                "--label",
                "windlass.lab.owner=7",
                &name_of(&lab),
            ]
        );
        assert!(bridge_of(&lab).len() <= 15);
    }

    #[test]
    fn an_address_knows_its_subnet() {
        let subnet = Subnet::of("10.213.4.17").unwrap();
        assert_eq!(subnet.address(FIRST_HOST), "10.213.4.11");
        assert_eq!(Subnet::of("name"), None);
    }
}
