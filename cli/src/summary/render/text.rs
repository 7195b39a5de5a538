//! A summary for a terminal.

use std::fmt::Write;

use super::super::{Change, Summary};
use super::{diff, reasons, sentence};

/// The whole.
pub fn render(summary: &Summary) -> String {
    let mut text = format!("Plan: {}\n", summary.headline());
    let dangers = summary.dangers();
    if !dangers.is_empty() {
        text += "\nLook at these first:\n";
        for (change, danger) in dangers {
            let _ = writeln!(
                text,
                "  {}: {} is {}. {}",
                danger.risk.name(),
                change.address,
                change.action.words(),
                danger.text
            );
        }
    }
    for problem in &summary.problems {
        let what = if problem.is_error { "Error" } else { "Warning" };
        let _ = writeln!(text, "\n{what}: {}", problem.summary);
        problem.detail.lines().for_each(|line| text += &format!("  {line}\n"));
    }
    for (place, changes) in &summary.places {
        let _ = writeln!(text, "\n{}", place.name());
        changes.iter().for_each(|change| told(change, &mut text));
    }
    if !summary.outputs.is_empty() {
        text += "\nOutputs\n";
        let lines = summary.outputs.iter().flat_map(|output| &output.differences).flat_map(diff::lines);
        lines.for_each(|line| text += &format!("  {}\n", line.signed()));
    }
    if !summary.outside.is_empty() {
        text += "\nChanged outside of this configuration\n";
        for change in &summary.outside {
            let what = if change.action.removes() { "is gone" } else { "was changed" };
            let _ = writeln!(text, "  {} {what}", change.address);
            diff::of(change).iter().for_each(|line| text += &format!("      {}\n", line.signed()));
        }
    }
    text
}

fn told(change: &Change, text: &mut String) {
    let _ = writeln!(text, "  {} {} is {}", change.action.sign(), change.address, sentence(change));
    for service in &change.services {
        let why = reasons(service);
        let why = if why.is_empty() { why } else { format!(": {why}") };
        let _ = writeln!(text, "      service {} is {}{why}", service.name, service.what);
    }
    diff::of(change).iter().for_each(|line| {
        let _ = writeln!(text, "      {}", line.signed());
    });
}
