//! Making a stack what it shall be: pull, ship, start, wait, and leave a record.
//!
//! The order of the steps is the same everywhere: [`Deployment::prepare`] changes nothing that
//! exists, [`Deployment::carry_out`] is everything after that. What fails from the first shipped
//! file on goes through [`Deployment::take_back`].

mod aftermath;
mod back;
mod build;
mod by_hand;
mod gates;
mod good;
mod hold;
mod newcomers;
mod prune;
mod record;
mod start;

use std::collections::{BTreeMap, BTreeSet};

use compose::{
    Project,
    layout::{Layout, given_values},
    plan::Change,
    record::Key,
    stack,
};
use docker::{Engine, engine::Container};
use framework::{Context, Diagnostic, State};
use remote::files::WriteOptions;
use secret::{Scrubber, Secret};

use super::{
    StackPrivate, StackResource,
    failure::Failure,
    generation::ByHand,
    held::{self, Held},
    images::{self, ImageFacts},
    inputs::Inputs,
    job::{self, Due, When},
    model::StackModel,
    policies::{Own, Required},
    predict::predict,
    prediction::{Contents, Prediction},
    pull, secret_files,
    ship::{Cargo, Generated},
    site::Site,
};
pub(super) use aftermath::{After, Standing, Stopped};
use back::Reached;
use good::{Good, NoneKept};
pub(super) use hold::release;

/// How a file of ours is written.
const PRIVATE: WriteOptions = WriteOptions { mode: 0o600, owner: None, group: None, directory_mode: 0o700 };

/// One stack on one machine, ready to be worked on under its lock.
pub(super) struct Deployment<'a> {
    pub(super) resource: &'a StackResource,
    pub(super) cx: &'a Context,
    pub(super) title: &'a str,
    pub(super) site: &'a Site,
    pub(super) engine: Engine,
    pub(super) inputs: &'a Inputs,
    pub(super) directory: String,
    pub(super) planned: &'a StackModel,
    /// What was asked for, write-only values included.
    pub(super) config: &'a StackModel,
    pub(super) secrets: BTreeMap<String, Secret>,
    pub(super) secret_files: BTreeMap<String, Secret>,
    pub(super) scrubber: Scrubber,
    /// What was there before, as the state tells it; none where nothing of ours should be there.
    pub(super) prior: Option<&'a State<StackResource>>,
    /// Whether nothing of ours should be there yet.
    pub(super) fresh: bool,
}

/// What is known before anything is changed.
pub(super) struct Prepared {
    held: Held,
    containers: Vec<Container>,
    pub(super) prediction: Prediction,
    compose: String,
}

/// What was made.
pub(super) struct Made {
    pub(super) containers: Vec<Container>,
    pub(super) held: Held,
    pub(super) private: StackPrivate,
}

/// What every step that changes the host knows.
struct Work {
    /// The call that it belongs to, for its time and its end.
    cx: Context,
    /// Knows the secrets that foreign words may repeat.
    scrubber: Scrubber,
    layout: Layout,
    profiles: Vec<String>,
    prediction: Prediction,
    /// The version of Compose.
    compose: String,
    key: Key,
    /// What the host held before.
    held: Held,
    /// The containers as they were before.
    containers: Vec<Container>,
    /// What lies between them and what is wanted, by service.
    changes: BTreeMap<String, Change>,
    /// The services that the last apply made.
    recorded: BTreeSet<String>,
    /// The jobs that are due.
    jobs: Vec<job::Wanted>,
    /// What a failure goes back to, or why there is nothing.
    good: Result<Good, NoneKept>,
    /// How it was started, where it is one that was not started by us.
    by_hand: Option<ByHand>,
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

    /// The services that jobs need before the others are started.
    fn needed(&self) -> BTreeSet<String> {
        self.jobs.iter().flat_map(|job| job.needs.iter().cloned()).collect()
    }

    /// The project for Compose.
    fn project(&self, name: &str) -> Project {
        let project = self.layout.project(name, &self.profiles, self.by_hand.is_none(), &self.layout);
        match &self.by_hand {
            Some(by_hand) => Project { env_file: by_hand.env_file.clone(), ..project },
            None => project,
        }
    }

    /// The services that are wanted.
    fn services(&self) -> BTreeSet<String> {
        self.prediction.services.keys().cloned().collect()
    }
}

impl Deployment<'_> {
    /// Looks, predicts and pulls. Nothing that exists is changed by it.
    pub(super) async fn prepare(&mut self, known: Option<Prediction>) -> Result<Prepared, Failure> {
        let name = &self.inputs.name;
        let (held, containers) =
            tokio::join!(held::look(self.site.executor(), &self.directory), self.engine.containers(name));
        let (held, containers) = (held?, containers?);
        if self.fresh && !held.is_ours() && containers.iter().any(stack::is_of_service) {
            return Err(self.foreign(&containers).into());
        }
        self.keep_secrets(&held).await?;
        self.keep_secret_files(&held).await?;
        let compose = self.site.compose_version(self.resource).await?;
        let digest = self.inputs.digest(&self.directory, &compose);
        let prediction = match known.filter(|known| known.digest == digest) {
            Some(known) => known,
            None => predict(self.resource, self.cx, self.site, self.inputs, &self.directory).await?,
        };
        let required = Required::of(self.resource, self.config);
        let own = Own::Known(self.inputs.dotenv.as_deref());
        required.check(self.title, self.config, &own, Some(&prediction))?;
        job::check(self.title, self.planned, &prediction)?;
        pull::pull(self, &prediction).await?;
        Ok(Prepared { held, containers, prediction, compose })
    }

    /// Takes the secrets that the host has already while their version is the same: a plan sees the
    /// version only, so that another value without another version would change what it did not tell.
    async fn keep_secrets(&mut self, held: &Held) -> Result<(), Failure> {
        let version = self.planned.secrets_wo_version.as_str().unwrap_or_default();
        let Some(sent) = held.proven_env().filter(|sent| sent.secrets_version == version) else {
            return Ok(());
        };
        let names: BTreeSet<String> =
            sent.secrets.iter().filter(|name| self.secrets.contains_key(*name)).cloned().collect();
        if names.is_empty() {
            return Ok(());
        }
        let path = format!("{}/{}", self.directory, sent.env_path);
        let text = Secret::new(self.site.files().read_text(&path).await?.unwrap_or_default());
        for (name, value) in given_values(text.expose(), &names) {
            self.scrubber.add(value.clone());
            self.secrets.insert(name, value);
        }
        Ok(())
    }

    /// As [`Deployment::keep_secrets`], for secret files.
    async fn keep_secret_files(&mut self, held: &Held) -> Result<(), Failure> {
        let version = self.planned.secret_files_wo_version.as_str().unwrap_or_default();
        let same = held.sent.as_ref().is_some_and(|sent| sent.secret_files_version == version);
        let mut kept = BTreeMap::new();
        for (path, content) in self.secret_files.iter().filter(|_| same) {
            if held.is_proven_file(path) && held.found.get(path) != Some(&secret_files::digest(content)) {
                let place = format!("{}/{path}", self.directory);
                let text = self.site.files().read_text(&place).await?;
                kept.extend(text.map(|text| (path.clone(), Secret::new(text))));
            }
        }
        kept.values().for_each(|content| self.scrubber.add(content.clone()));
        self.secret_files.extend(kept);
        Ok(())
    }

    /// What labels are made of that stand for secrets.
    fn contents<'k>(&self, key: &'k Key) -> Contents<'k> {
        let digests = |all: &BTreeMap<String, Secret>| {
            all.iter().map(|(name, content)| (name.clone(), secret_files::digest(content).sha256)).collect()
        };
        Contents { key, values: digests(&self.secrets), files: digests(&self.secret_files) }
    }

    /// Changes the host. On failure the record there tells, as far as it went, what was made; and
    /// what can be taken back is.
    pub(super) async fn carry_out(&self, prepared: Prepared) -> Result<Made, Stopped> {
        let work = self.begin(prepared).await.map_err(Stopped::before_anything)?;
        let sent = match self.ship(&work).await {
            Ok(sent) => sent,
            Err(failure) => return Err(self.take_back(&work, failure, Reached::Files).await),
        };
        match self.steps(&work, &sent).await {
            Ok(made) => Ok(made),
            Err(failure) => {
                // What went wrong first is what matters: that nothing more could be recorded is for the log.
                if let Err(error) = self.record_failed(&work).await {
                    tracing::warn!(stack = self.inputs.name, ?error, "could not record a failed apply");
                }
                Err(self.take_back(&work, failure, Reached::Containers).await)
            }
        }
    }

    /// What every step knows. Only what is kept of the last good apply may be made by it.
    async fn begin(&self, prepared: Prepared) -> Result<Work, Failure> {
        let Prepared { held, containers, prediction, compose } = prepared;
        let key = held.key.clone().map_or_else(new_key, Ok)?;
        let live = stack::read(&containers, held.record.as_ref(), Some(&key), Some(&held.seen()));
        let found = images::look(&self.engine, Some(&prediction)).await?;
        let images = prediction.image_ids(&images::ids(&found), &ImageFacts::of(&found));
        let changes = prediction.changes(&live, &images, &compose, self.planned.orphans());
        let good = self.held_good(&held, &containers).await?;
        let jobs = self.due(&prediction, &changes);
        let recorded = held.record.iter().flat_map(|record| record.names().cloned()).collect();
        let work = Work {
            cx: self.cx.clone(),
            scrubber: self.scrubber.clone(),
            layout: self.inputs.layout(&self.directory),
            profiles: self.inputs.profiles.clone(),
            prediction,
            compose,
            key,
            held,
            containers,
            changes,
            recorded,
            jobs,
            good,
            by_hand: None,
        };
        self.mark(&work).await?;
        Ok(work)
    }

    /// The jobs that this apply runs.
    fn due(&self, prediction: &Prediction, changes: &BTreeMap<String, Change>) -> Vec<job::Wanted> {
        let prior = self.prior.map(|prior| (&prior.model, prior.private.prediction.as_ref()));
        let due = Due {
            changed: job::changed(self.prior.map(|prior| &prior.model), self.planned),
            stack: job::stack_changes(prior, self.planned, prediction, changes),
        };
        job::wanted(self.planned).into_iter().filter(|one| due.runs(one)).collect()
    }

    /// What follows once the files are there, in this order. Whatever fails here is taken back.
    async fn steps(&self, work: &Work, sent: &BTreeSet<String>) -> Result<Made, Failure> {
        self.build(work).await?;
        self.run_jobs(work, When::Before).await?;
        self.tidy(work).await?;
        self.up(work).await?;
        self.restart_followers(work).await?;
        self.reload(work, sent).await?;
        let containers = self.wait(work).await?;
        self.pass_probes(work).await?;
        self.run_jobs(work, When::After).await?;
        self.settle(work, containers).await
    }

    /// Records a good apply and keeps it to go back to.
    async fn settle(&self, work: &Work, containers: Vec<Container>) -> Result<Made, Failure> {
        let (held, containers) = self.seal(work, containers).await?;
        if let Some(record) = held.record.clone() {
            self.prune(work, record).await;
        }
        let found = images::look(&self.engine, Some(&work.prediction)).await?;
        let private = StackPrivate {
            machine_id: self.site.machine_id.clone(),
            compose: work.compose.clone(),
            images: images::ids(&found),
            image_facts: ImageFacts::of(&found).with_running(&self.engine, &containers).await?,
            prediction: Some(work.prediction.clone()),
        };
        Ok(Made { containers, held, private })
    }

    /// Brings the files there; which of the shipped ones were not there as they should be.
    async fn ship(&self, work: &Work) -> Result<BTreeSet<String>, Failure> {
        let Inputs { name, profiles, dotenv, environment, .. } = self.inputs;
        let layout = &work.layout;
        let dotenv = layout.dotenv(name, profiles, dotenv.as_deref(), environment, &self.secrets);
        let generated = Generated {
            layout,
            dotenv: &dotenv,
            override_file: work.prediction.override_file(&self.contents(&work.key)),
            key: &work.key,
            secrets: &self.secrets,
            secrets_version: self.planned.secrets_wo_version.as_str().unwrap_or_default(),
            secret_files: &self.secret_files,
            secret_files_version: self.planned.secret_files_wo_version.as_str().unwrap_or_default(),
        };
        let cargo = Cargo::new(self.inputs, &generated, &work.held);
        let files = self.site.files().cancelled_by(self.cx.token());
        cargo.send(&files, layout.root()).await?;
        Ok(cargo.sent)
    }

    fn foreign(&self, containers: &[Container]) -> Diagnostic {
        let (name, host) = (&self.inputs.name, self.site.executor().name());
        let connection = &self.site.host.connection;
        Diagnostic::error(self.title)
            .detail(format!(
                "There is a Compose project {name:?} on {host} already that this configuration did not make: {}.",
                super::read::what_runs(containers)
            ))
            .detail("Nothing was changed.")
            .detail(format!(
                "Give the stack another name, or adopt the project: `import` it with the id {:?}.",
                format!("{connection}|{name}")
            ))
            .at("name")
    }
}

fn new_key() -> Result<Key, Failure> {
    Ok(remote::proof::new_key()?)
}
