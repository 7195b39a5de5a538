//! Keeping how a stack ran that somebody had started by hand, before the first apply changes it.

use std::collections::{BTreeMap, BTreeSet};

use compose::{
    Choice, Config, Project,
    layout::{ENV_FILE, Layout},
    origin::{self, NO_VALUES, NoWayBack, Origin},
    predict::Resolved,
    record::Record,
    stack::{self, by_service, is_of_service},
};
use docker::engine::Container;
use remote::files::Symlinks;
use tree::{FileDigest, link_digest};

use super::{Deployment, good::Good, new_key};
use crate::resources::compose_stack::{
    failure::Failure,
    generation::{self, ByHand, Generation, images_of},
    held::Held,
    prediction::{Prediction, Said},
};

/// Why it cannot be kept.
enum Unkept {
    /// What runs cannot be had again from its files.
    NoWayBack(NoWayBack),
    /// It could not be found out, or not be put away.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Unkept {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Deployment<'_> {
    /// Whether what runs was started by somebody else.
    pub(super) fn is_by_hand(&self, held: &Held, containers: &[Container]) -> bool {
        !self.fresh && !held.is_ours() && containers.iter().any(is_of_service)
    }

    /// Keeps the files that are about to be overwritten, and what runs. Why that cannot be is told in
    /// words: it is no reason not to apply.
    pub(super) async fn keep_by_hand(&self, containers: &[Container]) -> Result<Good, String> {
        let why = match self.try_by_hand(containers).await {
            Ok(good) => return Ok(good),
            Err(Unkept::NoWayBack(why)) => why.to_string(),
            Err(Unkept::Failed(failure)) => {
                let told: Vec<_> = failure.diagnostics(self.title, "").into_iter().collect();
                let told = told.first().map(|one| one.detail.trim().trim_end_matches('.').to_owned());
                format!("of this error: {}", told.unwrap_or_default())
            }
        };
        tracing::info!(stack = self.inputs.name, why, "what was started by hand cannot be kept");
        Err(why)
    }

    async fn try_by_hand(&self, containers: &[Container]) -> Result<Good, Unkept> {
        let origin = Origin::of(containers).map_err(Unkept::NoWayBack)?;
        let root = origin.directory.clone();
        let files = self.overwritten(&root).await?;
        let env_file =
            if files.contains_key(ENV_FILE) { format!("{root}/{ENV_FILE}") } else { NO_VALUES.into() };
        let (prediction, record) = self.understood(&origin, &env_file, containers).await?;
        origin::compare(&record, containers).map_err(Unkept::NoWayBack)?;
        let images = images_of(&prediction, containers);
        let generation = Generation::new(&origin.files, &every_profile(), &prediction, &record, images)
            .with_networks(self.engine.networks(&self.inputs.name).await?)
            .started_by_hand(ByHand { env_file });
        generation::keep_foreign(self.site, self.cx.token(), &root, &generation, &files).await?;
        Ok(Good { root, generation })
    }

    /// The files in `root` that this apply may overwrite, as they are now, and `.env`.
    async fn overwritten(&self, root: &str) -> Result<BTreeMap<String, FileDigest>, Failure> {
        let own = [ENV_FILE.to_owned(), self.inputs.layout(root).env_path()];
        let shipped = self.inputs.source.files.keys().chain(self.inputs.secret_files.keys());
        let paths: BTreeSet<String> = shipped.cloned().chain(own).collect();
        let places: Vec<String> = paths.iter().map(|path| format!("{root}/{path}")).collect();
        let found = self.site.files().stat(&places, Symlinks::Report).await?;
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
        origin: &Origin,
        env_file: &str,
        containers: &[Container],
    ) -> Result<(Prediction, Record), Failure> {
        let (name, layout) = (&self.inputs.name, Layout::new(&origin.directory, &origin.files));
        let project = layout.project(name, &every_profile(), false, &layout);
        let project = Project { env_file: env_file.to_owned(), ..project };
        let compose = self.site.compose(self.cx, &self.scrubber);
        let config = Config::parse(&compose.config(&project).await?)?;
        let choice =
            Choice { start: Some(by_service(containers).into_keys().collect()), ..Choice::default() };
        let alone = choice.left_alone(&config);
        let resolved = Resolved::plain(config).leaving_alone(&alone)?;
        let hashes = compose.hashes(name, layout.root(), resolved.document()).await?;
        let said = Said {
            resolved: &resolved,
            hashes: &hashes,
            placeholders: &[],
            runs: None,
            choice: &choice,
            contexts: &BTreeMap::new(),
            chosen: &BTreeMap::new(),
        };
        let prediction = Prediction::of(String::new(), &said)?;
        let version = self.site.compose_version(self.resource).await?;
        let record = stack::record(name, &version, &prediction.wanted(), containers, &new_key()?);
        Ok((prediction, record))
    }
}

/// Which profiles were switched on, its containers do not tell; which services were started, they do.
fn every_profile() -> [String; 1] {
    ["*".to_owned()]
}
