//! What the layer of secrets and configs is told.

use framework::Schema;
use swarm::stacks::FileKind;

use super::{
    SwarmConfig,
    model::{self, ConfigModel},
};
use crate::swarm_files::SwarmFile;

impl SwarmFile for SwarmConfig {
    type Model = ConfigModel;

    const TYPE: &'static str = "windlass_swarm_config";
    const KIND: FileKind = FileKind::Config;
    const IMPORT: &'static str = "`<connection of a manager>|<whole name of the config>`";
    const DECIDES: &'static str = "data";

    fn schema() -> Schema {
        model::schema()
    }
}
