//! What is kept on a host of the last good apply, so that one that fails can go back to it.
//!
//! `compose::layout` says where it lies. It is made when an apply has succeeded; only where
//! none is there (a stack of an older Windlass, a host whose disk was full) it is made before an
//! apply ships anything, out of what is there, if that is good. The same goes for a stack that was
//! started by hand and imported, as far as its own files tell what runs: of it, the files are kept
//! that are about to be overwritten, and going back leaves nothing of ours.

use std::collections::{BTreeMap, BTreeSet};

use docker::engine::Container;
use serde::{Deserialize, Serialize};

use crate::{containers::by_service, desired::DesiredStack, record::Record};

/// The format.
const VERSION: u32 = 1;
/// The file that holds it, in the folder of ours in what is kept.
pub(crate) const FILE: &str = "generation.json";

/// Image reference to the id behind it.
pub type Images = BTreeMap<String, String>;

/// One good apply. No secrets: they are in the `.env` that is kept beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    pub(crate) version: u32,
    /// The Compose files, relative to the stack's directory.
    pub files: Vec<String>,
    /// The profiles that were switched on.
    pub profiles: Vec<String>,
    /// What the files wanted.
    #[serde(rename = "prediction")]
    pub desired: DesiredStack,
    /// The record that it left.
    pub record: Record,
    /// What the references of its services meant.
    pub images: Images,
    /// The networks of the project then; none where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub networks: Option<BTreeSet<String>>,
    /// How it was started, where that was not by us.
    #[serde(rename = "by_hand", default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<Adopted>,
}

/// How somebody has started a stack by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adopted {
    /// The absolute path of the file that interpolation takes its values from.
    pub env_file: String,
}

impl Release {
    /// The release of an apply that left `record`.
    pub(crate) fn new(
        files: &[String],
        profiles: &[String],
        desired: &DesiredStack,
        record: &Record,
        images: Images,
    ) -> Self {
        Self {
            version: VERSION,
            files: files.to_vec(),
            profiles: profiles.to_vec(),
            desired: desired.clone(),
            record: record.clone(),
            images,
            networks: None,
            adopted: None,
        }
    }

    /// The same, of a stack that was not started by us.
    pub(crate) fn started_by_hand(self, adopted: Adopted) -> Self {
        Self { adopted: Some(adopted), ..self }
    }

    /// The same, with the networks of the project.
    pub(crate) fn with_networks(self, networks: BTreeSet<String>) -> Self {
        Self { networks: Some(networks), ..self }
    }

    /// What a state may remember of it. Of what was started by hand Compose was asked with the real
    /// values, secrets among them, and hashes over those are for the host alone.
    pub fn remembered(&self) -> Option<&DesiredStack> {
        Some(&self.desired).filter(|_| self.adopted.is_none())
    }

    /// Reads what [`Release::to_json`] wrote; nothing when it is something else or newer.
    pub(crate) fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok().filter(|one: &Self| one.version <= VERSION)
    }

    pub(crate) fn to_json(&self) -> Vec<u8> {
        // Maps with text keys and plain fields cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// What the references of the services mean to their containers.
pub(crate) fn images_of(desired: &DesiredStack, containers: &[Container]) -> Images {
    let live = by_service(containers);
    let services = desired.services.iter();
    services
        .filter_map(|(name, service)| {
            let container = live.get(name)?.first()?;
            Some((service.source.image.clone(), container.image_id.clone()))
        })
        .collect()
}
