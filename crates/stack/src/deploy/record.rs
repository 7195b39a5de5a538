//! The record that an apply leaves, also when it did not come to its end.

use std::collections::{BTreeMap, BTreeSet};

use docker::engine::Container;

use remote::files::WriteOptions;

use super::{Deployment, Work};
use crate::{
    changes::Change,
    containers::by_service,
    error::Error,
    host_state::{self, HostState},
    record::{self, Record},
    step::Step,
};

impl Deployment<'_> {
    /// Leaves the record of a good apply, and keeps what it made to go back to. What the host holds
    /// then, and the containers.
    pub(super) async fn seal(
        &self,
        work: &Work,
        containers: Vec<Container>,
    ) -> Result<(HostState, Vec<Container>), Error> {
        let state = host_state::inspect(self.host.executor(), work.cx.token(), work.layout.root()).await?;
        let record = Record {
            shipped: state.shipped.clone().unwrap_or_default(),
            ..self.entries(work, &containers, true).await?
        };
        self.keep_release(work, &state, &record, &containers).await?;
        Ok((HostState { record: Some(record), ..state }, containers))
    }

    /// Removes what jobs of an apply that was cut off have left. Where there is something to pass,
    /// the record says until that has been passed that it has not: an apply that is cut off in
    /// between then reads as a change, whatever it has done to the services.
    pub(super) async fn mark(&self, work: &Work) -> Result<(), Error> {
        self.remove_leftovers().await?;
        match &work.state.record {
            Some(record) if self.has_gates() && !record.unfinished => {
                self.write(work, &Record { unfinished: true, ..record.clone() }).await
            }
            _ => Ok(()),
        }
    }

    /// Leaves the record again that was there before.
    pub(super) async fn unmark(&self, work: &Work) -> Result<(), Error> {
        match &work.state.record {
            Some(record) if self.has_gates() => self.write(work, record).await,
            _ => Ok(()),
        }
    }

    /// Leaves the record of an apply that failed.
    pub(super) async fn record_failed(&self, work: &Work) -> Result<(), Error> {
        self.steps.begin(Step::Record).await?;
        let now = self.host.engine.containers(&self.spec.name).await?;
        let new = self.entries(work, &now, false).await?;
        let undertaking =
            Undertaking { changes: &work.changes, reloads: &work.reloads, before: &work.containers };
        let record = half_done(new, work.state.record.as_ref(), undertaking, &now);
        self.write(work, &Record { unfinished: true, ..record }).await
    }

    async fn entries(&self, work: &Work, now: &[Container], done: bool) -> Result<Record, Error> {
        let desired = &work.desired.services;
        let record = record::record(&self.spec.name, &work.compose, desired, now, &work.key);
        let old = work.state.record.as_ref();
        let history = self.history(work, old, done).await?;
        let complete = done || old.is_some_and(|old| old.complete);
        let record = Record { history, complete, ..record };
        Ok(old.filter(|_| done).map_or(record.clone(), |old| record.keeping_orphans(old, now)))
    }

    pub(super) async fn write(&self, work: &Work, record: &Record) -> Result<(), Error> {
        self.host.files().write(&work.layout.record(), record.to_json(), &WriteOptions::PRIVATE).await?;
        Ok(())
    }
}

/// What an apply was about to do, and what there was before it.
struct Undertaking<'a> {
    changes: &'a BTreeMap<String, Change>,
    /// The services whose containers were to take in files by a command.
    reloads: &'a BTreeSet<String>,
    before: &'a [Container],
}

/// The record of an apply that stopped on its way: what was not reached keeps its old entry.
///
/// A new entry vouches for the containers as they are now. That is right for containers that are
/// new and for those that were to stay, and wrong for old ones that were to be replaced.
fn half_done(
    new: Record,
    old: Option<&Record>,
    Undertaking { changes, reloads, before }: Undertaking<'_>,
    now: &[Container],
) -> Record {
    let known: BTreeSet<&str> = before.iter().map(|container| container.id.as_str()).collect();
    let live = by_service(now);
    let mut record = new;
    for (name, entry) in &mut record.services {
        let own = live.get(name).map(Vec::as_slice).unwrap_or_default();
        let is_new = |container: &&Container| !known.contains(container.id.as_str());
        let reached = match changes.get(name) {
            Some(Change::Recreate(_) | Change::Create) => !own.is_empty() && own.iter().all(is_new),
            Some(Change::Scale { to: 0, .. }) => own.is_empty(),
            // Whether those that stayed have taken in the files is not known, whatever else was to be done
            // with them: they are asked again.
            Some(Change::Reload) => false,
            _ if reloads.contains(name) => !own.is_empty() && own.iter().all(is_new),
            _ => true,
        };
        if reached {
            continue;
        }
        match old.and_then(|old| old.services.get(name)) {
            Some(old) => *entry = old.clone(),
            None => entry.proof = None,
        }
    }
    record.orphans = old.map(|old| old.orphans.clone()).unwrap_or_default();
    record.orphans.retain(|name, _| live.contains_key(name) && !record.services.contains_key(name));
    // What was to go and is still there is still ours to remove.
    for (name, entry) in old.into_iter().flat_map(|old| &old.services) {
        if live.contains_key(name) {
            record.services.entry(name.clone()).or_insert_with(|| entry.clone());
        }
    }
    record
}

#[cfg(test)]
mod tests {
    use compose::ReadyState;
    use docker::engine::{State, StatusText};

    use super::*;
    use crate::{containers::LABEL_SERVICE, record::RecordedService};

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
            networks: Default::default(),
        }
    }

    fn entry(config_hash: &str) -> RecordedService {
        RecordedService {
            image: "app:1".into(),
            config_hash: config_hash.into(),
            environment_hash: "e".into(),
            files_hash: None,
            files_label: None,
            files: BTreeSet::new(),
            reloads: false,
            ready: ReadyState::Running,
            replicas: 1,
            unmanaged: false,
            proof: Some("proof".into()),
            shares: BTreeMap::new(),
            networks: Default::default(),
        }
    }

    fn record(services: &[(&str, &str)]) -> Record {
        let mut record = Record::new("web", "2.26.1");
        record.services = services.iter().map(|(name, hash)| ((*name).to_owned(), entry(hash))).collect();
        record
    }

    fn undertaking<'a>(
        changes: &'a BTreeMap<String, Change>,
        reloads: &'a BTreeSet<String>,
        before: &'a [Container],
    ) -> Undertaking<'a> {
        Undertaking { changes, reloads, before }
    }

    #[test]
    fn a_container_that_only_goes_on_has_taken_in_no_files() {
        let old = record(&[("app", "old")]);
        let before = [container("1", "app")];
        let reloads = BTreeSet::from(["app".to_owned()]);
        for change in [Change::Reload, Change::Repair, Change::Keep, Change::Scale { from: 1, to: 2 }] {
            let changes = BTreeMap::from([("app".to_owned(), change.clone())]);
            let recorded = |now: &[Container]| {
                let new = record(&[("app", "new")]);
                let done = half_done(new, Some(&old), undertaking(&changes, &reloads, &before), now);
                done.services["app"].config_hash.clone()
            };
            assert_eq!(recorded(&before), "old", "{change:?}");
            assert_eq!(recorded(&[container("1", "app"), container("2", "app")]), "old", "{change:?}");
        }
        // What the repair has made anew was made for the files as they are.
        let changes = BTreeMap::from([("app".to_owned(), Change::Repair)]);
        let now = [container("2", "app")];
        let new = record(&[("app", "new")]);
        let done = half_done(new, Some(&old), undertaking(&changes, &reloads, &before), &now);
        assert_eq!(done.services["app"].config_hash, "new");
    }

    #[test]
    fn what_was_not_reached_keeps_its_old_entry() {
        let none = BTreeSet::new();
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
        let done = half_done(new, Some(&old), undertaking(&changes, &none, &before), &now);
        let hash = |name: &str| done.services[name].config_hash.clone();
        assert_eq!(
            (hash("stays"), hash("reached"), hash("waiting")),
            ("old".into(), "new".into(), "old".into())
        );
        assert_eq!(done.services["new"].proof, None);
    }

    #[test]
    fn what_was_to_go_and_did_not_keeps_its_entry() {
        let none = BTreeSet::new();
        let off = Change::Scale { from: 1, to: 0 };
        let changes = BTreeMap::from([
            ("alone".to_owned(), off.clone()),
            ("off".to_owned(), off),
            ("gone".to_owned(), Change::Remove),
            ("left".to_owned(), Change::Remove),
        ]);
        let before = ["alone", "off", "gone", "left"].map(|name| container(name, name));
        let now = [container("alone", "alone"), container("left", "left")];
        let old = record(&[("alone", "old"), ("off", "old"), ("gone", "old"), ("left", "old")]);
        let new = record(&[("alone", "new"), ("off", "new")]);
        let done = half_done(new, Some(&old), undertaking(&changes, &none, &before), &now);
        let hashes: Vec<_> =
            done.services.iter().map(|(name, entry)| (name.as_str(), entry.config_hash.as_str())).collect();
        assert_eq!(hashes, [("alone", "old"), ("left", "old"), ("off", "new")]);
    }
}
