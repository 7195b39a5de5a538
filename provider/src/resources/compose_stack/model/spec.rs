//! From the attributes of a stack to what the engine takes: its spec, its options, and what was there
//! before.

use compose::Layout;
use framework::{Diagnostic, Diagnostics, Field, State, schema::parse_duration};
use stack::{
    DeployOptions, HostEnv, OnFailure, Prior, PullPolicy, START_TIMEOUT, Secrets, Selection, StackSpec,
    WaitFor,
};
use tree::Tree;

use super::{StackModel, UNDEFINED_WARN};
use crate::{
    hosted::{Hosts, OnHost},
    registries,
    resources::compose_stack::{ChosenProject, ComposeStack, blocks::reloads},
    stacks::{
        Files, Sources,
        blocks::{jobs, probes, services},
        check_secret_files, environment, placeholders, profiles, secret_file_placeholders, secrets_version,
    },
};

impl StackModel {
    /// What the configuration asks for; `None` while a part of it is unknown. Files on this machine are
    /// read.
    ///
    /// # Errors
    /// Everything that is wrong with the files.
    pub(in super::super) fn spec(&self) -> Result<Option<StackSpec>, Diagnostics> {
        self.spec_of(self.files()?)
    }

    /// The files of the stack, hashed, which takes its time.
    ///
    /// # Errors
    /// Everything that is wrong with the files.
    pub(in super::super) fn files(&self) -> Result<Option<Files>, Diagnostics> {
        Files::of(&self.sources())
    }

    /// As [`StackModel::spec`], where the files have been read before.
    ///
    /// # Errors
    /// What is wrong with the files.
    pub(in super::super) fn spec_of(&self, files: Option<Files>) -> Result<Option<StackSpec>, Diagnostics> {
        let Some(files) = files else { return Ok(None) };
        let (Ok(Some(name)), Ok(build), Ok(images), Ok(undefined)) = (
            self.name.decided(),
            self.build.decided(),
            self.images.decided(),
            self.undefined_variables.decided(),
        ) else {
            return Ok(None);
        };
        let sources = &self.sources();
        let (Some(placeholders), Some(selection)) = (placeholders(sources)?, selection(self)) else {
            return Ok(None);
        };
        let Some(environment) = environment(sources) else { return Ok(None) };
        let Some(job_services) = services(&self.job) else { return Ok(None) };
        let Some(secret_files) = secret_file_placeholders(sources) else { return Ok(None) };
        check_secret_files(
            sources,
            &secret_files,
            &files.source,
            &Layout::new("/", &files.names).env_path(),
        )?;
        files.check(sources)?;
        let Some(reloads) = reloads(self, &files.source, &secret_files)? else { return Ok(None) };
        let Some(merges) = self.merges_host_env() else { return Ok(None) };
        let image = |(name, image): (&String, &Field<String>)| (name.clone(), image.known().cloned());
        let spec = StackSpec {
            name: name.clone(),
            selection,
            environment,
            placeholders,
            secret_files,
            reloads,
            build: build == Some(&true),
            images: images.into_iter().flatten().map(image).collect(),
            job_services,
            blank_undefined: undefined.is_some_and(|word| word == UNDEFINED_WARN),
            host_env: merges.then(HostEnv::default),
            ..StackSpec::default()
        };
        let spec = files.into_spec(spec, sources)?;
        let profiles = profiles(sources, &spec)?;
        Ok(profiles.map(|profiles| StackSpec { profiles, ..spec }))
    }

    /// As [`StackModel::files_spec_of`] the files as they are.
    #[cfg(test)]
    pub(in super::super) fn files_spec(&self) -> Result<Option<(StackSpec, Vec<String>)>, Diagnostics> {
        self.files_spec_of(self.files()?)
    }

    /// The spec as far as it is files, while other attributes may be unknown, and the files that are called
    /// like Compose files and are none of the stack's; `None` while the files themselves are unknown.
    ///
    /// # Errors
    /// Everything that is wrong with the files.
    pub(in super::super) fn files_spec_of(
        &self,
        files: Option<Files>,
    ) -> Result<Option<(StackSpec, Vec<String>)>, Diagnostics> {
        let Some(mut files) = files else { return Ok(None) };
        let sources = &self.sources();
        let Some(secret_files) = secret_file_placeholders(sources) else { return Ok(None) };
        let Some(merges) = self.merges_host_env() else { return Ok(None) };
        let unused = std::mem::take(&mut files.unused);
        let host_env = merges.then(HostEnv::default);
        let spec = files.into_spec(StackSpec { secret_files, host_env, ..StackSpec::default() }, sources)?;
        check_host_env(self, &spec)?;
        Ok(Some((spec, unused)))
    }

    /// The attributes that files come from.
    pub(in super::super) fn sources(&self) -> Sources<'_> {
        Sources {
            subject: format!("compose stack {:?}", self.name()),
            source_dir: &self.source_dir,
            file_modes: &self.file_modes,
            seed_files: &self.seed_files,
            files: &self.files,
            env_file: &self.env_file,
            config: &self.config,
            files_content: &self.files_content,
            profiles: &self.profiles,
            environment: &self.environment,
            secrets_wo: &self.secrets_wo,
            secrets_wo_version: &self.secrets_wo_version,
            secrets_sops_file: &self.secrets_sops_file,
            secret_files_wo: &self.secret_files_wo,
            secret_files_wo_version: &self.secret_files_wo_version,
        }
    }

    /// The attribute to blame for mistakes in the files.
    pub(in super::super) fn files_attribute(&self) -> &'static str {
        self.sources().files_attribute()
    }

    /// Which images are fetched.
    pub(in super::super) fn pull_policy(&self) -> PullPolicy {
        match self.pull.as_str() {
            Some("always") => PullPolicy::Always,
            Some("never") => PullPolicy::Never,
            _ => PullPolicy::Missing,
        }
    }

    /// How an apply of this plan goes about it.
    pub(in super::super) fn options(&self, secrets: Secrets, hosts: &Hosts) -> DeployOptions {
        let keep_images = self.keep_images.known().copied().unwrap_or(super::KEEP_IMAGES);
        let rolls_back = self.on_failure.as_str() != Some("keep");
        DeployOptions {
            pull: self.pull_policy(),
            orphans: self.orphans(),
            on_failure: if rolls_back { OnFailure::Rollback } else { OnFailure::Keep },
            keep_images: usize::try_from(keep_images).unwrap_or(usize::MAX),
            start_timeout: self
                .start_timeout
                .as_str()
                .and_then(|text| parse_duration(text).ok())
                .unwrap_or(START_TIMEOUT),
            jobs: jobs(&self.job),
            probes: probes(&self.probe),
            secrets,
            registries: registries::known(hosts),
        }
    }
}

/// What was there before, as the state tells it.
pub(in super::super) fn prior(state: &State<OnHost<ComposeStack>>) -> Prior {
    let model = &state.model;
    let project = state.private.project.clone().unwrap_or_else(|| project(model));
    Prior {
        directory: model.directory.known().cloned(),
        files: project.files,
        profiles: project.profiles,
        desired: state.private.desired.clone(),
        jobs: jobs(&model.job),
        source_hash: model.source_hash.known().cloned(),
        secrets_version: secrets_version(&model.secrets_wo_version, &model.secrets_sops_hash),
        secret_files_version: model.secret_files_wo_version.known().cloned(),
    }
}

/// The files and profiles of a stack of which only the attributes are known: a state of when these said
/// it all.
fn project(model: &StackModel) -> ChosenProject {
    let files = match (model.config.known(), model.files.known()) {
        (Some(texts), _) => Tree::texts(texts).1,
        (None, Some(files)) => files.clone(),
        (None, None) => vec!["compose.yaml".to_owned()],
    };
    ChosenProject { files, profiles: model.profiles.known().into_iter().flatten().cloned().collect() }
}

/// Which services are started and what is waited for; `None` while a part of it is unknown.
fn selection(config: &StackModel) -> Option<Selection> {
    let (start, wait) = (config.start_services.decided().ok()?, config.wait_for.decided().ok()?);
    let wait = wait.into_iter().flatten();
    let wait = wait.filter_map(|(name, word)| Some((name.clone(), WaitFor::parse(word)?)));
    Some(Selection { start: start.cloned(), wait: wait.collect() })
}

/// Checks that no other `.env` counts where the server's own does.
fn check_host_env(config: &StackModel, spec: &StackSpec) -> Result<(), Diagnostics> {
    if spec.host_env.is_none() || (spec.dotenv.is_none() && spec.own_env.is_none()) {
        return Ok(());
    }
    let path = &spec.dotenv_path;
    Err(Diagnostic::error(format!("Could not read compose stack {:?}", config.name()))
        .detail(format!(
            "{path:?} is among what is shipped and gives values, and with `host_env = \"merge\"` the server's own .env does."
        ))
        .detail("Nothing was changed.")
        .detail(format!(
            "Name {path} in `.windlassignore` (or take it out of `files_content` or `env_file`) and give its values in \
             `environment` or `secrets_wo`, or take out `host_env`."
        ))
        .at("host_env")
        .into())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use secret::Secret;

    use super::*;

    fn config() -> StackModel {
        StackModel {
            name: "web".into(),
            config: Field::Known(vec!["services: {}".to_owned()]),
            environment: Field::Known(BTreeMap::from([("TAG".to_owned(), "1".into())])),
            ..StackModel::default()
        }
    }

    fn secret(value: Field<Secret>) -> Field<BTreeMap<String, Field<Secret>>> {
        Field::Known(BTreeMap::from([("TOKEN".to_owned(), value)]))
    }

    fn digest(config: &StackModel) -> String {
        config.spec().unwrap().unwrap().digest("/srv/web", "2.26.1")
    }

    #[test]
    fn a_secret_counts_by_its_name_and_version_only() {
        let with = |value: &str, version: &str| StackModel {
            secrets_wo: secret(Field::Known(value.into())),
            secrets_wo_version: version.into(),
            ..config()
        };
        assert_eq!(digest(&with("a", "1")), digest(&with("b", "1")));
        assert_ne!(digest(&with("a", "1")), digest(&with("a", "2")));
        assert_ne!(digest(&with("a", "1")), digest(&config()));
        let unknown = StackModel { secrets_wo: secret(Field::Unknown), ..with("a", "1") };
        assert_eq!(digest(&unknown), digest(&with("a", "1")));
    }

    #[test]
    fn every_input_is_in_the_digest() {
        let mut digests = BTreeSet::new();
        digests.insert(digest(&config()));
        digests.insert(digest(&StackModel { environment: Field::Null, ..config() }));
        digests.insert(digest(&StackModel { profiles: Field::Known(["x".to_owned()].into()), ..config() }));
        let start = Field::Known(["a".to_owned()].into());
        digests.insert(digest(&StackModel { start_services: start, ..config() }));
        digests.insert(digest(&StackModel {
            config: Field::Known(vec!["services: {a: {}}".into()]),
            ..config()
        }));
        let overlay = Field::Known(BTreeMap::from([(".env".to_owned(), "A=1".to_owned())]));
        digests.insert(digest(&StackModel { files_content: overlay, ..config() }));
        digests.insert(digest(&StackModel { build: Field::Known(true), ..config() }));
        for image in [Field::Known("app:1".to_owned()), Field::Unknown] {
            let images = Field::Known(BTreeMap::from([("app".to_owned(), image)]));
            digests.insert(digest(&StackModel { images, ..config() }));
        }
        let spec = config().spec().unwrap().unwrap();
        digests.insert(spec.digest("/srv/other", "2.26.1"));
        digests.insert(spec.digest("/srv/web", "2.27.0"));
        assert_eq!(digests.len(), 11);
    }

    #[test]
    fn what_is_unknown_leaves_the_rest_undecided() {
        for config in [
            StackModel { environment: Field::Unknown, ..config() },
            StackModel { environment: Field::Known([("A".to_owned(), Field::Unknown)].into()), ..config() },
            StackModel { files_content: Field::Unknown, ..config() },
            StackModel { secrets_wo: Field::Unknown, ..config() },
            StackModel { config: Field::Unknown, ..config() },
        ] {
            assert!(config.spec().unwrap().is_none());
        }
        assert!(StackModel { environment: Field::Unknown, ..config() }.files_spec().unwrap().is_some());
    }

    #[test]
    fn the_own_env_file_is_no_shipped_file() {
        let overlay = Field::Known(BTreeMap::from([(".env".to_owned(), "A=1".to_owned())]));
        let spec = StackModel { files_content: overlay, ..config() }.spec().unwrap().unwrap();
        assert_eq!(spec.dotenv.as_deref(), Some("A=1"));
        assert!(!spec.source.files.contains_key(".env"));
    }

    #[test]
    fn the_servers_own_env_counts_by_its_mark_and_suffers_no_other() {
        let merging = StackModel { host_env: "merge".into(), ..config() };
        let spec = merging.spec().unwrap().unwrap();
        let marked = |mark: &str| StackSpec { host_env: Some(HostEnv::marked(mark)), ..spec.clone() };
        let digest = |spec: &StackSpec| spec.digest("/srv/web", "2.26.1");
        assert_ne!(digest(&marked("a")), digest(&marked("b")));
        assert_eq!(marked("a").source_hash(), marked("b").source_hash());
        assert_ne!(digest(&marked("a")), digest(&config().spec().unwrap().unwrap()));
        assert!(StackModel { host_env: Field::Unknown, ..config() }.spec().unwrap().is_none());
        let overlay = Field::Known(BTreeMap::from([(".env".to_owned(), "A=1".to_owned())]));
        let both = StackModel { files_content: overlay, ..merging };
        let told = both.files_spec().err().unwrap().to_string();
        assert!(told.contains("\".env\" is among what is shipped") && told.contains("secrets_wo"), "{told}");
        assert!(StackModel { host_env: "refuse".into(), ..both }.files_spec().is_ok());
    }

    fn secret_files(paths: &[&str], version: &str) -> StackModel {
        let files = paths.iter().map(|path| ((*path).to_owned(), Field::Known(Secret::new("s"))));
        StackModel {
            secret_files_wo: Field::Known(files.collect()),
            secret_files_wo_version: version.into(),
            ..StackModel::default()
        }
    }

    #[test]
    fn paths_and_the_version_stand_for_contents() {
        let found = secret_file_placeholders(&secret_files(&["secrets/it's", "b"], "2").sources()).unwrap();
        assert_eq!(found["b"], "b#2");
        let open = StackModel { secret_files_wo_version: Field::Unknown, ..secret_files(&["b"], "") };
        assert_eq!(secret_file_placeholders(&open.sources()), None);
        assert_eq!(secret_file_placeholders(&StackModel::default().sources()), Some(BTreeMap::new()));
    }

    #[test]
    fn every_clash_is_named() {
        let (mut source, _) = Tree::texts(&["services: {}".to_owned()]);
        source.lay_over("conf/a", "x");
        let config = secret_files(&[".env", "conf/a", "conf", "compose.yaml/x", "s", "s/t", "fine/x"], "1");
        let files = secret_file_placeholders(&config.sources()).unwrap();
        let problem = check_secret_files(&config.sources(), &files, &source, ".env").unwrap_err().to_string();
        for path in [".env", "conf/a", "conf", "compose.yaml/x", "s", "s/t"] {
            assert!(problem.contains(&format!("{path}: ")), "{path} is not in {problem}");
        }
        assert!(!problem.contains("fine"), "{problem}");
    }
}
