//! Volumes of a daemon.

use std::collections::{BTreeMap, HashMap};

use bollard::{
    models::{Volume as Found, VolumeCreateRequest},
    query_parameters::RemoveVolumeOptions,
};

use super::{Container, Engine, not_found};
use crate::Error;

/// What a volume is made of; the daemon changes nothing of it later.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct VolumeSpec {
    pub name: String,
    /// `local`, or that of a plugin.
    pub driver: String,
    /// What the driver makes of it.
    pub options: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
}

/// A volume on a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// What it is made of.
    pub spec: VolumeSpec,
    /// Where its data is on the host.
    pub mountpoint: String,
}

impl Volume {
    fn from_api(found: Found) -> Self {
        let spec = VolumeSpec {
            name: found.name,
            driver: found.driver,
            options: found.options.into_iter().collect(),
            labels: found.labels.into_iter().collect(),
        };
        Self { spec, mountpoint: found.mountpoint }
    }
}

impl VolumeSpec {
    fn to_request(&self) -> VolumeCreateRequest {
        VolumeCreateRequest {
            name: Some(self.name.clone()),
            driver: Some(self.driver.clone()),
            driver_opts: Some(self.options.clone().into_iter().collect()),
            labels: Some(self.labels.clone().into_iter().collect()),
            ..VolumeCreateRequest::default()
        }
    }
}

impl Engine {
    /// The volume `name`; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn volume(&self, name: &str) -> Result<Option<Volume>, Error> {
        match self.docker.inspect_volume(name).await {
            Ok(found) => Ok(Some(Volume::from_api(found))),
            Err(source) if not_found(&source) => Ok(None),
            Err(source) => Err(self.error(&format!("inspect the volume {name}"), source)),
        }
    }

    /// Makes a volume. The daemon returns the one that is there where the name is taken, so look
    /// first.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon refuses: the driver does not know an option, for example.
    pub async fn create_volume(&self, spec: &VolumeSpec) -> Result<Volume, Error> {
        let made = self.docker.create_volume(spec.to_request()).await;
        made.map(Volume::from_api)
            .map_err(|source| self.error(&format!("create the volume {}", spec.name), source))
    }

    /// Removes the volume with all that is in it. One that is gone already is no error.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not do it, because containers use it for example.
    pub async fn remove_volume(&self, name: &str) -> Result<(), Error> {
        match self.docker.remove_volume(name, None::<RemoveVolumeOptions>).await {
            Err(source) if !not_found(&source) => {
                Err(self.error(&format!("remove the volume {name}"), source))
            }
            _ => Ok(()),
        }
    }

    /// The containers that use the volume, stopped ones included.
    ///
    /// # Errors
    /// [`Error::Engine`] when the daemon does not answer.
    pub async fn containers_of_volume(&self, name: &str) -> Result<Vec<Container>, Error> {
        self.list(HashMap::from([("volume", vec![name])])).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_volume() {
        // Cut down from GET /volumes/… of Docker 26.1.5.
        let json = r#"{"CreatedAt":"2026-11-20T20:00:00Z","Driver":"local","Labels":null,
            "Mountpoint":"/var/lib/docker/volumes/data/_data","Name":"data","Options":{"type":"tmpfs"},"Scope":"local"}"#;
        let volume = Volume::from_api(serde_json::from_str(json).unwrap());
        assert_eq!(volume.mountpoint, "/var/lib/docker/volumes/data/_data");
        let spec = VolumeSpec {
            name: "data".into(),
            driver: "local".into(),
            options: BTreeMap::from([("type".into(), "tmpfs".into())]),
            labels: BTreeMap::new(),
        };
        assert_eq!(volume.spec, spec);
        let expected = serde_json::json!({
            "Name": "data", "Driver": "local", "DriverOpts": {"type": "tmpfs"}, "Labels": {},
        });
        assert_eq!(serde_json::to_value(spec.to_request()).unwrap(), expected);
    }
}
