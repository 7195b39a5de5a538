//! Which ranges of addresses a daemon has left for networks that ask for none.

use std::collections::BTreeMap;

use bollard::{models::Ipam, query_parameters::ListNetworksOptions};

use super::Engine;
use crate::{Cidr, Error};

/// A range out of which the daemon gives networks ranges of the size `prefix`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressPool {
    /// All of it.
    pub base: Cidr,
    /// How long the prefix of each part is.
    pub prefix: u8,
}

/// The pools where nobody has configured any (github.com/moby/moby, `daemon/libnetwork/ipamutils`; the order
/// and the way to write them has changed, what they come to has not): 31 networks.
const DEFAULT: [(&str, u8); 7] = [
    ("172.17.0.0/16", 16),
    ("172.18.0.0/16", 16),
    ("172.19.0.0/16", 16),
    ("172.20.0.0/14", 16),
    ("172.24.0.0/14", 16),
    ("172.28.0.0/14", 16),
    ("192.168.0.0/16", 20),
];

impl Engine {
    /// The networks of the daemon by name, and the ranges that each has.
    ///
    /// # Errors
    /// [`Error::Engine`] when it does not answer.
    pub async fn network_ranges(&self) -> Result<BTreeMap<String, Vec<Cidr>>, Error> {
        let found = self.docker.list_networks(None::<ListNetworksOptions>).await;
        let found = found.map_err(|source| self.error("list networks", source))?;
        let ranges = |ipam: Option<Ipam>| {
            let all = ipam.and_then(|ipam| ipam.config).unwrap_or_default();
            all.iter().filter_map(|one| one.subnet.as_ref()?.parse().ok()).collect()
        };
        Ok(found.into_iter().filter_map(|one| Some((one.name?, ranges(one.ipam)))).collect())
    }

    /// The pools of IPv4 addresses that the daemon takes ranges from.
    ///
    /// # Errors
    /// [`Error::Engine`] when it does not answer.
    pub async fn address_pools(&self) -> Result<Vec<AddressPool>, Error> {
        let info = self.docker.info().await.map_err(|source| self.error("tell its address pools", source))?;
        let configured = info.default_address_pools.unwrap_or_default();
        let told =
            configured.iter().filter_map(|pool| pool_of(pool.base.as_deref()?, pool.size?.try_into().ok()?));
        let told: Vec<_> = told.collect();
        if !told.is_empty() {
            return Ok(told);
        }
        Ok(DEFAULT.iter().filter_map(|(base, prefix)| pool_of(base, *prefix)).collect())
    }
}

fn pool_of(base: &str, prefix: u8) -> Option<AddressPool> {
    let base: Cidr = base.parse().ok()?;
    base.is_ipv4().then_some(AddressPool { base, prefix })
}

/// How many of the parts of `pools` no range in `used` touches, `most` at most. Of the daemon's own networks
/// alone: it also leaves out what the host has routes to, so that it may come to fewer.
pub fn free_ranges(pools: &[AddressPool], used: &[Cidr], most: usize) -> usize {
    let parts = pools.iter().flat_map(|pool| pool.base.parts(pool.prefix));
    parts.filter(|part| !used.iter().any(|other| other.overlaps(part))).take(most).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pools(all: &[(&str, u8)]) -> Vec<AddressPool> {
        all.iter().map(|(base, prefix)| pool_of(base, *prefix).unwrap()).collect()
    }

    fn ranges(all: &[&str]) -> Vec<Cidr> {
        all.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_default_pools_are_enough_for_31_networks() {
        assert_eq!(free_ranges(&pools(&DEFAULT), &[], 100), 31);
        assert_eq!(free_ranges(&pools(&DEFAULT), &ranges(&["172.16.0.0/12"]), 100), 16);
    }

    #[test]
    fn what_touches_a_part_uses_it_up() {
        let two = pools(&[("10.9.0.0/29", 30)]);
        assert_eq!(free_ranges(&two, &[], 9), 2);
        assert_eq!(free_ranges(&two, &ranges(&["10.9.0.0/30", "10.8.0.0/16"]), 9), 1);
        assert_eq!(free_ranges(&two, &ranges(&["10.9.0.1/32", "10.9.0.6/32"]), 9), 0);
        assert_eq!(free_ranges(&two, &ranges(&["10.0.0.0/8"]), 9), 0);
        // Large ones are not counted to their end, and nonsense is none.
        assert_eq!(free_ranges(&pools(&[("10.0.0.0/8", 32)]), &[], 3), 3);
        assert_eq!(free_ranges(&pools(&[("10.0.0.0/8", 4)]), &[], 3), 0);
        assert_eq!(free_ranges(&pools(&[("10.0.0.0/8", 64)]), &[], 3), 0);
        assert_eq!(pool_of("fd00::/8", 64), None);
    }
}
