//! The schema and the attributes of `windlass_docker_volume`, and how a volume becomes attributes.

use std::collections::BTreeMap;

use docker::engine::{Volume, VolumeSpec};
use framework::{Attribute, Field, Model, Schema, Timeouts, Type, validate};

use crate::docker_objects::{check_name, own_labels, set_map};

/// The schema.
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
        .timeouts(Timeouts::new().create(5).update(5).delete(5).read(5))
}

fn attributes() -> [Attribute; 7] {
    [
        Attribute::string("name").required().requires_replace().check(|name: &String| check_name(name)).describe(
            "The name of the volume on the host, and in `volumes: { <key>: { name: …, external: true } }` of the \
             stacks that share it. Another one replaces the volume.",
        ),
        Attribute::string("driver").default("local").validate(validate::non_empty()).describe(
            "What keeps the data: `local` (default) or the name of a plugin. Another one replaces the volume.",
        ),
        Attribute::map("options", Type::String).describe(
            "Options of the driver, such as `type`, `o` and `device` of a mount. They are in clear in the state and in \
             `docker volume inspect`, the password of a network share included. Other ones replace the volume.",
        ),
        Attribute::map("labels", Type::String).describe(
            "Labels of the volume. Other ones replace it. Labels that Docker or Compose set (`com.docker.…`) count \
             only where they are named here.",
        ),
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

/// The attributes.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct VolumeModel {
    pub(crate) host: Field<String>,
    pub(crate) name: Field<String>,
    pub(crate) driver: Field<String>,
    pub(crate) options: Field<BTreeMap<String, String>>,
    pub(crate) labels: Field<BTreeMap<String, String>>,
    pub(crate) remove_on_destroy: Field<bool>,
    pub(crate) id: Field<String>,
    pub(crate) mountpoint: Field<String>,
}

impl VolumeModel {
    /// Takes over what only the daemon knows.
    pub(super) fn set_computed(&mut self, found: &Volume) {
        self.id = Field::Known(found.spec.name.clone());
        self.mountpoint = Field::Known(found.mountpoint.clone());
    }

    /// Takes over the volume as it is.
    pub(super) fn set_observed(&mut self, found: &Volume) {
        self.set_computed(found);
        self.driver = Field::Known(found.spec.driver.clone());
        set_map(&mut self.options, found.spec.options.clone());
        let labels = own_labels(&found.spec.labels, &self.labels);
        set_map(&mut self.labels, labels);
    }

    /// What the daemon is asked for.
    pub(super) fn spec(&self) -> VolumeSpec {
        VolumeSpec {
            name: self.name().to_owned(),
            driver: self.driver.clone().known_or_default(),
            options: self.options.clone().known_or_default(),
            labels: self.labels.clone().known_or_default(),
        }
    }

    /// The name, or nothing while it is unknown.
    pub(super) fn name(&self) -> &str {
        self.name.as_str().unwrap_or_default()
    }

    /// Whether the volume, and its data, ends with the resource.
    pub(super) fn is_removed_on_destroy(&self) -> bool {
        self.remove_on_destroy.is_true()
    }
}

#[cfg(test)]
mod tests {
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
        model.set_observed(&Volume { spec, mountpoint: "/m".into() });
        assert_eq!((model.id.as_str(), model.mountpoint.as_str()), (Some("data"), Some("/m")));
        assert_eq!(model.options, Field::Null);
        assert_eq!(model.labels.known().unwrap().len(), 1);
    }
}
