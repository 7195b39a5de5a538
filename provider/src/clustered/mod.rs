//! The kernel of what lives in a cluster and not on a host, reached through any of several managers.
//!
//! A resource of a swarm says what it owns and how that is observed, created, updated and deleted
//! ([`Clustered`]); [`InCluster`] makes a resource of the framework of it and owns what all of them
//! have in common: the attribute `managers` and its spelling, the manager that answers, managers that
//! do not, a swarm that has no leader or is gone, steps that exclude each other, import ids. It
//! stands beside the [kernel of what lives on a host](crate::hosted), on the same functions.

mod attribute;
mod clusters;
mod in_cluster;
mod object;
mod obstacle;
mod sight;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use attribute::{ManagerList, has_common, managers_attribute};
pub(crate) use clusters::{At, Clusters, Found};
pub(crate) use object::{Clustered, Gone, InCluster, OnCluster};
pub(crate) use obstacle::refuse_obstacle;
