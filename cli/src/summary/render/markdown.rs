//! A summary as Markdown, for a comment. Within a limit, what matters least is left out first.

use std::fmt::Write;

use super::super::{Change, Summary};
use super::{Rendered, diff, reasons, sentence};

/// How much is told.
#[derive(Clone, Copy, Debug)]
pub struct Detail {
    /// Lines of each diff.
    lines: usize,
    /// Changes of each place, in lists.
    changes: usize,
    /// Whether services are told one by one.
    services: bool,
}

impl Detail {
    /// All of it.
    pub const ALL: Self = Self { lines: usize::MAX, changes: usize::MAX, services: true };
    /// Less and less.
    const STEPS: [Self; 7] = [
        Self::ALL,
        Self { lines: 200, ..Self::ALL },
        Self { lines: 40, ..Self::ALL },
        Self { lines: 10, ..Self::ALL },
        Self { lines: 0, ..Self::ALL },
        Self { lines: 0, changes: 100, services: false },
        Self { lines: 0, changes: 10, services: false },
    ];
}

/// Diffs of more lines are folded.
const OPEN: usize = 12;
/// What stands at the end of a summary that is not whole.
const SHORTENED: &str =
    "\n_Something was left out here, to keep this short enough; the page has all of it._\n";

/// As much of it as fits.
pub fn within(summary: &Summary, limit: usize) -> Rendered {
    for (step, detail) in Detail::STEPS.into_iter().enumerate() {
        let mut text = render(summary, detail);
        let is_shortened = step > 0;
        if is_shortened {
            text += SHORTENED;
        }
        if text.len() <= limit {
            return Rendered { text, is_shortened };
        }
    }
    // Thousands of places, or of dangers: whole lines from the top, outside of anything that is open.
    let mut text = headline(summary);
    for line in dangers(summary).lines() {
        if text.len() + line.len() + 1 + SHORTENED.len() > limit {
            break;
        }
        text += line;
        text.push('\n');
    }
    Rendered { text: text + SHORTENED, is_shortened: true }
}

/// The whole with that much detail.
pub fn render(summary: &Summary, detail: Detail) -> String {
    let mut text = headline(summary);
    text += &dangers(summary);
    text += &problems(summary);
    for (place, changes) in &summary.places {
        let _ = writeln!(text, "\n#### {}\n", escaped(&place.name()));
        for change in changes.iter().take(detail.changes) {
            text += &told(change, detail);
        }
        if changes.len() > detail.changes {
            let _ = writeln!(text, "- … and {} more", changes.len() - detail.changes);
        }
    }
    text += &outputs(summary, detail);
    text += &outside(summary, detail);
    text
}

fn headline(summary: &Summary) -> String {
    let mut text = format!("### Plan: {}\n", summary.headline());
    if !summary.has_values && !summary.is_empty() {
        text += "\n_Made from a stream of messages, which has no values: it says what happens, and not what changes in it._\n";
    }
    text
}

fn dangers(summary: &Summary) -> String {
    let dangers = summary.dangers();
    if dangers.is_empty() {
        return String::new();
    }
    let mut text = String::from("\n> [!CAUTION]\n> **Look at these first:**\n");
    for (change, danger) in dangers {
        let _ = writeln!(
            text,
            "> - **{}**: {} is {}. {}",
            danger.risk.name(),
            code(&change.address),
            change.action.words(),
            with_code(&danger.text)
        );
    }
    text
}

fn problems(summary: &Summary) -> String {
    let mut text = String::new();
    for problem in &summary.problems {
        let what = if problem.is_error { "Error" } else { "Warning" };
        let _ = writeln!(text, "\n**{what}:** {}", escaped(&problem.summary));
        if !problem.detail.is_empty() {
            text += &fenced("", &problem.detail);
        }
    }
    text
}

fn told(change: &Change, detail: Detail) -> String {
    let mut text = format!(
        "- {} {} is {}\n",
        code(change.action.sign()),
        code(&change.address),
        with_code(&sentence(change))
    );
    if detail.services && !change.services.is_empty() {
        text += "\n  | service | what | why |\n  |---|---|---|\n";
        for service in &change.services {
            let cell = |text: &str| escaped(text).replace('|', "\\|");
            let _ = writeln!(
                text,
                "  | {} | {} | {} |",
                cell(&service.name),
                service.what,
                cell(&reasons(service))
            );
        }
        text.push('\n');
    }
    let lines = diff::of(change);
    if lines.is_empty() || detail.lines == 0 {
        return text;
    }
    let mut inner: Vec<String> = lines.iter().take(detail.lines).map(diff::Line::signed).collect();
    if lines.len() > detail.lines {
        inner.push(format!("  … ({} more lines)", lines.len() - detail.lines));
    }
    let block = fenced("diff", &inner.join("\n"));
    let block = if inner.len() > OPEN { folded(&format!("{} lines", lines.len()), &block) } else { block };
    text.push('\n');
    text + &indented(&block)
}

fn outputs(summary: &Summary, detail: Detail) -> String {
    let lines: Vec<String> = summary
        .outputs
        .iter()
        .flat_map(|output| output.differences.iter())
        .flat_map(diff::lines)
        .map(|line| line.signed())
        .collect();
    let count = summary.outputs.len();
    if count == 0 {
        return String::new();
    }
    let heading = if count == 1 { "1 output changes".into() } else { format!("{count} outputs change") };
    if lines.is_empty() || detail.lines == 0 {
        return format!("\n{heading}.\n");
    }
    let kept = lines.iter().take(detail.lines).cloned().collect::<Vec<_>>().join("\n");
    format!("\n{}", folded(&heading, &fenced("diff", &kept)))
}

fn outside(summary: &Summary, detail: Detail) -> String {
    if summary.outside.is_empty() {
        return String::new();
    }
    let mut inner = String::new();
    for change in summary.outside.iter().take(detail.changes) {
        let what = if change.action.removes() { "is gone" } else { "was changed" };
        let _ = writeln!(inner, "- {} {what}", code(&change.address));
        let lines: Vec<String> = diff::of(change).iter().take(detail.lines).map(diff::Line::signed).collect();
        if !lines.is_empty() {
            inner.push('\n');
            inner += &indented(&fenced("diff", &lines.join("\n")));
        }
    }
    let count = summary.outside.len();
    format!("\n{}", folded(&format!("Changed outside of this configuration: {count}"), &inner))
}

fn folded(heading: &str, inner: &str) -> String {
    format!("<details><summary>{}</summary>\n\n{inner}\n</details>\n", html(heading))
}

/// Two spaces before every line, as part of an item of a list.
fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".into() } else { format!("  {line}\n") }).collect()
}

/// A block that nothing in it ends.
fn fenced(language: &str, text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

/// Code in a line that nothing in it ends.
fn code(text: &str) -> String {
    let fence = "`".repeat(longest_run(text) + 1);
    let line = text.replace(['\n', '\r'], " ");
    let space = if line.starts_with('`') || line.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{line}{space}{fence}")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Text of others that means nothing to Markdown: no tag, no link, no mention of a person.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A mention would tell somebody.
            '@' => out.push_str("&#64;"),
            '\n' | '\r' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '!' | '~' => {
                out.push('\\');
                out.push(character);
            }
            other => out.push(other),
        }
    }
    out
}

/// A sentence of ours, in which names stand between backticks: they stay code, the rest is escaped.
fn with_code(text: &str) -> String {
    let pieces = text.split('`').enumerate();
    pieces.map(|(at, piece)| if at % 2 == 1 { code(piece) } else { escaped(piece) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_code_but_its_end() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`a"), "`` `a ``");
        assert!(fenced("diff", "+ ````\n+ x").starts_with("`````diff\n"));
    }

    #[test]
    fn text_of_others_means_nothing() {
        assert_eq!(escaped("<b>@all *x*\n[y]"), "&lt;b&gt;&#64;all \\*x\\* \\[y\\]");
        assert_eq!(with_code("the image `a_b` and a_b"), "the image `a_b` and a\\_b");
    }
}
