//! Making the image: its context to the host, a build there, a push from there.

use std::collections::BTreeMap;

use docker::{Build, Engine, Registry, build::Builder, registry::for_image};
use framework::Diagnostic;
use remote::{
    Input,
    files::{Entry, EntryContent, Facts, Files, Kind, TreeOptions, remove_all_command},
    run_checked,
};
use secret::{Scrubber, Secret};
use tree::{FileDigest, Manifest, link_digest};

use super::{context, model::ImageModel};
use crate::{
    failure::{Explain as _, Failure, Stop},
    hosted::{Host, OnMachine},
    registries,
};

/// The folder of contexts in the home directory of who logs in.
const BUILDS: &str = ".windlass/builds";
/// What lies in the folder of one image: the context, and the list of the files in it.
const CONTEXT: &str = "context";
const MANIFEST: &str = "manifest.json";

/// What makes one image on one host.
pub(super) struct Maker<'a> {
    on: &'a OnMachine<'a>,
    engine: Engine,
    home: String,
    planned: &'a ImageModel,
    secrets: BTreeMap<String, Secret>,
    registries: Vec<Registry>,
}

impl<'a> Maker<'a> {
    /// Gets ready. The values of write-only attributes are in `config` alone.
    pub(super) async fn open(
        on: &'a OnMachine<'a>,
        planned: &'a ImageModel,
        config: &ImageModel,
    ) -> Result<Self, Failure> {
        let engine = on.host.engine().await?;
        // Whether the client that builds is there, and will do.
        on.host.compose_version().await?;
        let home = on.host.home().await?.to_owned();
        let secrets = config.secrets_wo.known().into_iter().flatten();
        let secrets = secrets.filter_map(|(name, value)| Some((name.clone(), value.known()?.clone())));
        let registries = registries::known(on.hosts);
        Ok(Self { on, engine, home, planned, secrets: secrets.collect(), registries })
    }

    /// Builds the image of the resource `id`, and returns the image's id.
    pub(super) async fn build(&self, id: &str) -> Result<String, Failure> {
        let context = match (self.planned.context.known(), self.planned.git.known()) {
            (Some(directory), _) => self.ship(directory, &directory_of(&self.home, id)).await?,
            (None, url) => url.cloned().unwrap_or_default(),
        };
        let build = described(self.planned, context, self.secrets.clone());
        let builder = Builder {
            exec: self.on.host.executor.as_ref(),
            cli: self.on.host.cli().await?,
            home: &self.home,
            registries: &self.registries,
        };
        builder.build(&build, self.on.cx.remaining(), &self.scrubber(), self.on.cx.token()).await?;
        let name = self.planned.name.clone().known_or_default();
        let image = self.engine.image(&name).await?;
        image.map(|image| image.id).ok_or_else(|| {
            let happened = format!(
                "The build ended well, but the host has no image {name:?}. Probably the builder that was chosen on the \
                 host (`docker buildx use`) keeps its results to itself."
            );
            Stop::new(happened, "Choose the default builder (`docker buildx use default`), then apply again.").into()
        })
    }

    /// Pushes every name of the image with this id, where that is asked for, and returns the digests
    /// by name.
    pub(super) async fn push(&self, image_id: &str) -> Result<BTreeMap<String, String>, Failure> {
        let mut digests = BTreeMap::new();
        if !self.planned.push.is_true() {
            return Ok(digests);
        }
        for name in self.planned.names() {
            if !is_ours(&self.engine, &name, [image_id]).await? {
                return Err(self.not_there(&name)).with_world("It was not pushed.");
            }
            let pushed = tokio::select! {
                biased;
                () = self.on.cx.cancelled() => return Err(remote::Error::Cancelled.into()),
                pushed = self.engine.push(&name, for_image(&self.registries, &name)) => pushed,
            };
            digests.insert(name, pushed.map_err(|error| self.scrubbed(error))?);
        }
        Ok(digests)
    }

    fn not_there(&self, name: &str) -> Stop {
        let happened = format!(
            "On {}, {name:?} does not stand for the image that was built, but for another one or for nothing.",
            self.on.host.name()
        );
        Stop::new(happened, "Somebody has changed it since it was planned. Plan and apply again.")
    }

    /// Brings the context to the host: what is there already is not sent again. Returns where it is.
    async fn ship(&self, directory: &str, root: &str) -> Result<String, Failure> {
        let source = context::files(directory, self.planned)?;
        let wanted = source.manifest();
        if self.planned.source_hash.as_str() != Some(wanted.hash().as_str()) {
            return Err(Diagnostic::error(format!("Could not use {directory:?}"))
                .detail(
                    "The files on this machine are not the ones that were planned: they were changed since.",
                )
                .detail("Nothing was changed on the host.")
                .detail("Plan and apply again.")
                .at("context")
                .into());
        }
        let files = self.files();
        let (manifest, place) = (format!("{root}/{MANIFEST}"), format!("{root}/{CONTEXT}"));
        let last = files.read_text(&manifest).await?;
        let mut last = last.and_then(|text| Manifest::parse(text.as_bytes()).ok()).unwrap_or_default();
        let mut found = found(&files, &place, &last, &wanted).await?;
        if !last.fits_under(&found, &wanted) {
            remove_all(self.on.host, &place).await?;
            (last, found) = (Manifest::default(), BTreeMap::new());
        }
        let difference = last.difference(&found, &wanted);
        if difference.send.is_empty() && difference.delete.is_empty() {
            return Ok(place);
        }
        // The list names, at any moment, everything that is there.
        let mut both = last;
        both.files.extend(wanted.files.clone());
        self.upload(root, vec![listed(&both)]).await?;
        let sent = difference
            .send
            .iter()
            .filter_map(|path| Some(source.files.get(path)?.entry(&format!("{CONTEXT}/{path}"))));
        self.upload(root, sent.collect()).await?;
        if !difference.delete.is_empty() {
            files.remove(&place, &difference.delete.into_iter().collect::<Vec<_>>()).await?;
            self.upload(root, vec![listed(&wanted)]).await?;
        }
        Ok(place)
    }

    async fn upload(&self, root: &str, entries: Vec<Entry>) -> Result<(), Failure> {
        let options = TreeOptions { directory_mode: 0o700, ..TreeOptions::default() };
        Ok(self.files().upload_tree(root, &entries, &options).await?)
    }

    /// The files of the host, for as long as the apply goes on.
    fn files(&self) -> Files<'a> {
        self.on.host.files().cancelled_by(self.on.cx.token())
    }

    fn scrubber(&self) -> Scrubber {
        let passwords = self.registries.iter().map(|registry| registry.password.clone());
        Scrubber::new(self.secrets.values().cloned().chain(passwords))
    }

    /// What a registry says may repeat what it was told.
    fn scrubbed(&self, error: docker::Error) -> docker::Error {
        match error {
            docker::Error::Push { host, reference, reason } => {
                docker::Error::Push { host, reference, reason: self.scrubber().scrub(&reason) }
            }
            error => error,
        }
    }
}

/// The folder of the image `id`, in the home directory of who logs in.
pub(super) fn directory_of(home: &str, id: &str) -> String {
    format!("{}/{BUILDS}/{id}", home.trim_end_matches('/'))
}

/// Whether `name` stands for one of the images `ids`, and not for somebody else's by now.
pub(super) async fn is_ours<const N: usize>(
    engine: &Engine,
    name: &str,
    ids: [&str; N],
) -> Result<bool, docker::Error> {
    Ok(engine.image(name).await?.is_some_and(|image| ids.contains(&image.id.as_str())))
}

/// Removes a directory of ours with all that is in it.
pub(super) async fn remove_all(host: &Host, directory: &str) -> Result<(), Failure> {
    run_checked(host.executor.as_ref(), &remove_all_command(directory).privileged(), Input::Nothing).await?;
    Ok(())
}

fn listed(manifest: &Manifest) -> Entry {
    Entry { path: MANIFEST.to_owned(), mode: 0o600, content: EntryContent::Bytes(manifest.to_json().into()) }
}

/// What is now at the paths of both lists.
async fn found(
    files: &Files<'_>,
    place: &str,
    last: &Manifest,
    wanted: &Manifest,
) -> Result<BTreeMap<String, FileDigest>, Failure> {
    let names: std::collections::BTreeSet<&String> = last.files.keys().chain(wanted.files.keys()).collect();
    if last.files.is_empty() {
        return Ok(BTreeMap::new());
    }
    let paths: Vec<String> = names.iter().map(|name| format!("{place}/{name}")).collect();
    let mut facts = files.stat(&paths).await?;
    let found = names
        .into_iter()
        .zip(&paths)
        .filter_map(|(name, path)| Some((name.clone(), digest(facts.remove(path)?)?)));
    Ok(found.collect())
}

/// How a file on the host counts; directories and whatever else do not.
fn digest(facts: Facts) -> Option<FileDigest> {
    match (facts.kind, facts.sha256, facts.link) {
        (Kind::File, Some(sha256), _) => Some(FileDigest { sha256, mode: facts.mode }),
        (Kind::Symlink, _, Some(target)) => Some(link_digest(&target)),
        _ => None,
    }
}

/// The build that the plan asks for.
fn described(planned: &ImageModel, context: String, secrets: BTreeMap<String, Secret>) -> Build {
    Build {
        context,
        dockerfile: planned.dockerfile.known().cloned(),
        target: planned.target.known().cloned(),
        args: planned.args.clone().known_or_default(),
        platform: planned.platform.known().cloned(),
        labels: planned.labels.clone().known_or_default(),
        tags: planned.names(),
        cache_from: planned.cache_from.clone().known_or_default(),
        cache_to: planned.cache_to.clone().known_or_default(),
        secrets,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_what_was_planned() {
        let planned = ImageModel {
            name: "app:1".into(),
            target: "run".into(),
            args: framework::Field::Known(BTreeMap::from([("A".to_owned(), "1".to_owned())])),
            ..ImageModel::default()
        };
        let build = described(&planned, "/c".to_owned(), BTreeMap::new());
        assert_eq!(
            (build.context.as_str(), build.target.as_deref(), build.args["A"].as_str()),
            ("/c", Some("run"), "1")
        );
        assert_eq!(build.tags, ["app:1"]);
    }

    #[test]
    fn every_image_has_a_folder_of_its_own() {
        assert_eq!(directory_of("/home/deploy/", "1f"), "/home/deploy/.windlass/builds/1f");
    }
}
