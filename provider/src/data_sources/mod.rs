//! The data sources, one folder each.

pub(crate) mod compose_stack;
pub(crate) mod compose_stacks;
pub(crate) mod container_logs;
pub(crate) mod corpus_snapshots;
pub(crate) mod host;
pub(crate) mod sops_metadata;
pub(crate) mod swarm;
pub(crate) mod swarm_nodes;
pub(crate) mod swarm_stacks;
pub(crate) mod tailnet;
