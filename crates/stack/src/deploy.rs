//! Making a stack what it shall be: pull, ship, start, wait, and leave a record.
//!
//! The order of the steps is the same everywhere: [`Deployment::prepare`] changes nothing that
//! exists, [`Deployment::carry_out`] is everything after that. What fails from the first shipped
//! file on goes through [`Deployment::take_back`].

mod adopt;
mod build;
mod gates;
mod keep_images;
mod newcomers;
mod on_request;
mod prune;
mod record;
mod release;
mod reload;
mod rollback;
mod start;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use compose::{Layout, Project, Requirements, layout::given_values};
use docker::engine::Container;
use remote::files::random_name;
use secret::{Scrubber, Secret};

use crate::{
    changes::Change,
    context::{Context, Warning},
    desired::{Contents, DesiredStack},
    differing::differing_files,
    error::Error,
    file_access,
    host::{Host, StackLock},
    host_env::HostEnv,
    host_state::{self, HostState},
    image_facts::{ImageFacts, relabelled},
    images,
    jobs::{Due, changed_jobs, check_needs, stack_changes},
    merged_env::with_env_of,
    missing::Missing,
    observe::observe,
    options::{DeployOptions, JobSpec, When},
    outcome::{Deployed, Failed, NoRelease},
    ownership::{check_no_link, check_vacant, files_in_the_way},
    prior::Prior,
    pull::{Pull, pull},
    record::Key,
    release::Adopted,
    reload::due as due_reloads,
    remembered::resolve_once,
    replaced,
    requirements::missing,
    service::{DISCONNECTED, ObservedService, Reload},
    spec::StackSpec,
    step::Step,
    steps::Steps,
    unvouched::{has_unvouched, key_for_unvouched, recognised_live, unlabelled},
    upload::{Generated, Upload, secret_digest},
};
pub use on_request::{RolledBack, roll_back};
use release::KeptRelease;
use rollback::Reached;

/// One stack on one host, ready to be worked on under its lock.
pub struct Deployment<'a> {
    cx: &'a Context,
    host: &'a Host,
    spec: Cow<'a, StackSpec>,
    options: DeployOptions,
    scrubber: Scrubber,
    directory: String,
    /// What was there before; none where nothing of ours should be there.
    prior: Option<&'a Prior>,
    /// Whether nothing of ours should be there yet.
    fresh: bool,
    /// The id of this very stack; empty while it has none.
    instance: String,
    /// What it has begun under the stack's lock.
    steps: Steps<'a>,
}

/// What is known before anything is changed.
#[derive(Debug)]
pub struct Prepared {
    state: HostState,
    containers: Vec<Container>,
    /// What the files want.
    pub desired: DesiredStack,
    compose: String,
    key: Key,
}

/// What every step that changes the host knows.
struct Work {
    /// The call that it belongs to, for its time and its end.
    cx: Context,
    /// Knows the secrets that foreign words may repeat.
    scrubber: Scrubber,
    layout: Layout,
    profiles: Vec<String>,
    desired: DesiredStack,
    /// The version of Compose.
    compose: String,
    key: Key,
    /// What the host state before.
    state: HostState,
    /// The containers as they were before.
    containers: Vec<Container>,
    /// What lies between them and what is wanted, by service.
    changes: BTreeMap<String, Change>,
    /// The services that have to be replaced and that Compose sees no reason to replace.
    unseen: BTreeSet<String>,
    /// The services that stay without our labels.
    unlabelled: BTreeSet<String>,
    /// The services that the last apply made.
    recorded: BTreeSet<String>,
    /// The services whose containers have to take in changed files by a command.
    reloads: BTreeSet<String>,
    /// The jobs that are due.
    jobs: Vec<JobSpec>,
    /// What a failure goes back to, or why there is nothing.
    release: Result<KeptRelease, NoRelease>,
    /// How it was started, where it is one that was not started by us.
    adopted: Option<Adopted>,
}

impl Work {
    /// The ids of the containers as they were before.
    fn before(&self) -> BTreeSet<String> {
        self.containers.iter().map(|container| container.id.clone()).collect()
    }

    /// The services whose containers stay and are not well.
    fn repaired(&self) -> impl Iterator<Item = &String> {
        self.changes.iter().filter(|(_, change)| **change == Change::Repair).map(|(name, _)| name)
    }

    /// How the containers of a service take in changed files, where they do by a command.
    fn reload_of<'w>(&'w self, service: &'w String) -> Option<(&'w String, &'w Reload)> {
        Some((service, self.desired.services.get(service)?.reload.as_ref()?))
    }

    /// The services that jobs need before the others are started.
    fn needed(&self) -> BTreeSet<String> {
        self.jobs.iter().flat_map(|job| job.needs.iter().cloned()).collect()
    }

    /// The project for Compose.
    fn project(&self, name: &str) -> Project {
        let project = self.layout.project(name, &self.profiles, self.adopted.is_none());
        match &self.adopted {
            Some(adopted) => Project { env_file: adopted.env_file.clone(), ..project },
            None => project,
        }
    }

    /// The services that are wanted.
    fn services(&self) -> BTreeSet<String> {
        self.desired.services.keys().cloned().collect()
    }
}

impl<'a> Deployment<'a> {
    /// The stack that `spec` describes, in `directory` of `host`, whose `lock` is held. `prior` is
    /// what was there before on this machine.
    pub fn new(
        cx: &'a Context,
        (host, lock): (&'a Host, &'a StackLock),
        spec: &'a StackSpec,
        options: DeployOptions,
        directory: String,
        prior: Option<&'a Prior>,
    ) -> Self {
        let scrubber = options.scrubber();
        let steps = Steps::under(lock);
        Self {
            cx,
            host,
            spec: Cow::Borrowed(spec),
            options,
            scrubber,
            directory,
            prior,
            fresh: false,
            instance: String::new(),
            steps,
        }
    }

    /// The same, of the stack with this id. Where it has none yet, the host tells it, or it gets one.
    #[must_use]
    pub fn with_instance(self, instance: String) -> Self {
        Self { instance, ..self }
    }

    /// The same, where nothing of ours should be there yet.
    #[must_use]
    pub fn fresh(self) -> Self {
        Self { fresh: true, ..self }
    }

    /// The id of this very stack, once it has been [prepared](Self::prepare).
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// The text of the stack's `.env`, once it has been [prepared](Self::prepare).
    pub fn env_text(&self) -> Option<&str> {
        self.spec.env_text()
    }

    /// Where the stack is.
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// Looks at the host and asks what the files want. Nothing is changed by it. What `known` wants is
    /// not asked again, if its inputs are the ones of now.
    ///
    /// # Errors
    /// As [`check_vacant`] where a fresh stack meets something, [`Error::Replaced`] where one that was
    /// there is another by now, [`Error::InTheWay`], [`Error::Linked`]; what is wrong with the files; and when the host
    /// cannot be asked.
    pub async fn prepare(&mut self, known: Option<DesiredStack>) -> Result<Prepared, Error> {
        let (state, containers) = tokio::join!(
            host_state::inspect(self.host.executor(), self.cx.token(), &self.directory),
            self.host.engine.containers(&self.spec.name)
        );
        let (mut state, containers) = (state?, containers?);
        self.check_ownership(&state, &containers).await?;
        state.found.extend(self.right_already(&state, &containers).await?);
        self.keep_secrets(&state).await?;
        self.keep_secret_files(&state).await?;
        let key = state.key.clone().map_or_else(new_key, Ok)?;
        if !self.fresh && has_unvouched(state.record.as_ref(), &containers) {
            let known = key_for_unvouched(self.host.executor(), &state, &containers).await;
            self.spec.to_mut().keys = known.into_iter().collect();
        }
        self.see_host_env(&state, &key).await?;
        let compose = self.host.compose_version().await?;
        let digest = self.spec.digest(&self.directory, &compose);
        let desired = match known.filter(|known| known.digest == digest) {
            Some(known) => known,
            None => resolve_once(self.cx, self.host, &self.spec, &self.directory).await?,
        };
        Ok(Prepared { state, containers, desired, compose, key })
    }

    /// Checks that what is there is ours to change, and settles the id of the stack.
    async fn check_ownership(&mut self, state: &HostState, containers: &[Container]) -> Result<(), Error> {
        check_no_link(&self.directory, self.host, state)?;
        let own = Some(self.instance.as_str()).filter(|own| !own.is_empty());
        if self.fresh {
            check_vacant(&self.spec.name, &self.directory, own, state, containers)?;
        } else if state.is_of_another(&self.instance) {
            return Err(Error::Replaced { host: self.host.name().to_owned() });
        }
        if !self.is_imported(state, containers) {
            let paths = files_in_the_way(self.host, &self.spec, &self.directory, state).await?;
            if !paths.is_empty() {
                let (directory, host) = (self.directory.clone(), self.host.name().to_owned());
                return Err(Error::InTheWay { directory, host, paths });
            }
        }
        if self.instance.is_empty() {
            self.instance = match &state.instance {
                Some(instance) => instance.clone(),
                None => random_name()?,
            };
        }
        Ok(())
    }

    /// Checks what only the resolved project tells, and fetches images. Nothing that exists is changed
    /// by it.
    ///
    /// # Errors
    /// [`Error::UnknownNeeds`], [`Error::Missing`], [`Error::Images`], and when the host cannot be asked.
    pub async fn fetch(&self, prepared: &Prepared) -> Result<(), Error> {
        check_needs(&self.options.jobs, &prepared.desired.started_services())?;
        // Of addresses Docker tells itself, if it comes to that.
        let needs = Requirements { made_networks: BTreeMap::new(), ..prepared.desired.requirements.clone() };
        let mut missing = missing(self.host, &self.spec.name, &needs).await?;
        missing.retain(Missing::is_fatal);
        if !missing.is_empty() {
            return Err(Error::Missing(missing));
        }
        let how = Pull {
            policy: self.options.pull,
            registries: &self.options.registries,
            scrubber: &self.scrubber,
        };
        pull(self.cx, self.host, &self.spec, &prepared.desired, &how).await
    }

    /// Whether the values on the host stand in for those of the configuration: a plan sees the version
    /// only, so that another value without another version would change what it did not tell. That
    /// holds where `version` is what the caller remembers of the last apply, and that one came to a
    /// good end: what a failed or forgotten one has left is what may have to be corrected.
    fn is_kept_version(
        &self,
        state: &HostState,
        version: &str,
        remembered: fn(&Prior) -> Option<&String>,
    ) -> bool {
        let prior = self.prior.filter(|_| !self.fresh).and_then(remembered);
        state.is_settled() && prior.map_or("", String::as_str) == version
    }

    /// Takes the secrets that the host has already while their version is kept.
    async fn keep_secrets(&mut self, state: &HostState) -> Result<(), Error> {
        let version = &self.options.secrets.version;
        if !self.is_kept_version(state, version, |prior| prior.secrets_version.as_ref()) {
            return Ok(());
        }
        let Some(sent) = state.proven_env().filter(|sent| sent.secrets_version == *version) else {
            return Ok(());
        };
        let names: BTreeSet<String> = sent
            .secrets
            .iter()
            .filter(|name| self.options.secrets.values.contains_key(*name))
            .cloned()
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        let path = format!("{}/{}", self.directory, sent.env_path);
        let text = Secret::new(self.host.files().read_text(&path).await?.unwrap_or_default());
        for (name, value) in given_values(text.expose(), &names) {
            self.scrubber.add(value.clone());
            self.options.secrets.values.insert(name, value);
        }
        Ok(())
    }

    /// As [`Deployment::keep_secrets`], for secret files.
    async fn keep_secret_files(&mut self, state: &HostState) -> Result<(), Error> {
        let version = &self.options.secrets.files_version;
        let same = self.is_kept_version(state, version, |prior| prior.secret_files_version.as_ref())
            && state.sent.as_ref().is_some_and(|sent| sent.secret_files_version == *version);
        let mut kept = BTreeMap::new();
        for (path, content) in self.options.secrets.files.iter().filter(|_| same) {
            if state.is_proven_file(path) && state.found.get(path) != Some(&secret_digest(content)) {
                let place = format!("{}/{path}", self.directory);
                let text = self.host.files().read_text(&place).await?;
                kept.extend(text.map(|text| (path.clone(), Secret::new(text))));
            }
        }
        kept.values().for_each(|content| self.scrubber.add(content.clone()));
        self.options.secrets.files.extend(kept);
        Ok(())
    }

    /// Takes the values of the server's own `.env`, where they count.
    async fn see_host_env(&mut self, state: &HostState, key: &Key) -> Result<(), Error> {
        if self.spec.host_env.is_none() {
            return Ok(());
        }
        let spec = with_env_of(self.host, &self.spec, &self.directory, state, Some(key)).await?;
        spec.host_env.iter().flat_map(HostEnv::values).for_each(|value| self.scrubber.add(value));
        self.spec = Cow::Owned(spec);
        Ok(())
    }

    /// What labels are made of that stand for secrets.
    fn contents<'k>(&self, key: &'k Key) -> Contents<'k> {
        let digests = |all: &BTreeMap<String, Secret>| {
            all.iter().map(|(name, content)| (name.clone(), secret_digest(content).sha256)).collect()
        };
        Contents {
            key,
            values: digests(&self.options.secrets.values),
            files: digests(&self.options.secrets.files),
        }
    }

    /// Changes the host. On failure the record there tells, as far as it went, what was made; and
    /// what can be taken back is.
    /// # Errors
    /// Why it failed, and what became of the stack.
    pub async fn carry_out(&self, prepared: Prepared) -> Result<Deployed, Failed> {
        let work = self.begin(prepared).await.map_err(Failed::before_anything)?;
        let sent = match self.ship(&work).await {
            Ok(sent) => sent,
            Err(error) => return Err(self.take_back(&work, error, Reached::Files).await),
        };
        match self.steps(&work, &sent).await {
            Ok(made) => Ok(made),
            Err(error) => {
                // What went wrong first is what matters: that nothing more could be recorded is for the log.
                if let Err(second) = self.record_failed(&work).await {
                    tracing::warn!(stack = self.spec.name, ?second, "could not record a failed apply");
                }
                Err(self.take_back(&work, error, Reached::Containers).await)
            }
        }
    }

    /// What every step knows. Only what is kept of the last good apply may be made by it.
    async fn begin(&self, prepared: Prepared) -> Result<Work, Error> {
        let Prepared { state, containers, desired, compose, key } = prepared;
        let live = observe(&containers, state.record.as_ref(), Some(&key), Some(&state.seen()));
        let live = self.recognised(live, &state, &desired).await?;
        let found = images::inspect(&self.host.engine, Some(&desired)).await?;
        let images = desired.image_ids(&images::ids(&found), &ImageFacts::of(&found));
        let relabelled = relabelled(&containers);
        let changes = desired.changes(&live, (&images, Some(&relabelled)), &compose, self.options.orphans);
        let unlabelled = unlabelled(&desired, &changes, &containers);
        let unseen = unseen_by_compose(&live, &desired, &images, &relabelled);
        let release = self.release_with_images(&state, &containers).await?;
        let jobs = self.due(&desired, &changes);
        let recorded = state.record.iter().flat_map(|record| record.names().cloned()).collect();
        let reloads = due_reloads(&changes, &live, &desired.services);
        let work = Work {
            cx: self.cx.clone(),
            scrubber: self.scrubber.clone(),
            layout: self.spec.layout(&self.directory),
            profiles: self.spec.profiles.clone(),
            desired,
            compose,
            key,
            state,
            containers,
            changes,
            unseen,
            unlabelled,
            recorded,
            reloads,
            jobs,
            release,
            adopted: None,
        };
        self.steps.begin(Step::Mark).await?;
        self.mark(&work).await?;
        Ok(work)
    }

    /// `live` with what is known of services that no record vouches for.
    async fn recognised(
        &self,
        live: BTreeMap<String, ObservedService>,
        state: &HostState,
        desired: &DesiredStack,
    ) -> Result<BTreeMap<String, ObservedService>, Error> {
        if self.spec.keys.is_empty() {
            return Ok(live);
        }
        let differing = if state.is_ours() {
            // Whether what runs has seen the files that were sent, nobody knows.
            self.spec.source.files.keys().cloned().collect()
        } else {
            differing_files(self.host, &self.spec, &self.directory).await?
        };
        let by = (state.record.as_ref(), self.spec.keys.first());
        Ok(recognised_live(live, by, desired, &differing))
    }

    /// The jobs that this apply runs.
    fn due(&self, desired: &DesiredStack, changes: &BTreeMap<String, Change>) -> Vec<JobSpec> {
        let before = self.prior.map(|prior| prior.jobs.as_slice()).unwrap_or_default();
        let due = Due {
            changed: changed_jobs(before, &self.options.jobs),
            stack: stack_changes(self.prior, &self.spec.source_hash(), desired, changes),
        };
        self.options.jobs.iter().filter(|one| due.runs(one)).cloned().collect()
    }

    /// What follows once the files are there, in this order. Whatever fails here is taken back.
    async fn steps(&self, work: &Work, sent: &BTreeSet<String>) -> Result<Deployed, Error> {
        self.steps.begin(Step::Build).await?;
        self.build(work).await?;
        self.run_jobs(work, When::Before).await?;
        self.steps.begin(Step::Clear).await?;
        self.remove_leaving(work).await?;
        self.steps.begin(Step::Start).await?;
        self.up(work).await?;
        self.replace_unseen(work).await?;
        self.steps.begin(Step::Restart).await?;
        self.restart_followers(work).await?;
        self.restart_users(work, sent).await?;
        self.reload(work).await?;
        let containers = self.wait(work).await?;
        self.pass_probes(work).await?;
        self.run_jobs(work, When::After).await?;
        self.settle(work, containers).await
    }

    /// Records a good apply and keeps it to go back to.
    async fn settle(&self, work: &Work, containers: Vec<Container>) -> Result<Deployed, Error> {
        self.steps.begin(Step::Record).await?;
        let (state, containers) = self.seal(work, containers).await?;
        if let Some(record) = state.record.clone() {
            self.prune(work, record).await;
        }
        let found = images::inspect(&self.host.engine, Some(&work.desired)).await?;
        Ok(Deployed {
            host_state: state,
            desired: work.desired.clone(),
            compose: work.compose.clone(),
            images: images::ids(&found),
            image_facts: ImageFacts::of(&found).with_running(&self.host.engine, &containers).await?,
            containers,
        })
    }

    /// Brings the files there; which of the shipped ones were not there as they should be.
    async fn ship(&self, work: &Work) -> Result<BTreeSet<String>, Error> {
        self.steps.begin(Step::Ship).await?;
        let StackSpec { name, profiles, environment, .. } = &*self.spec;
        let (layout, secrets) = (&work.layout, &self.options.secrets);
        let dotenv = layout.dotenv(name, profiles, self.spec.env_text(), environment, &secrets.values);
        let source = &self.spec.source;
        let shipped = work.state.paths();
        let leaving = shipped.iter().filter(|path| !source.files.contains_key(*path));
        let asked = source.seeds.iter().chain(leaving);
        let access =
            file_access::inspect(self.host.executor(), self.cx.token(), layout.root(), asked).await?;
        let generated = Generated {
            layout,
            dotenv: &dotenv,
            override_file: work.desired.override_file(&self.contents(&work.key), &work.unlabelled),
            key: &work.key,
            secrets,
            instance: &self.instance,
            access: &access,
        };
        if self.is_imported(&work.state, &work.containers) {
            self.keep_files_of_before(work).await?;
        }
        let upload = Upload::new(&self.spec, &generated, &work.state);
        let files = self.host.files().cancelled_by(self.cx.token());
        self.set_aside(work, &upload).await?;
        upload.send(&files, layout.root()).await?;
        if !upload.left.is_empty() {
            let (stack, directory) = (name.clone(), layout.root().to_owned());
            self.cx.warn(Warning::FilesLeft { stack, directory, paths: upload.left });
        }
        Ok(upload.sent)
    }

    /// Keeps what is about to be overwritten although it is not what was sent, and says so.
    async fn set_aside(&self, work: &Work, upload: &Upload) -> Result<(), Error> {
        let root = work.layout.root();
        let paths = upload.changed.clone();
        let kept = replaced::set_aside(self.host, self.cx.token(), root, &paths).await?;
        if let Some(kept) = kept {
            self.cx.warn(Warning::FilesSetAside { stack: self.spec.name.clone(), kept, paths });
        }
        Ok(())
    }
}

fn new_key() -> Result<Key, Error> {
    Ok(remote::proof::new_key()?)
}

/// The services that have to be replaced for what Compose does not look at: a container that is off one of
/// its networks (Compose looks since 2.30), or that another tool has made of another image than Compose's
/// label says.
fn unseen_by_compose(
    live: &BTreeMap<String, ObservedService>,
    desired: &DesiredStack,
    images: &BTreeMap<String, String>,
    relabelled: &BTreeMap<String, String>,
) -> BTreeSet<String> {
    let is_unseen = |(name, service): &(&String, &ObservedService)| {
        let wanted = desired.services.get(*name).filter(|one| one.replicas > 0 && !one.unmanaged);
        let image = wanted.and_then(|one| images.get(one.image()));
        let replaced = image.is_some_and(|image| relabelled.get(*name) == Some(image));
        wanted.is_some() && service.replicas > 0 && (service.status == DISCONNECTED || replaced)
    };
    live.iter().filter(is_unseen).map(|(name, _)| name.clone()).collect()
}
