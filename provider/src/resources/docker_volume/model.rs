//! The schema and the attributes of `windlass_docker_volume`, and how a volume becomes attributes.

use docker::engine::{Volume, VolumeSpec};
use framework::{Attribute, Field, Model, Schema};

use crate::docker_objects::{ObjectFields, ObjectModel, set_map};

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A Docker volume on a host, for stacks to share or to outlive them: their Compose files name it as \
             `external: true`. **Its data is kept**: destroying the resource leaves the volume on the host and says \
             so, unless `remove_on_destroy` is in the state. A volume that containers use, also stopped ones, is \
             never removed: the error names them. Docker changes nothing of a volume; where a change would need \
             another volume of the same name and this one has to be kept, the plan is refused.",
        )
        .attributes(attributes())
}

fn attributes() -> [Attribute; 3] {
    [
        Attribute::bool("remove_on_destroy").default(false).describe(
            "Remove the volume, **with all data in it**, when the resource is destroyed or replaced. It is read from \
             the state: set it, apply, then destroy. Default: `false`. A change contacts nothing.",
        ),
        Attribute::string("id").computed().keep_on_update().describe("The name of the volume."),
        Attribute::string("mountpoint").computed().keep_on_update().describe(
            "Where the data is on the host; empty where the driver does not tell before it is used.",
        ),
    ]
}

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct VolumeModel {
    #[model(flatten)]
    pub(crate) object: ObjectFields,
    pub(crate) remove_on_destroy: Field<bool>,
    pub(crate) id: Field<String>,
    pub(crate) mountpoint: Field<String>,
}

impl VolumeModel {
    /// What the daemon is asked for.
    pub(super) fn spec(&self) -> VolumeSpec {
        let object = self.object.clone();
        VolumeSpec {
            name: object.name.known_or_default(),
            driver: object.driver.known_or_default(),
            options: object.options.known_or_default(),
            labels: object.labels.known_or_default(),
        }
    }
}

impl ObjectModel for VolumeModel {
    type Found = Volume;

    fn object(&self) -> &ObjectFields {
        &self.object
    }

    fn object_mut(&mut self) -> &mut ObjectFields {
        &mut self.object
    }

    fn set_unknown(&mut self) {
        self.mountpoint = Field::Unknown;
    }

    fn set_computed(&mut self, found: &Volume) {
        self.id = Field::Known(found.spec.name.clone());
        self.mountpoint = Field::Known(found.mountpoint.clone());
    }

    fn set_observed(&mut self, found: &Volume, adopting: bool) {
        if adopting && self.remove_on_destroy.is_null() {
            // Nobody has asked for the data to go.
            self.remove_on_destroy = Field::Known(false);
        }
        self.set_computed(found);
        self.object.set_observed(&found.spec.driver, &found.spec.labels);
        set_map(&mut self.object.options, found.spec.options.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_volume_becomes_attributes() {
        let labels = [("com.docker.compose.volume", "data"), ("owner", "ann")];
        let spec = VolumeSpec {
            name: "data".into(),
            driver: "local".into(),
            options: BTreeMap::new(),
            labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        let mut model = VolumeModel::default();
        model.set_observed(&Volume { spec, mountpoint: "/m".into() }, false);
        assert_eq!((model.id.as_str(), model.mountpoint.as_str()), (Some("data"), Some("/m")));
        assert_eq!(model.object.options, Field::Null);
        assert_eq!(model.object.labels.known().unwrap().len(), 1);
    }
}
