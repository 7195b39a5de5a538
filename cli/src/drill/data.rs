//! Which data came back: what the resources of an applied configuration say, and what was restored beside them.

use backup::{Moment, SnapshotId};
use serde::Deserialize;

use super::record::Data;

/// The resource that brings a snapshot back.
const RESTORE: &str = "windlass_corpus_restore";

#[derive(Deserialize)]
struct State {
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
struct Resource {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
struct Instance {
    #[serde(default)]
    attributes: serde_json::Value,
}

/// What a state says that was restored, as of the moment `now`. What it does not tell is left out.
pub fn of_state(text: &str, now: Moment) -> Vec<Data> {
    let Ok(State { resources }) = serde_json::from_str(text) else { return Vec::new() };
    let restores = resources.into_iter().filter(|resource| resource.kind == RESTORE);
    restores
        .flat_map(|resource| resource.instances)
        .filter_map(|Instance { attributes }| {
            let text = |name: &str| attributes.get(name).and_then(serde_json::Value::as_str);
            let id = text("snapshot_id")?.parse().ok()?;
            let target = text("path").or_else(|| text("volume")).map(str::to_owned);
            Some(Data { target, ..data(&id, text("restored_from").unwrap_or_default(), now) })
        })
        .collect()
}

/// A snapshot that came back.
pub fn data(id: &SnapshotId, store: &str, now: Moment) -> Data {
    Data {
        corpus: id.name().to_string(),
        target: None,
        snapshot: id.to_string(),
        store: store.to_owned(),
        taken_at: id.moment().to_string(),
        age_seconds: now.since(id.moment()).as_secs(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_tells_what_was_restored() {
        let state = r#"{"version":4,"resources":[
            {"mode":"managed","type":"windlass_corpus_restore","name":"this","instances":[
                {"index_key":"a","attributes":{"path":"/srv/a","snapshot_id":"snapshot-uploads-20261129T163200Z-1a2b3c4d","restored_from":"s3://b/p"}},
                {"index_key":"b","attributes":{"snapshot_id":null}}]},
            {"mode":"managed","type":"windlass_host","name":"h","instances":[{"attributes":{"snapshot_id":"x"}}]}]}"#;
        let now = Moment::from_compact("20261129T173200Z").unwrap();
        let [only] = &of_state(state, now)[..] else { panic!() };
        assert_eq!(
            (only.corpus.as_str(), only.age_seconds, only.taken_at.as_str()),
            ("uploads", 3600, "2026-11-29T16:32:00Z")
        );
        assert_eq!(only.target.as_deref(), Some("/srv/a"));
        assert_eq!(of_state("{}", now), []);
    }
}
