//! What is known of a drill when it is over.

use std::collections::BTreeMap;
use std::time::Instant;

use backup::Moment;
use serde::Serialize;

use crate::summary;

/// The form of the JSON.
const FORMAT_VERSION: u32 = 1;

/// A drill, from its begin to its end.
#[derive(Debug, Serialize)]
pub struct Record {
    format_version: u32,
    /// Its name.
    pub drill: String,
    /// Whether it began with what an interrupted one had left.
    pub resumed: bool,
    pub started_at: String,
    pub finished_at: String,
    /// Whether all went well, to the end.
    pub passed: bool,
    /// What did not, in a line each.
    pub failed: Vec<String>,
    /// What is still there, by its address.
    pub left: Vec<String>,
    /// From the begin of the plan until everything had answered; nothing where not everything did.
    pub recovery_seconds: Option<f64>,
    /// How old the oldest data were that came back, when the drill began.
    pub data_age_seconds: Option<u64>,
    /// What came back.
    pub data: Vec<Data>,
    pub steps: Vec<Step>,
    pub versions: Versions,
    pub state: StateFacts,
}

/// A corpus that came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Data {
    pub corpus: String,
    /// What it became on its server, where it stays when the rest is destroyed.
    pub target: Option<String>,
    pub snapshot: String,
    pub store: String,
    pub taken_at: String,
    pub age_seconds: u64,
}

/// Something that was done.
#[derive(Debug, Serialize)]
pub struct Step {
    pub step: Kind,
    /// Of several, which one.
    pub name: Option<String>,
    pub outcome: Outcome,
    pub seconds: f64,
    /// What was said of it, where it did not go well.
    pub message: Option<String>,
}

/// The kinds of steps, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What an interrupted drill has left is destroyed.
    Leftovers,
    Init,
    Plan,
    Apply,
    Restore,
    Probe,
    Command,
    Destroy,
}

impl Kind {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Leftovers => "leftovers",
            Self::Init => "init",
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Restore => "restore",
            Self::Probe => "probe",
            Self::Command => "command",
            Self::Destroy => "destroy",
        }
    }
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Done,
    Failed,
    Interrupted,
}

impl Outcome {
    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// With what it was done.
#[derive(Debug, Default, Serialize)]
pub struct Versions {
    pub windlass: String,
    pub core: String,
    pub platform: String,
    pub providers: BTreeMap<String, String>,
}

/// What state it had.
#[derive(Debug, Default, Serialize)]
pub struct StateFacts {
    pub file: String,
    pub lineage: String,
    pub serial: i64,
}

impl Record {
    /// One that begins now.
    pub fn new(drill: &str) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            drill: drill.to_owned(),
            resumed: false,
            started_at: Moment::now().to_string(),
            finished_at: String::new(),
            passed: false,
            failed: Vec::new(),
            left: Vec::new(),
            recovery_seconds: None,
            data_age_seconds: None,
            data: Vec::new(),
            steps: Vec::new(),
            versions: Versions::default(),
            state: StateFacts::default(),
        }
    }

    /// Keeps how a step went that began at `began`.
    pub fn keep(&mut self, (step, name): (Kind, Option<&str>), began: Instant, ended: Result<(), Wrong>) {
        let (outcome, message) = match ended {
            Ok(()) => (Outcome::Done, None),
            Err(Wrong::Failed(message)) => (Outcome::Failed, Some(told(message))),
            Err(Wrong::Interrupted(message)) => (Outcome::Interrupted, Some(told(message))),
        };
        let what = name.map_or_else(|| step.word().to_owned(), |name| format!("{} {name:?}", step.word()));
        if let Some(message) = &message {
            // Cores draw a box around what they say.
            let mut lines = message.lines().map(|line| line.trim_matches(['│', '╷', '╵', ' ']));
            let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
            self.failed.push(format!("{what}: {line}"));
        }
        let (name, seconds) = (name.map(str::to_owned), to_tenths(began.elapsed().as_secs_f64()));
        self.steps.push(Step { step, name, outcome, seconds, message });
    }

    /// That it is over.
    pub fn finish(&mut self) {
        self.finished_at = Moment::now().to_string();
        self.passed = self.failed.is_empty() && self.left.is_empty();
    }
}

/// How a step went wrong, with what was said of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// By itself.
    Failed(String),
    /// Somebody has ended it.
    Interrupted(String),
}

/// What was said, unless something would be in it that nobody may see.
fn told(message: String) -> String {
    match summary::scan(&message) {
        Ok(()) => message,
        Err(leak) => format!("What it said is left out here: {leak}."),
    }
}

/// A number of seconds as it is told.
pub fn to_tenths(seconds: f64) -> f64 {
    (seconds * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_credential_is_in_no_report() {
        let mut record = Record::new("d");
        let said = Wrong::Failed("clone of https://x:hunter22@example.org failed".into());
        record.keep((Kind::Command, Some("look")), Instant::now(), Err(said));
        record.finish();
        assert_eq!(
            record.failed,
            ["command \"look\": What it said is left out here: a password in a URL would be in it."]
        );
        assert!(!record.passed && !serde_json::to_string(&record).unwrap().contains("hunter22"));
    }
}
