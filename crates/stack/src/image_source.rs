//! Where the image of a service comes from.

use std::collections::BTreeMap;

use compose::{Addition, Service, build::Directories};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Stands for an image that only apply knows: no registry has such a name.
pub(crate) const UNKNOWN: &str = "windlass.invalid/unknown";

/// The image of a service, and where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct ImageSource {
    pub image: String,
    /// The platform that the files ask for; empty where they do not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub platform: String,
    /// Whether the files say how to build it, and no image that could be fetched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub built: bool,
    /// Whether the files say how to build it as well as which one it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub buildable: bool,
    /// What it is built from; none where it is not built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The directories that it is built from.
    #[serde(default, skip_serializing_if = "Directories::is_empty")]
    pub directories: Directories,
    /// Whether its image is one of the configuration's, and not of the files.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chosen: bool,
    /// Whether only an apply knows its image.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
}

impl ImageSource {
    /// Where the image of the service `name` comes from, of which Compose says `service` and
    /// `document`, in the directory `root`: `contexts` are what services are built from, `chosen` the
    /// images of the configuration.
    pub(crate) fn of(
        name: &str,
        service: &Service,
        document: &Value,
        root: &str,
        contexts: &BTreeMap<String, String>,
        chosen: &BTreeMap<String, Option<String>>,
    ) -> Self {
        let instead = chosen.get(name);
        let image = match instead {
            Some(image) => image.as_deref().unwrap_or(UNKNOWN),
            None => &service.image,
        };
        Self {
            image: image.to_owned(),
            platform: document["platform"].as_str().unwrap_or_default().to_owned(),
            built: instead.is_none() && document["build"].is_object() && document["image"].is_null(),
            buildable: instead.is_none() && document["build"].is_object() && !document["image"].is_null(),
            context: contexts.get(name).cloned(),
            directories: match contexts.contains_key(name) {
                true => Directories::of(document, root),
                false => Directories::default(),
            },
            chosen: instead.is_some(),
            open: instead.is_some_and(Option::is_none),
        }
    }

    /// Whether its image comes from a registry, as far as its own service tells: it is not built here,
    /// nor was it by somebody else.
    pub(crate) fn is_fetched(&self) -> bool {
        self.context.is_none() && !self.built
    }

    /// Whether its image is one that the files only say how to build, and that is not built.
    pub(crate) fn is_unbuilt(&self) -> bool {
        self.built && self.context.is_none()
    }

    /// What we add to the files for it.
    pub(crate) fn addition(&self) -> Addition {
        Addition {
            image: Some(self.image.clone()).filter(|_| self.chosen),
            context: self.context.clone(),
            ..Addition::default()
        }
    }

    /// The name that somebody else could let stand for another image; none for what is built from the
    /// files, and while it is not known.
    pub fn name(&self) -> Option<&str> {
        (self.is_fetched() && !self.open && !self.image.is_empty()).then_some(&*self.image)
    }
}
