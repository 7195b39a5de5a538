//! The record that an apply leaves when it did not come to its end.

use std::collections::{BTreeMap, BTreeSet};

use docker::{
    compose::{plan::Change, record::Record, stack::by_service},
    engine::Container,
};

/// The record of an apply that stopped on its way: what was not reached keeps its old entry.
///
/// A new entry vouches for the containers as they are now. That is right for containers that are
/// new and for those that were to stay, and wrong for old ones that were to be replaced.
pub(super) fn half_done(
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
        let own = live.get(name).map(Vec::as_slice).unwrap_or_default();
        let is_new = |container: &&Container| !known.contains(container.id.as_str());
        let reached = match changes.get(name) {
            Some(Change::Recreate(_) | Change::Create) => !own.is_empty() && own.iter().all(is_new),
            Some(Change::Scale { to: 0, .. }) => own.is_empty(),
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
    use docker::{
        compose::{
            record::Recorded,
            stack::{LABEL_SERVICE, Steady},
        },
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
            files_label: None,
            files: BTreeSet::new(),
            steady: Steady::Running,
            replicas: 1,
            left_alone: false,
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

    #[test]
    fn what_was_to_go_and_did_not_keeps_its_entry() {
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
        let done = half_done(new, Some(&old), &changes, &before, &now);
        let hashes: Vec<_> =
            done.services.iter().map(|(name, entry)| (name.as_str(), entry.config_hash.as_str())).collect();
        assert_eq!(hashes, [("alone", "old"), ("left", "old"), ("off", "new")]);
    }
}
