//! Making a stack what it is to be.
//!
//! Networks, secrets and configs come first, under names of their own where there is another one by the
//! name already; then the services that are to be another than they are, and no others; then all are
//! waited for; and what has left the files goes last, so that whatever fails before finds everything
//! that the last good release was made of. Jobs run before the services or after them; once these are
//! well, probes are made.

mod before;
mod jobs;
mod run;
mod services;
mod sweep;
mod undo;
mod wait;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use docker::{Engine, Registry};
use remote::Executor;
use secret::Scrubber;
use stack::{Context, JobSpec, OnFailure, Orphans, ProbeSpec, Secrets, When, check_needs, pass_probes};
use tree::Tree;

use super::{
    LiveStack, PlanOptions, ResolveImage, StackError, SwarmLock, Tokens, Wanted, WantedStack, api::Api,
    files::forget_unneeded, record::Record, wanted::FileKind,
};
pub(super) use sweep::take_down;

/// How an apply goes about it.
#[derive(Clone, Debug, Default)]
pub struct DeployOptions {
    /// The id of the configuration that makes the stack.
    pub instance: String,
    /// When registries are asked what an image stands for.
    pub resolve: ResolveImage,
    /// References that stand for another image by now, with its digest.
    pub moved: BTreeMap<String, String>,
    /// Credentials for registries.
    pub registries: Vec<Registry>,
    /// Whether they are left in the swarm, for nodes to pull with.
    pub registry_auth: bool,
    /// Services whose number of replicas is the swarm's own affair.
    pub keep_replicas: BTreeSet<String>,
    /// What becomes of services that have left the files.
    pub orphans: Orphans,
    /// What becomes of the stack when it fails.
    pub on_failure: OnFailure,
    /// How long a service whose tasks fail has until they stay.
    pub start_timeout: Duration,
    /// The jobs, in their order.
    pub jobs: Vec<JobSpec>,
    /// The probes, in their order.
    pub probes: Vec<ProbeSpec>,
    /// The secrets themselves.
    pub secrets: Secrets,
}

/// What the last apply was about.
#[derive(Clone, Debug, Default)]
pub struct PriorStack {
    /// What its files wanted, where it came to a good end.
    pub wanted: Option<WantedStack>,
    /// Its jobs.
    pub jobs: Vec<JobSpec>,
}

/// What is to be made, and where.
pub struct Deployment<'a> {
    /// The call that it belongs to.
    pub cx: &'a Context,
    /// The manager.
    pub engine: &'a Engine,
    /// The host of the manager, from which probes are made.
    pub host: &'a dyn Executor,
    /// The lock of the stack.
    pub lock: &'a SwarmLock,
    /// The name of the stack.
    pub name: &'a str,
    /// What the files want.
    pub wanted: &'a Wanted,
    /// What stands for secrets in it.
    pub tokens: &'a Tokens,
    /// What is shipped.
    pub source: &'a Tree,
    /// What was there before.
    pub prior: Option<&'a PriorStack>,
    /// How.
    pub options: &'a DeployOptions,
}

/// An apply that failed.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub error: StackError,
    /// What became of the stack.
    pub outcome: Outcome,
}

/// What became of a stack whose apply failed.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing was changed.
    Unchanged,
    /// It is what it was when all was well.
    RolledBack,
    /// There was none, and there is none.
    TakenDown,
    /// It stays as it is: that was asked for, or somebody interrupted.
    Kept,
    /// Going back did not come about either.
    Stuck(StackError),
}

/// What an apply has changed so far.
#[derive(Debug, Default)]
struct Touched {
    /// Services, by what the files call them.
    services: BTreeSet<String>,
    /// Secrets and configs that it made.
    files: Vec<(FileKind, String)>,
    /// Networks that it made.
    networks: Vec<String>,
}

/// What tells what in the swarm: ids of secrets and configs, and networks under other names than the
/// files give them.
#[derive(Debug, Default)]
struct Names {
    files: BTreeMap<(FileKind, String), String>,
    networks: BTreeMap<String, String>,
}

impl Deployment<'_> {
    /// Does it.
    ///
    /// # Errors
    /// What failed, and what the stack is now.
    pub async fn run(&self) -> Result<LiveStack, Failed> {
        let api = Api::of(self.engine.clone());
        let unchanged = |error| Failed { error, outcome: Outcome::Unchanged };
        let started = self.wanted.services.keys().cloned().collect();
        check_needs(&self.options.jobs, &started).map_err(|error| unchanged(error.into()))?;
        let before = LiveStack::inspect(self.engine, self.name).await.map_err(unchanged)?;
        let mut names = self.check(&api, &before).await.map_err(unchanged)?;
        let mut touched = Touched::default();
        match self.change(&api, &before, &mut names, &mut touched).await {
            Ok(()) => {}
            Err(error) => return Err(self.undo(&api, &before, &touched, error).await),
        }
        let done = async {
            self.lock.still_held()?;
            self.sweep(&api, &before, &names).await?;
            self.record(&api).await?;
            forget_unneeded(&api).await;
            LiveStack::inspect(self.engine, self.name).await
        };
        done.await.map_err(|error| Failed { error, outcome: Outcome::Kept })
    }

    async fn change(
        &self,
        api: &Api,
        before: &LiveStack,
        names: &mut Names,
        touched: &mut Touched,
    ) -> Result<(), StackError> {
        if before.instance() != Some(&self.options.instance) {
            self.begin(api).await?;
        }
        // Nobody else has the lock, so that nobody waits for them.
        for id in &before.leftovers {
            tracing::info!(stack = self.name, service = id, "removing what a job has left");
            api.remove_service(id).await?;
        }
        self.make_networks(api, before, names, touched).await?;
        self.make_files(api, before, names, touched).await?;
        let known = wait::Known::of(api, self.name).await?;
        let sending = self.sending(before).await;
        let due = self.due(before, &sending);
        let around = jobs::Around { before, names, sending: &sending, known: &known };
        self.run_jobs(api, &around, (&due, When::Before), touched).await?;
        self.send(api, before, names, (&sending, None), touched).await?;
        self.wait_for(api, touched, &known, None).await?;
        pass_probes(self.cx, self.host, &self.options.probes, &self.scrubber()).await?;
        self.run_jobs(api, &around, (&due, When::After), touched).await
    }

    /// Waits until services are well: all, or those in `only`.
    async fn wait_for(
        &self,
        api: &Api,
        touched: &Touched,
        known: &wait::Known,
        only: Option<&BTreeSet<String>>,
    ) -> Result<(), StackError> {
        let services = self.wanted.services.keys();
        let wait = wait::Wait {
            cx: self.cx,
            api,
            lock: self.lock,
            name: self.name,
            services: services.filter(|name| only.is_none_or(|only| only.contains(*name))).collect(),
            changed: &touched.services,
            known,
            start_timeout: self.options.start_timeout,
            rolled_back: false,
            scrubber: self.scrubber(),
        };
        wait.until_well().await
    }

    /// Says whose the stack is, before there is any of it.
    async fn begin(&self, api: &Api) -> Result<(), StackError> {
        let record = Record { instance: self.options.instance.clone(), services: BTreeMap::new() };
        record.leave(api, self.name).await
    }

    /// Leaves in the swarm what was made.
    async fn record(&self, api: &Api) -> Result<(), StackError> {
        let live = LiveStack::inspect(self.engine, self.name).await?;
        let services: BTreeMap<String, _> =
            live.services.into_iter().map(|(name, service)| (name, service.spec)).collect();
        Record { instance: self.options.instance.clone(), services }.leave(api, self.name).await
    }

    fn plan_options(&self) -> PlanOptions {
        PlanOptions {
            resolve: self.options.resolve,
            keep_replicas: self.options.keep_replicas.clone(),
            orphans: self.options.orphans,
            moved: self.options.moved.clone(),
        }
    }

    /// For words that are not ours.
    fn scrubber(&self) -> Scrubber {
        let secrets = &self.options.secrets;
        let passwords = self.options.registries.iter().map(|registry| &registry.password);
        Scrubber::new(secrets.values.values().chain(secrets.files.values()).chain(passwords).cloned())
    }
}
