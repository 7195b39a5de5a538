//! The attributes of `windlass_host`, and how facts become attributes.

use framework::{Field, Model};

use crate::machine::Seen;

/// The attributes.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct HostModel {
    pub(crate) address: Field<String>,
    pub(crate) instance: Field<String>,
    pub(crate) port: Field<u64>,
    pub(crate) user: Field<String>,
    pub(crate) host_key: Field<String>,
    pub(crate) trust_on_first_use: Field<bool>,
    pub(crate) jump: Field<String>,
    pub(crate) identity: Field<String>,
    pub(crate) docker_socket: Field<String>,
    pub(crate) sudo: Field<bool>,
    pub(crate) wait_for_cloud_init: Field<bool>,
    pub(crate) connection: Field<String>,
    pub(crate) machine_id: Field<String>,
    pub(crate) hostname: Field<String>,
    pub(crate) os: Field<String>,
    pub(crate) os_version: Field<String>,
    pub(crate) arch: Field<String>,
    pub(crate) cpus: Field<u64>,
    pub(crate) memory_bytes: Field<u64>,
    pub(crate) docker_version: Field<String>,
    pub(crate) compose_version: Field<String>,
    pub(crate) host_public_key: Field<String>,
}

impl HostModel {
    /// Takes over what was seen of the machine, except what the plan has already promised.
    pub(super) fn take(&mut self, seen: Seen) {
        self.machine_id = Field::Known(seen.machine_id);
        self.hostname = Field::Known(seen.hostname);
        self.os = Field::Known(seen.os);
        self.os_version = Field::Known(seen.os_version);
        self.arch = Field::Known(seen.arch);
        self.cpus = Field::Known(seen.cpus);
        self.memory_bytes = Field::Known(seen.memory_bytes);
        self.docker_version = Field::from(seen.docker_version);
        self.compose_version = Field::from(seen.compose_version);
    }

    /// Makes everything unknown that only a look at the machine can tell.
    pub(super) fn forget_machine(&mut self) {
        for field in [
            &mut self.connection,
            &mut self.machine_id,
            &mut self.hostname,
            &mut self.os,
            &mut self.os_version,
            &mut self.arch,
            &mut self.docker_version,
            &mut self.compose_version,
            &mut self.host_public_key,
        ] {
            *field = Field::Unknown;
        }
        self.cpus = Field::Unknown;
        self.memory_bytes = Field::Unknown;
    }
}
