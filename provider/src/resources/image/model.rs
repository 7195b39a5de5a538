//! The attributes of `windlass_image`.

use std::collections::{BTreeMap, BTreeSet};

use docker::Reference;
use framework::{Field, Model};
use secret::Secret;

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct ImageModel {
    pub(crate) host: Field<String>,
    pub(crate) name: Field<String>,
    pub(crate) tags: Field<BTreeSet<String>>,
    pub(crate) context: Field<String>,
    pub(crate) file_modes: Field<String>,
    pub(crate) git: Field<String>,
    pub(crate) dockerfile: Field<String>,
    pub(crate) target: Field<String>,
    pub(crate) platform: Field<String>,
    pub(crate) args: Field<BTreeMap<String, String>>,
    pub(crate) labels: Field<BTreeMap<String, String>>,
    pub(crate) secrets_wo: Field<BTreeMap<String, Field<Secret>>>,
    pub(crate) secrets_wo_version: Field<String>,
    pub(crate) triggers: Field<BTreeMap<String, String>>,
    pub(crate) cache_from: Field<Vec<String>>,
    pub(crate) cache_to: Field<Vec<String>>,
    pub(crate) push: Field<bool>,
    pub(crate) keep_on_destroy: Field<bool>,
    pub(crate) id: Field<String>,
    pub(crate) source_hash: Field<String>,
    pub(crate) image_id: Field<String>,
    pub(crate) digest: Field<String>,
    pub(crate) reference: Field<String>,
}

impl ImageModel {
    /// Every name of the image, the first one first.
    pub(super) fn names(&self) -> Vec<String> {
        let first = self.name.known().into_iter();
        let more = self.tags.known().into_iter().flatten().filter(|tag| Some(*tag) != self.name.known());
        first.chain(more).cloned().collect()
    }

    /// Whether a build of `other` comes to the same image, as far as the configuration tells.
    pub(super) fn is_same_build(&self, other: &Self) -> bool {
        self.tags == other.tags
            && self.source_hash == other.source_hash
            && self.dockerfile == other.dockerfile
            && self.target == other.target
            && self.platform == other.platform
            && self.args == other.args
            && self.labels == other.labels
            && self.secrets_wo_version == other.secrets_wo_version
            && self.triggers == other.triggers
            && self.push == other.push
    }

    /// The image in words.
    pub(super) fn subject(&self) -> String {
        format!("image {:?}", self.name.as_str().unwrap_or_default())
    }
}

/// Checks a name that an image can get.
pub(super) fn check_tag(name: &str) -> Result<(), String> {
    let reference: Reference =
        name.parse().map_err(|error| format!("must be a valid name of an image: {error}"))?;
    if reference.digest.is_some() {
        return Err("must have no digest: that is known only after the build".to_owned());
    }
    Ok(())
}

/// Checks a URL that BuildKit takes for one of a git repository.
pub(super) fn check_git(url: &str) -> Result<(), String> {
    if url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("must have no spaces in it".to_owned());
    }
    let address = url.split('#').next().unwrap_or(url);
    let (scheme, rest) = address.split_once("://").unwrap_or_default();
    let known = match scheme {
        "git" | "ssh" => true,
        "http" | "https" => address.ends_with(".git"),
        _ => false,
    };
    if !known || rest.is_empty() {
        return Err(
            "must be https://….git, git://… or ssh://…, with #<ref>:<directory> behind it where that is \
                    needed"
                .to_owned(),
        );
    }
    if rest.split('/').next().is_some_and(|authority| authority.contains(':') && authority.contains('@')) {
        return Err("must have no password in it".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_digest() {
        for name in ["app", "app:1", "registry.example.org:5000/team/app:v1.2"] {
            assert!(check_tag(name).is_ok(), "{name}");
        }
        for name in ["", "App", "app:", "app@sha256:aa", &format!("app@sha256:{}", "a".repeat(64))] {
            assert!(check_tag(name).is_err(), "{name}");
        }
    }

    #[test]
    fn urls_are_those_of_git() {
        for url in
            ["https://e.org/a.git", "https://e.org/a.git#v1:sub", "git://127.0.0.1:9/a", "ssh://git@e.org/a"]
        {
            assert!(check_git(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "https://e.org/a",
            "/srv/a",
            "file:///srv/a.git",
            "https://me:pw@e.org/a.git",
            "git://",
            "git://a b",
        ] {
            assert!(check_git(url).is_err(), "{url}");
        }
    }

    #[test]
    fn every_name_counts_once() {
        let model = ImageModel {
            name: "app:1".into(),
            tags: Field::Known(["app:1", "app:latest"].map(str::to_owned).into()),
            ..ImageModel::default()
        };
        assert_eq!(model.names(), ["app:1", "app:latest"]);
    }
}
