//! What is kept on a host of the last good apply, so that one that fails can go back to it.
//!
//! `compose::layout` says where it lies. It is made when an apply has succeeded; only where
//! none is there (a stack of an older Windlass, a host whose disk was full) it is made before an
//! apply ships anything, out of what is there, if that is good. The same goes for a stack that was
//! started by hand and imported, as far as its own files tell what runs: of it, the files are kept
//! that are about to be overwritten, and going back leaves nothing of ours.

mod keep;
mod restore;

use std::collections::{BTreeMap, BTreeSet};

use compose::{
    record::Record,
    stack::{self, CHANGED, by_service},
};
use docker::engine::Container;
use serde::{Deserialize, Serialize};

use super::{held::Held, prediction::Prediction};
pub(super) use keep::{keep, keep_foreign, remove};
pub(super) use restore::Restoration;

/// The format.
const VERSION: u32 = 1;
/// The file that holds it, in the folder of ours in what is kept.
const FILE: &str = "generation.json";

/// Image reference to the id behind it.
pub(super) type Images = BTreeMap<String, String>;

/// One good apply. No secrets: they are in the `.env` that is kept beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Generation {
    version: u32,
    /// The Compose files, relative to the stack's directory.
    pub(super) files: Vec<String>,
    pub(super) profiles: Vec<String>,
    pub(super) prediction: Prediction,
    /// The record that it left.
    pub(super) record: Record,
    /// What the references of its services meant.
    pub(super) images: Images,
    /// The networks of the project then; none where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) networks: Option<BTreeSet<String>>,
    /// How it was started, where that was not by us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) by_hand: Option<ByHand>,
}

/// How somebody has started a stack by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ByHand {
    /// The absolute path of the file that interpolation takes its values from.
    pub(super) env_file: String,
}

impl Generation {
    /// The generation of an apply that left `record`.
    pub(super) fn new(
        files: &[String],
        profiles: &[String],
        prediction: &Prediction,
        record: &Record,
        images: Images,
    ) -> Self {
        Self {
            version: VERSION,
            files: files.to_vec(),
            profiles: profiles.to_vec(),
            prediction: prediction.clone(),
            record: record.clone(),
            images,
            networks: None,
            by_hand: None,
        }
    }

    /// The same, of a stack that was not started by us.
    pub(super) fn started_by_hand(self, by_hand: ByHand) -> Self {
        Self { by_hand: Some(by_hand), ..self }
    }

    /// The same, with the networks of the project.
    pub(super) fn with_networks(self, networks: BTreeSet<String>) -> Self {
        Self { networks: Some(networks), ..self }
    }

    /// What a state may remember of it. Of what was started by hand Compose was asked with the real
    /// values, secrets among them, and hashes over those are for the host alone.
    pub(super) fn remembered(&self) -> Option<&Prediction> {
        Some(&self.prediction).filter(|_| self.by_hand.is_none())
    }

    /// Reads what [`Generation::to_json`] wrote; nothing when it is something else or newer.
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok().filter(|one: &Self| one.version <= VERSION)
    }

    fn to_json(&self) -> Vec<u8> {
        // Maps with text keys and plain fields cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Where the last good state of a stack is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is kept.
    Kept,
    /// It is what lies on the host and runs there, and is not kept yet.
    Here,
    /// There is none, or none that is known.
    Nowhere,
}

/// Where the last good state is, by what the host holds and what runs.
pub(super) fn standing(held: &Held, containers: &[Container]) -> Standing {
    let Some(record) = &held.record else {
        // What was started by hand is kept before anything of ours is there: an apply that was cut
        // off after that has left no record yet.
        let by_hand = held.good.as_ref().is_some_and(|good| good.by_hand.is_some());
        return if by_hand && held.is_ours() { Standing::Kept } else { Standing::Nowhere };
    };
    match &held.good {
        Some(good) if record.unfinished || good.record.is_of_same_apply(record) => Standing::Kept,
        _ if is_good(held, containers) => Standing::Here,
        _ => Standing::Nowhere,
    }
}

/// Whether what lies on the host and runs there is what the last apply made, and well.
fn is_good(held: &Held, containers: &[Container]) -> bool {
    let unchanged = held.is_settled() && held.source_hash().as_deref() != Some(CHANGED);
    let Some(record) = held.record.as_ref().filter(|_| unchanged) else { return false };
    let live = stack::read(containers, Some(record), held.key.as_ref(), Some(&held.seen()));
    record.services.iter().all(|(name, recorded)| {
        live.get(name)
            .is_some_and(|live| live.config_hash != CHANGED && live.status == recorded.steady.word())
    })
}

/// What the references of the services mean to their containers.
pub(super) fn images_of(prediction: &Prediction, containers: &[Container]) -> Images {
    let live = by_service(containers);
    let services = prediction.services.iter();
    services
        .filter_map(|(name, service)| {
            let container = live.get(name)?.first()?;
            Some((service.origin.image.clone(), container.image_id.clone()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use compose::{
        record::{Key, Recorded},
        stack::{LABEL_CONFIG_HASH, LABEL_SERVICE, Steady},
    };
    use tree::Manifest;

    use super::{
        super::{held::Sent, prediction::tests::wanted},
        *,
    };
    use docker::engine::{State, StatusText};

    fn container(config_hash: &str, state: State) -> Container {
        let labels = [(LABEL_SERVICE, "app"), (LABEL_CONFIG_HASH, config_hash)];
        Container {
            id: "1".into(),
            name: "web-app-1".into(),
            image: "app:1".into(),
            image_id: "sha256:1".into(),
            created: 0,
            state,
            status: StatusText::default(),
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            ports: vec![],
        }
    }

    fn record() -> Record {
        let mut record = Record { shipped: "s".into(), ..Record::new("web", "2.26.1") };
        let recorded = Recorded {
            image: "app:1".into(),
            config_hash: "c".into(),
            environment_hash: "e".into(),
            files_hash: None,
            files: BTreeSet::new(),
            steady: Steady::Running,
            replicas: 1,
            proof: None,
            left_alone: false,
            files_label: Default::default(),
            shares: BTreeMap::new(),
        };
        record.services.insert("app".into(), recorded);
        record
    }

    fn generation() -> Generation {
        let images = BTreeMap::from([("app:1".to_owned(), "sha256:1".to_owned())]);
        let services = BTreeMap::from([("app".to_owned(), wanted("c"))]);
        let prediction = Prediction { digest: "d".into(), services, ..Prediction::default() };
        Generation::new(&["compose.yaml".into()], &[], &prediction, &record(), images)
    }

    fn held() -> Held {
        let key = Key::from_random([1; 32]);
        let env = tree::FileDigest { sha256: "11".into(), mode: 0o600 };
        Held {
            record: Some(record()),
            manifest: Some(Manifest::default()),
            sent: Some(Sent::new("source".into(), ".env".into(), "11", &key)),
            key: Some(key),
            shipped: Some("s".into()),
            found: BTreeMap::from([(".env".to_owned(), env)]),
            ..Held::default()
        }
    }

    #[test]
    fn it_survives_its_file_and_newer_ones_are_none() {
        let one = generation();
        assert_eq!(Generation::parse(&one.to_json()), Some(one.clone()));
        let newer = Generation { version: 2, ..one };
        assert_eq!(Generation::parse(&newer.to_json()), None);
        assert_eq!(Generation::parse(b"{}"), None);
    }

    #[test]
    fn the_last_good_state_is_where_the_record_says() {
        let well = [container("c", State::Running)];
        let kept = Held { good: Some(generation()), ..held() };
        assert_eq!(standing(&kept, &well), Standing::Kept);
        // After a failed apply and after one that was cut off, what was kept before them counts.
        let failed = Held { record: Some(Record { unfinished: true, ..record() }), ..kept };
        assert_eq!(standing(&failed, &[]), Standing::Kept);
        let cut_off = Held { shipped: Some("new".into()), record: Some(record()), ..failed };
        assert_eq!(standing(&cut_off, &[]), Standing::Kept);
        // What another good apply made since then is not what is kept.
        let other = Record { compose: "2.27.0".into(), ..record() };
        let since = Held { record: Some(other), shipped: Some("s".into()), ..cut_off };
        assert_eq!(standing(&since, &well), Standing::Here);
        assert_eq!(standing(&since, &[container("c", State::Exited)]), Standing::Nowhere);
    }

    #[test]
    fn what_was_started_by_hand_is_kept_until_an_apply_has_succeeded() {
        let by_hand = generation().started_by_hand(ByHand { env_file: "/dev/null".into() });
        let good = Some(by_hand.clone());
        assert_eq!(by_hand.remembered(), None);
        assert_eq!(generation().remembered(), Some(&generation().prediction));
        assert_eq!(Generation::parse(&by_hand.to_json()), Some(by_hand));
        // It was kept, and nothing was shipped: what runs may be something else by now.
        let kept = Held { good: good.clone(), ..Held::default() };
        assert_eq!(standing(&kept, &[]), Standing::Nowhere);
        let cut_off = Held { good, record: None, ..held() };
        assert_eq!(standing(&cut_off, &[]), Standing::Kept);
        let failed = Held { record: Some(Record { unfinished: true, ..record() }), ..cut_off };
        assert_eq!(standing(&failed, &[]), Standing::Kept);
    }

    #[test]
    fn only_what_is_good_is_taken_for_it() {
        let well = [container("c", State::Running)];
        assert_eq!(standing(&held(), &well), Standing::Here);
        assert_eq!(standing(&held(), &[container("x", State::Running)]), Standing::Nowhere);
        let cut_off = Held { shipped: Some("new".into()), ..held() };
        assert_eq!(standing(&cut_off, &well), Standing::Nowhere);
        let edited = Held { found: BTreeMap::new(), ..held() };
        assert_eq!(standing(&edited, &well), Standing::Nowhere);
        assert_eq!(standing(&Held::default(), &well), Standing::Nowhere);
    }
}
