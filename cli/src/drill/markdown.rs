//! A drill as people read it.

use std::fmt::Write as _;

use super::record::{Record, Step};
use crate::report::{fenced, last};

/// So much is told of what a step said, from its end.
const LONGEST: usize = 4000;

/// The report.
pub fn markdown(record: &Record) -> String {
    let mut text = format!("# Drill `{}`: {}\n\n| | |\n|---|---|\n", record.drill, outcome(record));
    for (name, value) in facts(record) {
        let _ = writeln!(text, "| {name} | {} |", cell(&value));
    }
    text += "\n## Steps\n\n| step | | outcome | time |\n|---|---|---|---:|\n";
    for Step { step, name, outcome, seconds, .. } in &record.steps {
        let name = cell(name.as_deref().unwrap_or_default());
        let _ = writeln!(text, "| {} | {name} | {} | {} |", step.word(), outcome.word(), time(*seconds));
    }
    if !record.data.is_empty() {
        text += "\n## Data\n\n| corpus | snapshot | taken at | age | from |\n|---|---|---|---:|---|\n";
        for data in &record.data {
            let age = age(data.age_seconds);
            let [corpus, snapshot, taken, store] =
                [&data.corpus, &data.snapshot, &data.taken_at, &data.store].map(|text| cell(text));
            let _ = writeln!(text, "| {corpus} | `{snapshot}` | {taken} | {age} | {store} |");
        }
        let targets: Vec<&str> = record.data.iter().filter_map(|data| data.target.as_deref()).collect();
        if !targets.is_empty() {
            let _ = writeln!(
                text,
                "\nWhat came back stays on its server when the rest is destroyed ({}): a server that is not thrown away has it \
                 removed before the next drill.",
                targets.join(", ")
            );
        }
    }
    if !record.failed.is_empty() {
        text += "\n## What failed\n";
        for line in &record.failed {
            let _ = write!(text, "\n- {}", line.replace('\n', " "));
        }
        text += "\n";
        let said = record.steps.iter().filter_map(|step| Some((step, step.message.as_deref()?)));
        for (step, message) in said {
            let _ = write!(text, "\n{}:\n\n{}\n", step.step.word(), fenced(last(message.trim(), LONGEST)));
        }
    }
    if !record.left.is_empty() {
        text += "\n## What is left\n\n";
        for address in &record.left {
            let _ = writeln!(text, "- `{address}`");
        }
        text += "\nThe next drill destroys first what the state has; `windlass drill destroy` does nothing else.\n";
    }
    text += "\n## Versions\n\n";
    let versions = &record.versions;
    let _ = writeln!(text, "- windlass {}", versions.windlass);
    if !versions.core.is_empty() {
        let _ = writeln!(text, "- {} on {}", versions.core, versions.platform);
    }
    for (provider, version) in &versions.providers {
        let _ = writeln!(text, "- {provider} {version}");
    }
    text
}

/// The same in a few lines, for those whom it is reported to: without what is another each time.
pub fn told(record: &Record) -> String {
    let mut lines = record.failed.clone();
    let said = record.steps.iter().filter_map(|step| step.message.as_deref());
    lines.extend(said.map(|message| format!("\n{}", last(message.trim(), LONGEST))));
    if !record.left.is_empty() {
        lines.push(format!(
            "\nIt is not all destroyed: {} is left. The next drill destroys first what the state has.",
            record.left.join(", ")
        ));
    }
    lines.join("\n")
}

/// How it went, in a few words.
pub fn outcome(record: &Record) -> &'static str {
    match (record.passed, record.left.is_empty()) {
        (true, _) => "passed",
        (false, true) => "failed",
        (false, false) => "failed, and not destroyed",
    }
}

fn facts(record: &Record) -> Vec<(&'static str, String)> {
    let none = || "—".to_owned();
    let mut rows = vec![
        ("began", record.started_at.clone()),
        ("ended", record.finished_at.clone()),
        ("time to recovery", record.recovery_seconds.map_or_else(none, time)),
        ("age of the data", record.data_age_seconds.map_or_else(none, age)),
        ("what failed", if record.failed.is_empty() { "nothing".into() } else { record.failed.join("; ") }),
        (
            "what is left",
            if record.left.is_empty() { "nothing".into() } else { record.left.len().to_string() },
        ),
    ];
    if record.resumed {
        rows.push(("resumed", "it went on with what an interrupted one had left".to_owned()));
    }
    rows
}

/// A time as people tell it.
fn time(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a time of hours")]
    age(seconds.round() as u64)
}

/// The same, of what is old.
fn age(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) if minutes == 0 => format!("{seconds} s"),
        (0, 0) => format!("{minutes} min {} s", seconds % 60),
        (0, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// A text that ends no row of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::super::record::{Data, Kind, Wrong};
    use super::*;
    use std::time::Instant;

    fn record() -> Record {
        let mut record = Record::new("monthly");
        record.started_at = "2026-11-30T03:41:00Z".into();
        record.keep((Kind::Plan, None), Instant::now(), Ok(()));
        // However long a busy machine took for that.
        record.steps.iter_mut().for_each(|step| step.seconds = 0.0);
        record.data.push(Data {
            corpus: "uploads".into(),
            target: Some("/srv/uploads".into()),
            snapshot: "snapshot-uploads-20261129T163200Z-1a2b3c4d".into(),
            store: "s3://b/p".into(),
            taken_at: "2026-11-29T16:32:00Z".into(),
            age_seconds: 40_140,
        });
        (record.recovery_seconds, record.data_age_seconds) = (Some(252.0), Some(40_140));
        record.versions.windlass = "0.1.0".into();
        record
    }

    #[test]
    fn what_went_well_is_told() {
        let mut record = record();
        record.finish();
        record.finished_at = "2026-11-30T03:50:00Z".into();
        assert_eq!(
            markdown(&record),
            "# Drill `monthly`: passed\n\n| | |\n|---|---|\n| began | 2026-11-30T03:41:00Z |\n\
             | ended | 2026-11-30T03:50:00Z |\n| time to recovery | 4 min 12 s |\n| age of the data | 11 h 9 min |\n\
             | what failed | nothing |\n| what is left | nothing |\n\n## Steps\n\n| step | | outcome | time |\n\
             |---|---|---|---:|\n| plan |  | done | 0.0 s |\n\n## Data\n\n\
             | corpus | snapshot | taken at | age | from |\n|---|---|---|---:|---|\n\
             | uploads | `snapshot-uploads-20261129T163200Z-1a2b3c4d` | 2026-11-29T16:32:00Z | 11 h 9 min | s3://b/p |\n\n\
             What came back stays on its server when the rest is destroyed (/srv/uploads): a server that is not thrown away has \
             it removed before the next drill.\n\n\
             ## Versions\n\n- windlass 0.1.0\n"
        );
        assert_eq!(told(&record), "");
    }

    #[test]
    fn what_failed_and_what_is_left_is_told() {
        let mut record = record();
        let said = "Error: no such image\n\non main.tf line 3".to_owned();
        record.keep((Kind::Probe, Some("a|b")), Instant::now(), Err(Wrong::Failed(said)));
        record.left.push("hcloud_server.web".into());
        record.finish();
        let text = markdown(&record);
        for expected in [
            "# Drill `monthly`: failed, and not destroyed\n",
            "| what failed | probe \"a\\|b\": Error: no such image |\n| what is left | 1 |\n",
            "| probe | a\\|b | failed | ",
            "## What failed\n\n- probe \"a|b\": Error: no such image\n\nprobe:\n\n```text\nError: no such image\n\non main.tf line 3\n```\n",
            "## What is left\n\n- `hcloud_server.web`\n",
        ] {
            assert!(text.contains(expected), "{expected}\n\n{text}");
        }
        assert!(
            told(&record)
                .ends_with("hcloud_server.web is left. The next drill destroys first what the state has.")
        );
    }
}
