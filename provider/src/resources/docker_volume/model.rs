//! The attributes of `windlass_docker_volume`, and how a volume becomes attributes.

use std::collections::BTreeMap;

use docker::engine::{Volume, VolumeSpec};
use framework::{Field, Model};

use crate::daemon::{own_labels, take_map};

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
    pub(super) fn settle(&mut self, found: &Volume) {
        self.id = Field::Known(found.spec.name.clone());
        self.mountpoint = Field::Known(found.mountpoint.clone());
    }

    /// Takes over the volume as it is.
    pub(super) fn take(&mut self, found: &Volume) {
        self.settle(found);
        self.driver = Field::Known(found.spec.driver.clone());
        take_map(&mut self.options, found.spec.options.clone());
        let labels = own_labels(&found.spec.labels, &self.labels);
        take_map(&mut self.labels, labels);
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
        model.take(&Volume { spec, mountpoint: "/m".into() });
        assert_eq!((model.id.as_str(), model.mountpoint.as_str()), (Some("data"), Some("/m")));
        assert_eq!(model.options, Field::Null);
        assert_eq!(model.labels.known().unwrap().len(), 1);
    }
}
