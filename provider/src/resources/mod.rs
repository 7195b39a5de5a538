//! The managed resources, one folder each.

pub(crate) mod command;
pub(crate) mod compose_stack;
pub(crate) mod corpus_backup;
pub(crate) mod corpus_restore;
pub(crate) mod directory;
pub(crate) mod docker_network;
pub(crate) mod docker_plugin;
pub(crate) mod docker_volume;
pub(crate) mod file;
pub(crate) mod host;
pub(crate) mod image;
pub(crate) mod sops_file;
pub(crate) mod swarm;
pub(crate) mod swarm_config;
pub(crate) mod swarm_node;
pub(crate) mod swarm_secret;
pub(crate) mod swarm_stack;
pub(crate) mod tailnet_device;
pub(crate) mod tailnet_dns;
pub(crate) mod tailnet_dns_records;
pub(crate) mod tailnet_key;
pub(crate) mod tailnet_member;
pub(crate) mod tailnet_policy;
pub(crate) mod tailnet_settings;
pub(crate) mod tailscale_serve;
