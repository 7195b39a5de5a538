//! The Windlass provider for OpenTofu and Terraform.
//!
//! [`Windlass`] is the provider as the framework sees it, [`Adapter`] puts it on the wire. A
//! resource is a folder under `resources`, all of the same shape.

mod adapter;
mod clustered;
mod controlled;
mod corpora;
mod data_sources;
mod docker_objects;
mod ephemerals;
mod failure;
mod functions;
mod host_key;
mod host_path;
mod hosted;
mod machine;
mod registries;
mod require;
mod resources;
mod settings;
mod sops_files;
mod stacks;
mod swarm_files;
mod tailnet_devices;
mod tailnet_keys;
mod windlass;

pub use adapter::Adapter;
pub use windlass::Windlass;

/// The crates of ours that say something to the log; of all others, only warnings pass.
pub const LOG_TARGETS: [&str; 11] = [
    "backup",
    "compose",
    "docker",
    "framework",
    "provider",
    "remote",
    "ssh",
    "stack",
    "swarm",
    "tailnet",
    "tfplugin5",
];

#[cfg(test)]
mod tests {
    use std::fs;

    use super::LOG_TARGETS;

    #[test]
    fn every_crate_that_logs_is_heard() {
        let crates = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates");
        for entry in fs::read_dir(crates).unwrap().flatten() {
            let manifest = fs::read_to_string(entry.path().join("Cargo.toml")).unwrap();
            let name = entry.file_name().into_string().unwrap();
            let logs = manifest.lines().any(|line| line.starts_with("tracing."));
            assert!(!logs || LOG_TARGETS.contains(&name.as_str()), "{name}");
        }
    }
}
