//! What the layer of secrets and configs is told.

use framework::Schema;
use swarm::stacks::FileKind;

use super::{
    SwarmSecret,
    model::{self, SecretModel},
};
use crate::swarm_files::SwarmFile;

impl SwarmFile for SwarmSecret {
    type Model = SecretModel;

    const TYPE: &'static str = "windlass_swarm_secret";
    const KIND: FileKind = FileKind::Secret;
    const IMPORT: &'static str = "`<connection of a manager>|<whole name of the secret>`";
    const DECIDES: &'static str = "data_wo_version";

    fn schema() -> Schema {
        model::schema()
    }
}
