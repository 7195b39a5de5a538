//! What a service is built from, as one hash: its context as BuildKit will see it, the Dockerfile,
//! and everything that its `build` section says.
//!
//! The hash becomes a label of the image, [`LABEL_CONTEXT`]: an image on the host that carries the
//! hash of now need not be built. A secret counts by what stands for it, never by its value.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    paths::{below, followed, normal},
    resources::Values,
};
use tree::{Dockerignore, FileDigest};

pub use crate::resolved::LABEL_CONTEXT;

/// The file of a context that says what is no part of it.
const IGNORE_FILE: &str = ".dockerignore";
/// What says how to build, and not what: another cache is no other image.
const HOW: [&str; 6] = ["cache_from", "cache_to", "no_cache", "pull", "context", "additional_contexts"];

/// The files of a stack, as far as builds are concerned.
#[derive(Clone, Copy)]
pub struct Shipped<'a> {
    /// The stack's directory: an absolute path.
    pub directory: &'a str,
    /// The files under it.
    pub files: &'a BTreeMap<String, FileDigest>,
    /// The targets of those that are symbolic links.
    pub links: &'a BTreeMap<String, String>,
    /// The text of one of them.
    pub read: &'a dyn Fn(&str) -> Option<String>,
}

/// The directories in a stack's own that a service is built from, relative to that; empty for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directories {
    /// Its context; none where that is no directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Its other contexts that are directories, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub additional: BTreeMap<String, String>,
}

impl Directories {
    /// Those of a resolved `service` in the stack's directory `root`.
    pub fn of(service: &Value, root: &str) -> Self {
        let relative = |path: &Value| {
            let path = path.as_str()?.replace("$$", "$");
            below(&path, root).map(str::to_owned)
        };
        let build = &service["build"];
        let additional = build["additional_contexts"].as_object().into_iter().flatten();
        let additional = additional.filter_map(|(name, path)| Some((name.clone(), relative(path)?)));
        Self { context: relative(&build["context"]), additional: additional.collect() }
    }

    /// Whether it is built from no directory.
    pub fn is_empty(&self) -> bool {
        self.context.is_none() && self.additional.is_empty()
    }
}

/// The Compose file that lets `services` be built from below `place` instead of the stack's
/// directory: what lies there for containers and for Compose is then in no image.
pub fn elsewhere<'a>(
    services: impl IntoIterator<Item = (&'a String, &'a Directories)>,
    place: &str,
) -> String {
    let at = |relative: &String| {
        let path = if relative.is_empty() { place.to_owned() } else { format!("{place}/{relative}") };
        Value::from(path.replace('$', "$$"))
    };
    let services = services.into_iter().filter(|(_, directories)| !directories.is_empty());
    let services = services.map(|(name, directories)| {
        let mut build = Map::new();
        build.extend(directories.context.iter().map(|path| ("context".to_owned(), at(path))));
        if !directories.additional.is_empty() {
            let additional = directories.additional.iter().map(|(name, path)| (name.clone(), at(path)));
            build.insert("additional_contexts".to_owned(), Value::Object(additional.collect()));
        }
        (name.clone(), json!({ "build": build }))
    });
    json!({ "services": services.collect::<Map<_, _>>() }).to_string()
}

/// Why a service cannot be built from what is shipped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum BuildError {
    /// A context that is on the host, or nowhere.
    #[error("service {service:?} is built from {context}, which is not in the stack's directory")]
    Outside {
        service: String,
        /// The directory.
        context: String,
    },
    /// A context that is a repository or directory of the machine, by a URL that no build fetches.
    #[error(
        "service {service:?} is built from {context}, and a build fetches nothing by `file://`: only git repositories by \
         https://….git, git:// or ssh://, or files by https://"
    )]
    Local { service: String, context: String },
    /// A context of which nothing is shipped.
    #[error("service {service:?} is built from {context:?}, where there are no files")]
    Empty {
        service: String,
        /// The directory, relative to the stack's.
        context: String,
    },
    /// No Dockerfile among the shipped files.
    #[error("service {service:?} is built by {path:?}, which is not among the files")]
    NoDockerfile {
        service: String,
        /// Its path, relative to the stack's directory.
        path: String,
    },
    /// A file of exclusions that a build does not take.
    #[error("service {service:?} is built without what {path:?} names, and there {problem}")]
    Ignore {
        service: String,
        path: String,
        /// What is wrong in it.
        problem: String,
    },
    /// Two services that build the same image from different things.
    #[error("the services {0} build the same image {1:?}, each in its own way")]
    Clash(String, String),
}

/// The hash of what each of `services` of the resolved project `document` is built from; services
/// without a `build` section have none.
///
/// # Errors
/// The first service that cannot be built from what is shipped.
pub fn contexts(
    document: &Value,
    services: &BTreeSet<String>,
    shipped: Shipped<'_>,
    values: Values<'_>,
) -> Result<BTreeMap<String, String>, BuildError> {
    let mut hashes = BTreeMap::new();
    for name in services {
        let service = &document["services"][name];
        if let Some(build) = service["build"].as_object() {
            let section = Section { document, service: name, build, shipped, users: Vec::new() };
            hashes.insert(name.clone(), section.hash(values)?);
        }
    }
    Ok(hashes)
}

/// One `build` section.
struct Section<'a> {
    document: &'a Value,
    service: &'a str,
    build: &'a Map<String, Value>,
    shipped: Shipped<'a>,
    /// The services whose contexts have led here.
    users: Vec<&'a str>,
}

/// A hash over fields, each preceded by its length.
#[derive(Default)]
struct Fields(Sha256);

impl Fields {
    fn add(&mut self, field: &str) {
        self.0.update((field.len() as u64).to_be_bytes());
        self.0.update(field);
    }

    fn file(&mut self, path: &str, file: &FileDigest) {
        [path, &file.sha256, &format!("{:o}", file.mode)].into_iter().for_each(|field| self.add(field));
    }
}

impl<'a> Section<'a> {
    fn hash(&self, values: Values<'_>) -> Result<String, BuildError> {
        let mut fields = Fields::default();
        let said = self.build.iter().filter(|(key, _)| !HOW.contains(&key.as_str()));
        let said: Map<_, _> = said.map(|(key, value)| (key.clone(), value.clone())).collect();
        fields.add(&self.without_directory(&Value::Object(said).to_string()));
        fields.add(self.document["services"][self.service]["platform"].as_str().unwrap_or_default());
        self.secrets(&mut fields, values);
        let dockerfile = self.text("dockerfile").unwrap_or("Dockerfile").to_owned();
        let inline = self.build.contains_key("dockerfile_inline");
        let context = self.text("context").unwrap_or_default().replace("$$", "$");
        if context.starts_with('/') {
            let root = self.local(&context)?;
            let path = if inline { None } else { Some(self.dockerfile(&root, &dockerfile)?) };
            if let Some(path) = &path {
                let file = self.shipped.files.get(path).ok_or_else(|| self.no_dockerfile(path))?;
                fields.file("Dockerfile", file);
            }
            self.context(&mut fields, &root, path.as_deref())?;
        } else {
            fields.add(self.url(&context)?);
        }
        for (name, other) in
            self.build.get("additional_contexts").and_then(Value::as_object).into_iter().flatten()
        {
            let other = other.as_str().unwrap_or_default().replace("$$", "$");
            fields.add(name);
            if other.starts_with('/') {
                self.context(&mut fields, &self.local(&other)?, None)?;
            } else if let Some(section) = self.section_of(&other) {
                fields.add(&section.hash(values)?);
            } else {
                fields.add(self.url(&other)?);
            }
        }
        Ok(secret::hex(&fields.0.finalize()))
    }

    /// A URL as it counts: what is behind it is not looked at.
    fn url<'u>(&self, context: &'u str) -> Result<&'u str, BuildError> {
        if context.starts_with("file://") {
            let service = self.service.to_owned();
            return Err(BuildError::Local { service, context: context.to_owned() });
        }
        Ok(context)
    }

    /// The section of the service that a context `service:<name>` takes the image of: whatever that is
    /// built from is in the image.
    fn section_of(&self, context: &str) -> Option<Section<'a>> {
        let name = context.strip_prefix("service:")?;
        let (service, other) = self.document["services"].as_object()?.get_key_value(name)?;
        let build = other["build"].as_object()?;
        let users = self.users.iter().copied().chain([self.service]).collect::<Vec<_>>();
        // Compose says what is wrong with services that are built from each other.
        let fresh = !users.contains(&service.as_str());
        fresh.then_some(Section { document: self.document, service, build, shipped: self.shipped, users })
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.build.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The same wherever the stack's directory is.
    fn without_directory(&self, text: &str) -> String {
        text.replace(&self.shipped.directory.replace('$', "$$"), "")
    }

    /// What stands behind the names of the secrets.
    fn secrets(&self, fields: &mut Fields, values: Values<'_>) {
        for used in self.build.get("secrets").and_then(Value::as_array).into_iter().flatten() {
            let source = used["source"].as_str().unwrap_or_default();
            let definition = &self.document["secrets"][source];
            fields.add(source);
            if let Some(variable) = definition["environment"].as_str() {
                fields.add(&values.content(variable));
            }
            let path = definition["file"].as_str().unwrap_or_default().replace("$$", "$");
            let secret = below(&path, self.shipped.directory).and_then(|path| values.secrets.files.get(path));
            if let Some(placeholder) = secret {
                fields.add(placeholder);
            }
            if let Some(file) =
                below(&path, self.shipped.directory).and_then(|path| self.shipped.files.get(path))
            {
                fields.file(source, file);
            }
        }
    }

    /// A directory in the stack's, by its path relative to it, links followed.
    fn local(&self, path: &str) -> Result<String, BuildError> {
        let outside = || BuildError::Outside { service: self.service.to_owned(), context: path.to_owned() };
        let relative = below(path, self.shipped.directory).ok_or_else(outside)?;
        let way = followed(relative, self.shipped.links);
        let root = way.last().map_or(relative, String::as_str).to_owned();
        let inside = |file: &String| below(file, &root).is_some();
        if root.is_empty() || self.shipped.files.keys().any(inside) {
            return Ok(root);
        }
        Err(BuildError::Empty { service: self.service.to_owned(), context: relative.to_owned() })
    }

    /// The path of the Dockerfile, relative to the stack's directory.
    fn dockerfile(&self, root: &str, name: &str) -> Result<String, BuildError> {
        let name = name.replace("$$", "$");
        let path = match below(&name, self.shipped.directory) {
            Some(path) => Some(path.to_owned()),
            None => normal(root, &name, ""),
        };
        let path = path.ok_or_else(|| self.no_dockerfile(&name))?;
        Ok(followed(&path, self.shipped.links).pop().unwrap_or(path))
    }

    fn no_dockerfile(&self, path: &str) -> BuildError {
        BuildError::NoDockerfile { service: self.service.to_owned(), path: path.to_owned() }
    }

    /// The files of a context that BuildKit takes.
    fn context(&self, fields: &mut Fields, root: &str, dockerfile: Option<&str>) -> Result<(), BuildError> {
        let inside = |path: &'_ str| {
            if root.is_empty() {
                Some(path.to_owned())
            } else {
                path.strip_prefix(root)?.strip_prefix('/').map(str::to_owned)
            }
        };
        let own: BTreeMap<String, &FileDigest> =
            self.shipped.files.iter().filter_map(|(path, file)| Some((inside(path)?, file))).collect();
        let ignore = self.ignore(root, dockerfile)?;
        for path in ignore.kept(own.keys().map(String::as_str)) {
            if let Some(file) = own.get(path) {
                fields.file(path, file);
            }
        }
        Ok(())
    }

    /// The exclusions of a context: those beside the Dockerfile, else those at its root.
    fn ignore(&self, root: &str, dockerfile: Option<&str>) -> Result<Dockerignore, BuildError> {
        let beside = dockerfile.map(|path| format!("{path}{IGNORE_FILE}"));
        let own = if root.is_empty() { IGNORE_FILE.to_owned() } else { format!("{root}/{IGNORE_FILE}") };
        let there = |path: &String| self.shipped.files.contains_key(path);
        let Some(path) = beside.into_iter().chain([own]).find(there) else {
            return Ok(Dockerignore::default());
        };
        let text = (self.shipped.read)(&path).unwrap_or_default();
        Dockerignore::parse(&text).map_err(|problem| BuildError::Ignore {
            service: self.service.to_owned(),
            path,
            problem,
        })
    }
}

/// Refuses services that build the same image from different things: which of them it is in the
/// end would be a matter of luck.
///
/// # Errors
/// [`BuildError::Clash`]
pub fn agree<'a>(built: impl IntoIterator<Item = (&'a str, &'a str, &'a str)>) -> Result<(), BuildError> {
    let mut by_image: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for (service, image, hash) in built {
        match by_image.get(image) {
            Some((other, known)) if *known != hash => {
                return Err(BuildError::Clash(format!("{other} and {service}"), image.to_owned()));
            }
            _ => drop(by_image.insert(image, (service, hash))),
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "build_tests.rs"]
mod tests;
