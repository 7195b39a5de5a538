//! Making a stack what it shall be: pull, ship, start, wait, and leave a record.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use docker::{
    Engine,
    compose::{
        layout::{Layout, given_values},
        plan::{Change, Repair, repairs},
        record::{Key, Record},
        stack::{self, LABEL_SERVICE, by_service, orphans},
        wait::{self, Pace},
    },
    engine::Container,
};
use framework::{Context, Diagnostic};
use remote::files::WriteOptions;
use secret::{Scrubber, Secret};

use super::{
    StackPrivate, StackResource,
    failure::Failure,
    held::{self, Held},
    inputs::Inputs,
    model::StackModel,
    predict::predict,
    prediction::Prediction,
    pull,
    ship::{Cargo, Generated},
    site::Site,
};

/// Left of the time limit for finding out what runs after a wait that was too long.
const RESERVE: Duration = Duration::from_secs(10);
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
    pub(super) secrets: BTreeMap<String, Secret>,
    pub(super) scrubber: Scrubber,
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
        let compose = self.site.compose_version(self.resource).await?;
        let digest = self.inputs.digest(&self.directory, &compose);
        let prediction = match known.filter(|known| known.digest == digest) {
            Some(known) => known,
            None => predict(self.resource, self.cx, self.site, self.inputs, &self.directory).await?,
        };
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

    /// Changes the host. On failure the record there tells, as far as it went, what was made.
    pub(super) async fn carry_out(&self, prepared: Prepared) -> Result<Made, Failure> {
        let Prepared { mut held, containers, prediction, compose } = prepared;
        let layout = self.inputs.layout(&self.directory);
        let key = match held.key.take() {
            Some(key) => {
                held.key = Some(key.clone());
                key
            }
            None => new_key()?,
        };
        let live = stack::read(&containers, held.record.as_ref(), Some(&key), Some(&held.found));
        let images = self.images(&prediction).await?;
        let changes = prediction.changes(&live, &images);
        let before: BTreeSet<String> = containers.iter().map(|container| container.id.clone()).collect();

        let sent = self.ship(&layout, &prediction, &held, &key).await?;
        let started = self.start(&layout, &prediction, &containers, &changes, &sent, &before).await;

        let now = match &started {
            Ok(containers) => containers.clone(),
            Err(_) => self.engine.containers(&self.inputs.name).await?,
        };
        let mut record = stack::record(&self.inputs.name, &compose, &prediction.wanted(), &now, &key);
        if started.is_err() {
            record = half_done(record, held.record.as_ref(), &changes, &containers, &now);
        }
        self.site.files().write(&layout.record(), record.to_json(), &PRIVATE).await?;
        let containers = started?;

        let held = held::look(self.site.executor(), &self.directory).await?;
        let images = self.images(&prediction).await?;
        let machine_id = self.site.machine_id.clone();
        let private = StackPrivate { machine_id, compose, images, prediction: Some(prediction) };
        Ok(Made { containers, held, private })
    }

    async fn images(&self, prediction: &Prediction) -> Result<BTreeMap<String, String>, Failure> {
        let private = StackPrivate { prediction: Some(prediction.clone()), ..StackPrivate::default() };
        super::read::images(&self.engine, &private).await
    }

    /// Brings the files there; which of the shipped ones were not there as they should be.
    async fn ship(
        &self,
        layout: &Layout,
        prediction: &Prediction,
        held: &Held,
        key: &Key,
    ) -> Result<BTreeSet<String>, Failure> {
        let Inputs { name, profiles, dotenv, environment, .. } = self.inputs;
        let dotenv = layout.dotenv(name, profiles, dotenv.as_deref(), environment, &self.secrets);
        let generated = Generated {
            layout,
            dotenv: &dotenv,
            override_file: prediction.override_file(),
            key,
            secrets: &self.secrets,
            secrets_version: self.planned.secrets_wo_version.as_str().unwrap_or_default(),
        };
        let cargo = Cargo::new(self.inputs, &generated, held);
        let files = self.site.files().cancelled_by(self.cx.token());
        cargo.send(&files, layout.root(), &self.inputs.source.manifest()).await?;
        Ok(cargo.sent)
    }

    /// Makes what runs equal to the files and waits until it is well.
    async fn start(
        &self,
        layout: &Layout,
        prediction: &Prediction,
        containers: &[Container],
        changes: &BTreeMap<String, Change>,
        sent: &BTreeSet<String>,
        before: &BTreeSet<String>,
    ) -> Result<Vec<Container>, Failure> {
        let services: BTreeSet<String> = prediction.services.keys().cloned().collect();
        if self.planned.remove_orphans.known() != Some(&false) {
            for orphan in orphans(containers, &services) {
                self.engine.remove(&orphan.id).await?;
            }
        }
        self.repair(containers, changes).await?;
        if !services.is_empty() {
            let project = layout.project(&self.inputs.name, &self.inputs.profiles, true, layout);
            let compose =
                self.site.compose(self.cx, &self.scrubber).naming(format!("{}/", layout.root()), "");
            if let Err(error) = compose.up(&project, &[], self.cx.remaining()).await {
                return Err(self.explained(error, prediction, before).await);
            }
        }
        self.reload(containers, prediction, sent).await?;
        let pace = Pace { limit: self.patience(), ..Pace::default() };
        let goals = prediction.goals();
        let name = &self.inputs.name;
        Ok(wait::until_ready(&self.engine, name, &goals, before, pace, self.cx.token(), &self.scrubber)
            .await?)
    }

    fn patience(&self) -> Duration {
        let remaining = self.cx.remaining().unwrap_or(Pace::default().limit);
        remaining.saturating_sub(RESERVE)
    }

    /// Does what `up` would not do to containers that are not well.
    async fn repair(
        &self,
        containers: &[Container],
        changes: &BTreeMap<String, Change>,
    ) -> Result<(), Failure> {
        let repaired = changes.iter().filter(|(_, change)| **change == Change::Repair);
        let repaired = repaired.map(|(name, _)| name.clone()).collect();
        for (id, repair) in repairs(containers, &repaired) {
            match repair {
                Repair::Unpause => self.engine.unpause(&id).await?,
                Repair::Restart => self.engine.restart(&id).await?,
                Repair::Remove => self.engine.remove(&id).await?,
            }
        }
        Ok(())
    }

    /// Restarts the containers that go on although files that they use had been edited behind our
    /// back: a mounted file is replaced by a rename, and they would keep the one that was edited.
    async fn reload(
        &self,
        before: &[Container],
        prediction: &Prediction,
        sent: &BTreeSet<String>,
    ) -> Result<(), Failure> {
        let uses = |name: &str| prediction.services.get(name).is_some_and(|one| !one.files.is_disjoint(sent));
        let touched: BTreeSet<&str> = before
            .iter()
            .filter(|one| one.label(LABEL_SERVICE).is_some_and(uses))
            .map(|one| one.id.as_str())
            .collect();
        if touched.is_empty() {
            return Ok(());
        }
        for container in self.engine.containers(&self.inputs.name).await? {
            let runs = container.state == docker::engine::State::Running && stack::is_of_service(&container);
            if runs && touched.contains(container.id.as_str()) {
                self.engine.restart(&container.id).await?;
            }
        }
        Ok(())
    }

    /// Why `up` failed: where a container fell, what it said is worth more than Compose's words.
    async fn explained(
        &self,
        error: docker::Error,
        prediction: &Prediction,
        before: &BTreeSet<String>,
    ) -> Failure {
        if !matches!(error, docker::Error::Command { .. }) {
            return error.into();
        }
        let pace = Pace { limit: Duration::ZERO, ..Pace::default() };
        let goals = prediction.goals();
        let name = &self.inputs.name;
        let waited =
            wait::until_ready(&self.engine, name, &goals, before, pace, self.cx.token(), &self.scrubber)
                .await;
        match waited {
            Err(failed @ wait::WaitError::Failed(_)) => failed.into(),
            _ => error.into(),
        }
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
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| remote::files::FileError::Here {
        operation: "make a random key".to_owned(),
        source: std::io::Error::other(error),
    })?;
    Ok(Key::from_random(bytes))
}

/// The record of an apply that stopped on its way: what was not reached keeps its old entry.
///
/// A new entry vouches for the containers as they are now. That is right for containers that are
/// new and for those that were to stay, and wrong for old ones that were to be replaced.
fn half_done(
    new: Record,
    old: Option<&Record>,
    changes: &BTreeMap<String, Change>,
    before: &[Container],
    now: &[Container],
) -> Record {
    let known: BTreeSet<&str> = before.iter().map(|container| container.id.as_str()).collect();
    let live = by_service(now);
    let mut record = new;
    for (name, entry) in &mut record.services {
        let replaced = matches!(changes.get(name), Some(Change::Recreate(_) | Change::Create));
        let own = live.get(name).map(Vec::as_slice).unwrap_or_default();
        let reached = !own.is_empty() && own.iter().all(|container| !known.contains(container.id.as_str()));
        if !replaced || reached {
            continue;
        }
        match old.and_then(|old| old.services.get(name)) {
            Some(old) => *entry = old.clone(),
            None => entry.proof = None,
        }
    }
    record
}

#[cfg(test)]
mod tests {
    use docker::{
        compose::{record::Recorded, stack::Steady},
        engine::{State, StatusText},
    };

    use super::*;

    fn container(id: &str, service: &str) -> Container {
        Container {
            id: id.into(),
            name: format!("web-{service}-1"),
            image: "app:1".into(),
            image_id: "sha256:1".into(),
            created: 0,
            state: State::Running,
            status: StatusText::default(),
            labels: BTreeMap::from([(LABEL_SERVICE.to_owned(), service.to_owned())]),
            ports: vec![],
        }
    }

    fn entry(config_hash: &str) -> Recorded {
        Recorded {
            image: "app:1".into(),
            config_hash: config_hash.into(),
            environment_hash: "e".into(),
            files_hash: None,
            files: BTreeSet::new(),
            steady: Steady::Running,
            replicas: 1,
            proof: Some("proof".into()),
            shares: BTreeMap::new(),
        }
    }

    fn record(services: &[(&str, &str)]) -> Record {
        let mut record = Record::new("web", "2.26.1");
        record.services = services.iter().map(|(name, hash)| ((*name).to_owned(), entry(hash))).collect();
        record
    }

    #[test]
    fn what_was_not_reached_keeps_its_old_entry() {
        let recreate = Change::Recreate(BTreeSet::new());
        let changes = BTreeMap::from([
            ("stays".to_owned(), Change::Keep),
            ("reached".to_owned(), recreate.clone()),
            ("waiting".to_owned(), recreate),
            ("new".to_owned(), Change::Create),
        ]);
        let before = [container("1", "stays"), container("2", "reached"), container("3", "waiting")];
        let now = [container("1", "stays"), container("9", "reached"), container("3", "waiting")];
        let old = record(&[("stays", "old"), ("reached", "old"), ("waiting", "old")]);
        let new = record(&[("stays", "old"), ("reached", "new"), ("waiting", "new"), ("new", "new")]);
        let done = half_done(new, Some(&old), &changes, &before, &now);
        let hash = |name: &str| done.services[name].config_hash.clone();
        assert_eq!(
            (hash("stays"), hash("reached"), hash("waiting")),
            ("old".into(), "new".into(), "old".into())
        );
        assert_eq!(done.services["new"].proof, None);
    }
}
