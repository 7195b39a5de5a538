//! Asking the host's own Compose what the files want, before anything is changed.
//!
//! Only the files that Compose itself reads go to a private directory below the login's home, with
//! placeholders in the place of secrets; it is removed again whatever happens. (Not below `/tmp`,
//! where a client that runs confined has a place of its own.) It stands for the root of the host, so
//! that what leads out of the stack's directory leads to what is really there.

mod files;
mod mistakes;
mod runs;
mod undefined;

use std::collections::{BTreeMap, BTreeSet};

use compose::{
    Behaviour, Compose, Layout, Placeholders, Project, Requirements, Resolved, ShippedFiles, Unresolved,
    Values,
    env_files::{EnvFile, may_name_env, take_marks},
    newer,
    staged::Staged,
};
use remote::{
    Command, Output,
    connection::Sudo,
    files::{Files, TempDir},
};
use serde_json::Value;

use crate::{
    context::Context,
    desired::{DesiredStack, ResolvedProject},
    error::{Error, Undefined},
    host::Host,
    images, reload,
    spec::StackSpec,
    unvouched,
};
use files::{Contents, Sent};

/// What directories of staged files are called.
const STAGE: &str = "windlass-plan";
/// How often Compose is asked again with a file that it has missed.
const MOST_MISSED: usize = 8;
/// The key without which no service is inactive.
const PROFILES: &[u8] = b"profiles";

/// What Compose makes of `spec` in `directory`. Nothing of it stays on the host.
///
/// # Errors
/// What is wrong with the files, or with what is chosen of them; and when the host cannot be asked.
pub async fn resolve(
    cx: &Context,
    host: &Host,
    spec: &StackSpec,
    directory: &str,
) -> Result<DesiredStack, Error> {
    let version = host.compose_version().await?;
    let Resolution { resolved, hashes, bare, inactive, runs, contexts, env_files, undefined, taking } =
        answer(cx, host, spec, directory).await?;
    let placeholders: Vec<String> =
        spec.placeholders.values().map(|placeholder| placeholder.expose().to_owned()).collect();
    let layout = spec.layout(directory);
    let project = ResolvedProject {
        resolved: &resolved,
        hashes: &hashes,
        placeholders: &placeholders,
        runs: runs.as_ref(),
        selection: &spec.selection,
        root: layout.root(),
        contexts: &contexts,
        chosen: &spec.images,
    };
    let mut desired = DesiredStack::of(spec.digest(directory, &version), &project)?;
    reload::apply_to(&mut desired.services, &spec.reloads, &resolved, layout.root())
        .map_err(Error::Reload)?;
    let requirements = requirements(&resolved, &desired, spec, directory);
    let ignored = newer::ignored(&resolved.config.document, &version);
    let mut desired = DesiredStack { inactive, env_files, undefined, requirements, ignored, ..desired };
    unvouched::make_known(&mut desired.services, &bare, &spec.keys);
    if let Some(env) = &spec.host_env {
        env.seal(&mut desired, &taking);
    }
    Ok(desired)
}

/// The project itself, as Compose resolves `spec` in `directory`, for those who run it by other means
/// than Compose. Nothing of it stays on the host.
///
/// # Errors
/// As [`resolve`].
pub async fn resolve_project(
    cx: &Context,
    host: &Host,
    spec: &StackSpec,
    directory: &str,
) -> Result<ProjectDocument, Error> {
    let Resolution { resolved, runs, undefined, .. } = answer(cx, host, spec, directory).await?;
    let document = without_our_labels(resolved);
    let runs = runs.map(|runs| {
        let names = runs.config.services.keys().cloned().collect();
        (names, without_our_labels(runs))
    });
    Ok(ProjectDocument { document, runs, undefined })
}

/// What Compose says, without the labels that say to it what it does not see by itself.
fn without_our_labels(resolved: Resolved) -> Value {
    let mut document = resolved.config.document;
    for (service, labels) in &resolved.labels {
        let found = document.pointer_mut("/services").and_then(|services| services.get_mut(service));
        let found = found.and_then(|service| service.get_mut("labels")).and_then(Value::as_object_mut);
        if let Some(found) = found {
            found.retain(|label, _| !labels.contains_key(label));
        }
    }
    document
}

/// A project as `docker compose config` says it.
#[derive(Clone, Debug, PartialEq)]
pub struct ProjectDocument {
    /// The whole of it, placeholders in the place of secrets, and `$` doubled as Compose has it.
    pub document: Value,
    /// The services that only jobs run, and a document with them.
    pub runs: Option<(BTreeSet<String>, Value)>,
    /// The variables that services need and nothing sets: they are taken for empty.
    pub undefined: Vec<Undefined>,
}

async fn answer(cx: &Context, host: &Host, spec: &StackSpec, directory: &str) -> Result<Resolution, Error> {
    let version = host.compose_version().await?;
    let files = Files::on(host.executor()).cancelled_by(cx.token());
    let stage = |temporary: &TempDir<'_>| {
        let staged = Staged::new(temporary.path());
        Stage {
            cx,
            host,
            spec,
            behaviour: Behaviour::of_text(&version),
            at: spec.layout(&staged.of(directory)),
            end: spec.layout(directory),
            staged,
        }
    };
    let unmade = files.unmade_dir_in(&host.home, STAGE)?;
    match stage(&unmade).at_once(unmade).await? {
        Some(answer) => Ok(answer),
        None => {
            let temporary = files.temp_dir_in(&host.home, STAGE).await?;
            stage(&temporary).step_by_step(temporary).await
        }
    }
}

/// What the services that are started need of the host.
fn requirements(
    resolved: &Resolved,
    desired: &DesiredStack,
    spec: &StackSpec,
    directory: &str,
) -> Requirements {
    let started = desired.services.iter().filter(|(_, one)| !one.unmanaged && one.replicas > 0);
    let env = spec.layout(directory).env_path();
    let shipped = spec.source.files.keys().chain(spec.secret_files.keys()).chain([&env]);
    Requirements::of(&resolved.config.document, started.map(|(name, _)| name), directory, shipped)
}

/// What Compose makes of the files.
struct Resolution {
    resolved: Resolved,
    hashes: BTreeMap<String, String>,
    /// The same without our labels, where services are to be known again that have none.
    bare: BTreeMap<String, String>,
    /// The services that no profile switches on.
    inactive: BTreeSet<String>,
    /// The services that only jobs run.
    runs: Option<Resolved>,
    /// What each service that is built is built from.
    contexts: BTreeMap<String, String>,
    /// The env files of the services that get the user's own `.env`.
    env_files: BTreeMap<String, Vec<EnvFile>>,
    /// The variables that nothing sets and that are taken for empty.
    undefined: Vec<Undefined>,
    /// The services that may take values of the server's own `.env`.
    taking: BTreeSet<String>,
}

/// The files of a stack on their way to an answer.
struct Stage<'a> {
    cx: &'a Context,
    host: &'a Host,
    spec: &'a StackSpec,
    /// What the host's Compose does.
    behaviour: Behaviour,
    /// What stands for the root of the host.
    staged: Staged,
    /// Where they are staged.
    at: Layout,
    /// Where they will be.
    end: Layout,
}

impl Stage<'_> {
    /// Stages the files and asks Compose by one command, and removes them by the one that asks last.
    /// `None` where that cannot be done: root does not work in the home directory of a login, and what
    /// is beside the stack has to be linked before Compose looks.
    async fn at_once(&self, unmade: TempDir<'_>) -> Result<Option<Resolution>, Error> {
        let needed = self.files_read(&self.spec.files);
        let contents = self.contents(&needed);
        if self.works_as_root() || self.leads_out(Sent { contents: &contents, paths: &needed }) {
            return Ok(None);
        }
        let command = self.compose().resolve_command(&self.project());
        let answer = match unmade.fill(self.at.root(), &self.entries(&needed), &command).await {
            Ok(Some(output)) => self.resolve(&unmade, (needed, contents), Some(output)).await.map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(error.into()),
        };
        if !matches!(answer, Ok(Some(_))) {
            self.remove(unmade).await;
        }
        answer
    }

    /// As [`Stage::at_once`], by a command for each step.
    async fn step_by_step(&self, temporary: TempDir<'_>) -> Result<Resolution, Error> {
        let needed = self.files_read(&self.spec.files);
        let contents = self.contents(&needed);
        let answer = async {
            self.send_all(&needed).await?;
            if self.leads_out(Sent { contents: &contents, paths: &needed }) {
                self.link_what_is_beside().await?;
            }
            self.resolve(&temporary, (needed, contents), None).await
        };
        let answer = answer.await;
        if answer.is_err() || self.works_as_root() {
            self.remove(temporary).await;
        }
        answer
    }

    /// Whether what is staged is root's, who runs Compose.
    fn works_as_root(&self) -> bool {
        self.host.executor().sudo() == Sudo::All
    }

    async fn remove(&self, temporary: TempDir<'_>) {
        if let Err(error) = temporary.remove().await {
            tracing::warn!(host = self.host.name(), %error, "could not remove the staged files");
        }
    }

    /// What Compose makes of what is staged in `temporary`, which is gone after that if all went well and
    /// Compose does not run as root. `first` is its first answer, where it was asked already.
    async fn resolve(
        &self,
        temporary: &TempDir<'_>,
        (mut needed, mut contents): (BTreeSet<String>, Contents),
        first: Option<Output>,
    ) -> Result<Resolution, Error> {
        let compose = self.compose();
        let project = self.project();
        let mut answer = match first {
            Some(output) => compose.resolved(output),
            None => compose.resolve(&project).await,
        };
        let mut read = self.spec.files.clone();
        for _ in 0..MOST_MISSED {
            let Some(output) = answer.as_ref().err().and_then(Unresolved::output) else { break };
            let missed = self.missed(output, &needed);
            if missed.is_empty() {
                break;
            }
            read.extend(missed);
            let more: BTreeSet<String> = self.files_read(&read).difference(&needed).cloned().collect();
            self.send(&more).await?;
            contents.extend(self.contents(&more));
            needed.extend(more);
            answer = compose.resolve(&project).await;
        }
        let sent = Sent { contents: &contents, paths: &needed };
        let (document, unset) = match answer {
            Ok(answer) => answer,
            Err(why) => return Err(self.wrong(&compose, why, sent).await),
        };
        let (document, marked) = without_marks(document);
        let (document, others) = images::overridden(document, &self.spec.images);
        let resolved = self.resolved(&document)?;
        let inactive = self.inactive(&compose, sent, &resolved).await;
        let strangers: Vec<String> = others.into_iter().filter(|name| !inactive.contains(name)).collect();
        if !strangers.is_empty() {
            return Err(Error::UnknownImageServices(strangers));
        }
        let selection = &self.spec.selection;
        let errors = selection.errors(&resolved.config, &inactive);
        if !errors.is_empty() {
            return Err(Error::Selection(errors));
        }
        let alone = selection.unmanaged(&resolved.config);
        let started = resolved.config.services.keys().filter(|name| !alone.contains(*name));
        let used: BTreeSet<String> = started.chain(self.spec.job_services.keys()).cloned().collect();
        let undefined = self.needed(&compose, &project, (&unset, &used), sent).await?;
        if !undefined.is_empty() && !self.spec.blank_undefined {
            return Err(Error::UndefinedVariables(undefined));
        }
        let resolved = resolved.without_unmanaged(&alone)?;
        let runs = self.runs(&compose, &project, &resolved.config).await?;
        let contexts = self.contexts(&resolved, runs.as_ref())?;
        let env_files = self.env_files(&compose, &project, sent, &marked).await?;
        let taking = self.taking(&compose, &project).await?;
        let directory = self.end.project_directory();
        let bare = if self.spec.keys.is_empty() || resolved.labels.is_empty() {
            BTreeMap::new()
        } else {
            let document = without_our_labels(resolved.clone()).to_string().into_bytes();
            compose.hashes(&self.spec.name, &directory, document, |command| command).await?
        };
        let last = |command: Command| if self.works_as_root() { command } else { temporary.last(&command) };
        let hashes = compose.hashes(&self.spec.name, &directory, resolved.document(), last).await?;
        Ok(Resolution { resolved, hashes, bare, inactive, runs, contexts, env_files, undefined, taking })
    }

    /// The services that may take values of the server's own `.env`.
    async fn taking(&self, compose: &Compose<'_>, project: &Project) -> Result<BTreeSet<String>, Error> {
        let Some(env) = &self.spec.host_env else { return Ok(BTreeSet::new()) };
        let names = env.names();
        if names.is_empty() {
            return Ok(BTreeSet::new());
        }
        Ok(compose.raw_config(project).await?.services_naming(&names))
    }

    /// The env files of services that name the stack's `.env`; `marked` are services that have read it.
    /// Most projects have none, and are not asked.
    async fn env_files(
        &self,
        compose: &Compose<'_>,
        project: &Project,
        sent: Sent<'_>,
        marked: &BTreeSet<String>,
    ) -> Result<BTreeMap<String, Vec<EnvFile>>, Error> {
        let may_name = |path: &String| {
            sent.contents.get(path).is_some_and(|text| may_name_env(&String::from_utf8_lossy(text)))
        };
        if marked.is_empty() && !sent.paths.iter().any(may_name) {
            return Ok(BTreeMap::new());
        }
        let lists = compose.raw_config(project).await?.with_own_env(&self.end, &self.spec.source.links());
        if let Some(service) = marked.iter().find(|service| !lists.contains_key(*service)) {
            return Err(Error::HiddenEnv { service: service.clone() });
        }
        Ok(lists)
    }

    /// What the services that are built are built from, also those that only jobs run.
    fn contexts(
        &self,
        resolved: &Resolved,
        runs: Option<&Resolved>,
    ) -> Result<BTreeMap<String, String>, Error> {
        if !self.spec.build {
            return Ok(BTreeMap::new());
        }
        let known = self.values();
        let secrets =
            Placeholders { values: &self.spec.placeholder_values(), files: &self.spec.secret_files };
        let own = self.spec.env_stand_in();
        let values = Values { known: &known, own: own.as_deref(), secrets };
        let projects: Vec<&Resolved> = [resolved].into_iter().chain(runs).collect();
        let mut contexts = BTreeMap::new();
        for project in &projects {
            contexts.extend(images::contexts(self.spec, project, self.end.root(), values)?);
        }
        images::agree(&projects, &contexts)?;
        Ok(contexts)
    }

    /// What Compose resolved; it has no marks.
    fn resolved(&self, document: &[u8]) -> Result<Resolved, Error> {
        let digests = self.spec.source.manifest().files;
        let (links, reloaded) = (self.spec.source.links(), reload::reloaded_files(&self.spec.reloads));
        let shipped = ShippedFiles { digests: &digests, links: &links, reloaded: &reloaded };
        let known = self.values();
        let secrets =
            Placeholders { values: &self.spec.placeholder_values(), files: &self.spec.secret_files };
        let own = self.spec.env_stand_in();
        let values = Values { known: &known, own: own.as_deref(), secrets };
        Ok(Resolved::new(document, self.end.root(), shipped, values, self.behaviour)?)
    }

    /// The services that no profile switches on. Most projects have no profiles, and are not asked.
    async fn inactive(&self, compose: &Compose<'_>, sent: Sent<'_>, resolved: &Resolved) -> BTreeSet<String> {
        let mentions = |path: &String| {
            sent.contents
                .get(path)
                .is_some_and(|text| text.windows(PROFILES.len()).any(|part| part == PROFILES))
        };
        if !sent.paths.iter().any(mentions) {
            return BTreeSet::new();
        }
        let all = Project { profiles: vec!["*".to_owned()], ..self.project() };
        match compose.services(&all).await {
            Ok(services) => {
                services.into_iter().filter(|name| !resolved.config.services.contains_key(name)).collect()
            }
            Err(error) => {
                // All profiles at once need not fit together.
                tracing::debug!(stack = self.spec.name, %error, "could not list the inactive services");
                BTreeSet::new()
            }
        }
    }

    /// Compose, naming files as they are called in `source_dir`.
    fn compose(&self) -> Compose<'_> {
        self.host
            .compose(self.cx, &self.spec.scrubber())
            .staged(self.staged.clone())
            .naming(format!("{}/", self.end.root()), "")
    }

    fn project(&self) -> Project {
        let project = self.at.project(&self.spec.name, &self.spec.profiles, false);
        Project { env_file: self.at.staged_values(), ..project }
    }

    /// The values that are interpolated, placeholders in the place of secrets.
    fn values(&self) -> BTreeMap<String, String> {
        self.spec.environment.clone().into_iter().chain(self.spec.placeholder_values()).collect()
    }
}

/// The document of Compose without the marks of the staged `.env`, and the services that had one.
fn without_marks(document: Vec<u8>) -> (Vec<u8>, BTreeSet<String>) {
    // What is no document is told by those who read it next.
    let Ok(mut project) = serde_json::from_slice::<Value>(&document) else {
        return (document, BTreeSet::new());
    };
    let marked = take_marks(&mut project);
    if marked.is_empty() { (document, marked) } else { (project.to_string().into_bytes(), marked) }
}
