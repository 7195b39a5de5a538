//! Keeping how a stack ran that somebody had started by hand, before the first apply changes it.

use std::collections::{BTreeMap, BTreeSet};

use compose::{Config, Layout, Project, Resolved, layout::ENV_FILE};
use docker::engine::Container;
use tree::{FileDigest, link_digest};

use super::{Deployment, Work, new_key, release::KeptRelease};
use crate::{
    adopted::{self, AdoptedProject, NO_VALUES, NotRestorable},
    before,
    containers::{by_service, is_of_service},
    context::Warning,
    desired::{DesiredStack, ResolvedProject},
    error::Error,
    host_state::HostState,
    kept_release,
    outcome::NoRelease,
    ownership::files_in_the_way,
    record::{self, Record},
    release::{Adopted, Release, images_of},
    selection::Selection,
};

/// What was started by hand, and why it cannot be kept.
enum NotKept {
    /// What runs cannot be had again from its files.
    NotRestorable(NotRestorable),
    /// It could not be found out, or not be put away.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for NotKept {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Deployment<'_> {
    /// Whether what runs was started by somebody else.
    pub(super) fn is_adopted(&self, state: &HostState, containers: &[Container]) -> bool {
        !self.fresh && !state.is_ours() && containers.iter().any(is_of_service)
    }

    /// Whether what was started by somebody else lies where it stays, so that its files are in the place
    /// of ours.
    pub(super) fn is_imported(&self, state: &HostState, containers: &[Container]) -> bool {
        self.old_directory().is_none() && self.is_adopted(state, containers)
    }

    /// Keeps the files that lie in the place of ours until the stack is destroyed: they are not ours, and
    /// may be the only copy of something.
    pub(super) async fn keep_files_of_before(&self, work: &Work) -> Result<(), Error> {
        let root = work.layout.root();
        let paths = files_in_the_way(self.host, &self.spec, root, &work.state).await?;
        if paths.is_empty() {
            return Ok(());
        }
        before::keep(self.host, self.cx.token(), root, &paths).await?;
        let (stack, kept) = (self.spec.name.clone(), before::kept_in(root));
        self.cx.warn(Warning::FilesReplaced { stack, kept, paths });
        Ok(())
    }

    /// Keeps the files that are about to be overwritten, and what runs. That it cannot be is no reason
    /// not to apply.
    pub(super) async fn keep_adopted(&self, containers: &[Container]) -> Result<KeptRelease, NoRelease> {
        let why = match self.try_adopting(containers).await {
            Ok(kept) => return Ok(kept),
            Err(NotKept::NotRestorable(why)) => NoRelease::NotRestorable(why),
            Err(NotKept::Failed(error)) => NoRelease::NotKept(error.into()),
        };
        tracing::info!(stack = self.spec.name, ?why, "what was started by hand cannot be kept");
        Err(why)
    }

    async fn try_adopting(&self, containers: &[Container]) -> Result<KeptRelease, NotKept> {
        let project = AdoptedProject::of(containers).map_err(NotKept::NotRestorable)?;
        let root = project.directory.clone();
        let mut files = self.overwritten(&root).await?;
        let env_file =
            if files.contains_key(ENV_FILE) { format!("{root}/{ENV_FILE}") } else { NO_VALUES.into() };
        // What is not overwritten need not be put back.
        if self.spec.host_env.is_some() {
            files.remove(ENV_FILE);
        }
        let (desired, record) = self.understood(&project, &env_file, containers).await?;
        adopted::compare(&record, containers).map_err(NotKept::NotRestorable)?;
        let images = images_of(&desired, containers);
        let one = Release::new(&project.files, &every_profile(), &desired, &record, images)
            .with_networks(self.host.engine.networks(&self.spec.name).await?)
            .started_by_hand(Adopted { env_file });
        kept_release::keep_foreign(self.host, self.cx.token(), &root, &one, &files).await?;
        Ok(KeptRelease { root, release: one })
    }

    /// The files of what was started by hand that are what is shipped, to the bit: they are not brought again,
    /// and nothing that uses them has to start again.
    pub(super) async fn right_already(
        &self,
        state: &HostState,
        containers: &[Container],
    ) -> Result<BTreeMap<String, FileDigest>, Error> {
        if !self.is_imported(state, containers) {
            return Ok(BTreeMap::new());
        }
        let wanted = self.spec.source.manifest().files;
        let mut found = self.overwritten(&self.directory).await?;
        found.retain(|path, file| wanted.get(path) == Some(file));
        Ok(found)
    }

    /// The files in `root` that this apply may overwrite, as they are now, and `.env`.
    async fn overwritten(&self, root: &str) -> Result<BTreeMap<String, FileDigest>, Error> {
        let own = [ENV_FILE.to_owned(), self.spec.layout(root).values_path()];
        let shipped = self.spec.source.files.keys().chain(self.spec.secret_files.keys());
        let paths: BTreeSet<String> = shipped.cloned().chain(own).collect();
        let places: Vec<String> = paths.iter().map(|path| format!("{root}/{path}")).collect();
        let found = self.host.files().stat(&places).await?;
        let digest = |path: &String| {
            let facts = found.get(&format!("{root}/{path}"))?;
            let plain = || Some(FileDigest { sha256: facts.sha256.clone()?, mode: facts.mode });
            facts.link.as_deref().map(link_digest).or_else(plain)
        };
        Ok(paths.into_iter().filter_map(|path| Some((path.clone(), digest(&path)?))).collect())
    }

    /// What its files say of it: the services that have containers, and the others as left alone.
    async fn understood(
        &self,
        project: &AdoptedProject,
        env_file: &str,
        containers: &[Container],
    ) -> Result<(DesiredStack, Record), Error> {
        let (name, layout) = (&self.spec.name, Layout::new(&project.directory, &project.files));
        let project = layout.project(name, &every_profile(), false);
        let project = Project { env_file: env_file.to_owned(), ..project };
        let compose = self.host.compose(self.cx, &self.scrubber);
        let config = Config::parse(&compose.config(&project).await?)?;
        let selection =
            Selection { start: Some(by_service(containers).into_keys().collect()), ..Selection::default() };
        let alone = selection.unmanaged(&config);
        let resolved = Resolved::plain(config).without_unmanaged(&alone)?;
        let hashes = compose.hashes(name, layout.root(), resolved.document(), |command| command).await?;
        let resolved_project = ResolvedProject {
            resolved: &resolved,
            hashes: &hashes,
            placeholders: &[],
            runs: None,
            selection: &selection,
            root: layout.root(),
            contexts: &BTreeMap::new(),
            chosen: &BTreeMap::new(),
        };
        let desired = DesiredStack::of(String::new(), &resolved_project)?;
        let version = self.host.compose_version().await?;
        let record = record::record(name, &version, &desired.services, containers, &new_key()?);
        Ok((desired, record))
    }
}

/// Which profiles were switched on, its containers do not tell; which services were started, they do.
fn every_profile() -> [String; 1] {
    ["*".to_owned()]
}
