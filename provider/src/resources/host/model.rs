//! The attributes of `windlass_host`.

use framework::{Field, Model};

use crate::machine::MachineModel;

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct HostModel {
    pub(crate) address: Field<String>,
    pub(crate) instance: Field<String>,
    pub(crate) port: Field<u64>,
    pub(crate) user: Field<String>,
    pub(crate) host_key: Field<String>,
    pub(crate) trust_on_first_use: Field<bool>,
    pub(crate) jump: Field<String>,
    pub(crate) proxy: Field<String>,
    pub(crate) identity: Field<String>,
    pub(crate) docker_socket: Field<String>,
    pub(crate) sudo: Field<String>,
    pub(crate) wait_for_cloud_init: Field<bool>,
    pub(crate) bootstrap: Option<BootstrapModel>,
    pub(crate) connection: Field<String>,
    pub(crate) login: Field<String>,
    #[model(flatten)]
    pub(crate) machine: MachineModel,
    pub(crate) host_public_key: Field<String>,
}

/// The block `bootstrap`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct BootstrapModel {
    pub(crate) user: Field<String>,
    pub(crate) port: Field<u64>,
    pub(crate) identity: Field<String>,
    pub(crate) jump: Field<String>,
}

impl HostModel {
    /// Makes everything unknown that only a look at the machine can tell.
    pub(super) fn forget_machine(&mut self) {
        self.connection = Field::Unknown;
        self.login = Field::Unknown;
        self.machine = MachineModel::unknown();
        self.host_public_key = Field::Unknown;
    }
}
