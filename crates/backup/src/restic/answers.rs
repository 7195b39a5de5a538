//! What restic answers, in JSON. Pure.

use serde::Deserialize;

use super::commands::{kept_until, volume_of};
use crate::moment::Moment;

/// The oldest version whose exit codes tell what happened.
const OLDEST: [u64; 3] = [0, 17, 1];

/// How many words of errors a message has.
const SAID: usize = 10;

/// How far a backup is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
pub struct Progress {
    /// From 0 to 1.
    #[serde(default)]
    pub percent_done: f64,
    /// Files so far.
    #[serde(default)]
    pub files_done: u64,
    /// Bytes so far.
    #[serde(default)]
    pub bytes_done: u64,
}

/// What a backup was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Summary {
    #[serde(default)]
    pub(super) snapshot_id: String,
    #[serde(default)]
    pub(super) total_files_processed: u64,
    #[serde(default)]
    pub(super) total_bytes_processed: u64,
    #[serde(default)]
    pub(super) data_added_packed: u64,
}

/// A line of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Line {
    Status(Progress),
    Summary(Summary),
    /// Something that failed, or why all of it did.
    Error(String),
    Other,
}

impl Line {
    /// What a line says; one that is not JSON is words of restic's.
    pub(super) fn of(line: &str) -> Self {
        #[derive(Deserialize)]
        struct Message {
            #[serde(default)]
            message_type: String,
            #[serde(default)]
            message: String,
            #[serde(default)]
            item: String,
            #[serde(default)]
            error: Option<Inner>,
        }
        #[derive(Deserialize)]
        struct Inner {
            #[serde(default)]
            message: String,
        }
        let Ok(message) = serde_json::from_str::<Message>(line) else {
            let line = line.trim();
            return if line.is_empty() || line.starts_with('{') || line.starts_with('[') {
                Self::Other
            } else {
                Self::Error(line.to_owned())
            };
        };
        match message.message_type.as_str() {
            "status" => serde_json::from_str(line).map_or(Self::Other, Self::Status),
            "summary" => serde_json::from_str(line).map_or(Self::Other, Self::Summary),
            "error" => {
                let said = message.error.map_or(message.message, |error| error.message);
                Self::Error(if message.item.is_empty() { said } else { format!("{}: {said}", message.item) })
            }
            "exit_error" => Self::Error(message.message),
            _ => Self::Other,
        }
    }
}

/// The errors of an answer, as one text: at most the last few.
pub(super) fn said(answers: &[&str]) -> String {
    let lines = answers.iter().flat_map(|answer| answer.lines());
    let errors: Vec<String> = lines
        .filter_map(|line| match Line::of(line) {
            Line::Error(said) if !said.is_empty() => Some(said),
            _ => None,
        })
        .collect();
    match errors.len() {
        0 => "it said nothing".to_owned(),
        count => errors[count.saturating_sub(SAID)..].join("; "),
    }
}

/// Whether a version, as restic tells it, is new enough; itself, where it is not.
pub(super) fn too_old(answer: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Version {
        version: String,
    }
    let version = match serde_json::from_str::<Version>(answer) {
        Ok(told) => told.version,
        Err(_) => answer.split_whitespace().nth(1).unwrap_or("of an unknown version").to_owned(),
    };
    let numbers: Vec<u64> = version
        .split(|c: char| !c.is_ascii_digit())
        .map_while(|number| number.parse().ok())
        .take(OLDEST.len())
        .collect();
    (numbers < OLDEST.to_vec()).then_some(version)
}

/// A snapshot in a repository.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ResticSnapshot {
    /// Its id, of 64 hexadecimal digits.
    pub id: String,
    time: String,
    /// What it is of.
    #[serde(default)]
    pub paths: Vec<String>,
    /// What the host called itself.
    #[serde(default)]
    pub hostname: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    summary: Option<Summary>,
}

impl ResticSnapshot {
    /// When it was begun.
    pub fn moment(&self) -> Option<Moment> {
        Moment::parse(&self.time)
    }

    /// Nobody removes it before that.
    pub fn keep_until(&self) -> Option<Moment> {
        kept_until(&self.tags)
    }

    /// The volume that it is of, where it is.
    pub fn volume(&self) -> Option<String> {
        volume_of(&self.tags)
    }

    /// Its files, the bytes in them, and those that were new to the repository; of one that an old restic took, none of
    /// it is known.
    pub fn totals(&self) -> Option<[u64; 3]> {
        let summary = self.summary.as_ref()?;
        Some([summary.total_files_processed, summary.total_bytes_processed, summary.data_added_packed])
    }

    pub(super) fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|one| one == tag)
    }
}

/// The snapshots of an answer, newest first.
pub(super) fn snapshots(answer: &str) -> Result<Vec<ResticSnapshot>, serde_json::Error> {
    // Where there are none, some versions say so in another word.
    let found: Option<Vec<ResticSnapshot>> = serde_json::from_str(answer)?;
    let mut found = found.unwrap_or_default();
    found.sort_by(|a, b| (b.moment(), &b.id).cmp(&(a.moment(), &a.id)));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_understood() {
        let status =
            r#"{"message_type":"status","percent_done":0.5,"total_files":4,"files_done":2,"bytes_done":10}"#;
        assert_eq!(
            Line::of(status),
            Line::Status(Progress { percent_done: 0.5, files_done: 2, bytes_done: 10 })
        );
        let error = r#"{"message_type":"error","error":{"message":"permission denied"},"during":"archival","item":"/srv/a"}"#;
        let exit =
            r#"{"message_type":"exit_error","code":12,"message":"Fatal: wrong password or no key found"}"#;
        let summary = r#"{"message_type":"summary","total_files_processed":3,"total_bytes_processed":9,"data_added":8,"data_added_packed":7,"snapshot_id":"ab"}"#;
        let Line::Summary(found) = Line::of(summary) else { panic!() };
        assert_eq!(
            (found.snapshot_id.as_str(), found.total_files_processed, found.data_added_packed),
            ("ab", 3, 7)
        );
        assert_eq!(
            said(&[&format!("{status}\n{error}\n"), &format!("{exit}\nwords\n{{broken\n")]),
            "/srv/a: permission denied; Fatal: wrong password or no key found; words"
        );
        let check = r#"{"message_type":"error","message":"Pack ID does not match"}"#;
        assert_eq!(said(&["", check]), "Pack ID does not match");
        assert_eq!(said(&["", status]), "it said nothing");
    }

    #[test]
    fn versions_are_compared() {
        for answer in [
            "restic 0.17.1 compiled with go1.23 on linux/amd64",
            "restic 0.18.0-dev (compiled manually) compiled with go1.24",
            r#"{"message_type":"version","version":"0.18.1","go_version":"go1.24"}"#,
            "restic 1.0.0 compiled",
        ] {
            assert_eq!(too_old(answer), None, "{answer}");
        }
        assert_eq!(too_old("restic 0.14.0 compiled with go1.19").as_deref(), Some("0.14.0"));
        assert_eq!(too_old("restic 0.17.0 compiled").as_deref(), Some("0.17.0"));
        assert_eq!(too_old("").as_deref(), Some("of an unknown version"));
    }

    #[test]
    fn snapshots_are_read_newest_first() {
        let answer = r#"[
            {"time":"2026-11-29T10:00:00.5+01:00","paths":["/srv"],"hostname":"web","tags":["windlass:prod"],"id":"a1","short_id":"a1","tree":"x"},
            {"time":"2026-11-30T09:00:00Z","paths":["/srv"],"hostname":"web","id":"b2",
             "tags":["windlass:prod","windlass-keep-until:20261230T120000Z"],
             "summary":{"total_files_processed":5,"total_bytes_processed":6,"data_added_packed":2,"files_new":1}}
        ]"#;
        let found = snapshots(answer).unwrap();
        assert_eq!(found.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["b2", "a1"]);
        assert_eq!(found[0].totals(), Some([5, 6, 2]));
        assert_eq!(found[0].keep_until(), Moment::parse("2026-12-30T12:00:00Z"));
        assert_eq!((found[1].totals(), found[1].keep_until(), found[1].volume()), (None, None, None));
        assert_eq!(found[1].moment(), Moment::parse("2026-11-29T09:00:00Z"));
        assert!(found[1].has_tag("windlass:prod") && !found[1].has_tag("windlass:pro"));
        assert_eq!(snapshots("null").unwrap(), []);
        assert_eq!(snapshots("[]").unwrap(), []);
        snapshots("nothing").unwrap_err();
    }
}
