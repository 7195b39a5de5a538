//! Differences as lines of a diff.

use super::super::Change;
use super::super::values::{Difference, Shown};

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It comes.
    Added,
    /// It goes.
    Removed,
    /// It stays, or says something.
    Same,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is.
    pub kind: Kind,
    /// What it says.
    pub text: String,
}

impl Line {
    fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// With the sign of a diff before it.
    pub fn signed(&self) -> String {
        let sign = match self.kind {
            Kind::Added => '+',
            Kind::Removed => '-',
            Kind::Same => ' ',
        };
        format!("{sign} {}", self.text)
    }
}

/// Lines around a changed one that stay.
const CONTEXT: usize = 2;
/// What a comparison of two texts may cost, as lines of one times lines of the other.
const DEAREST: usize = 1_000_000;

/// The lines of a change.
pub fn of(change: &Change) -> Vec<Line> {
    change.differences.iter().flat_map(lines).collect()
}

/// The lines of one difference.
pub fn lines(of: &Difference) -> Vec<Line> {
    let replaces = if of.replaces { "  # forces replacement" } else { "" };
    let told = |kind, shown: &Shown| Line::new(kind, format!("{} = {}{replaces}", of.path, text(shown)));
    match (&of.before, &of.after) {
        (Shown::Sensitive, Shown::Sensitive) => {
            vec![Line::new(Kind::Same, format!("{} = (sensitive, another value){replaces}", of.path))]
        }
        (Shown::Lines(before), Shown::Lines(after)) => block(of, compare(before, after)),
        (Shown::Text(before), Shown::Lines(after)) => block(of, compare(&as_lines(before), after)),
        (Shown::Lines(before), Shown::Text(after)) => block(of, compare(before, &as_lines(after))),
        (Shown::Absent, Shown::Lines(after)) => block(of, compare(&[], after)),
        (Shown::Lines(before), Shown::Absent) => block(of, compare(before, &[])),
        (Shown::Absent, after) => vec![told(Kind::Added, after)],
        (before, Shown::Absent) => vec![told(Kind::Removed, before)],
        (before, after) => vec![told(Kind::Removed, before), told(Kind::Added, after)],
    }
}

fn text(shown: &Shown) -> String {
    match shown {
        Shown::Text(text) => text.clone(),
        Shown::Lines(lines) => format!("(a text of {} lines)", lines.len()),
        Shown::Sensitive => "(sensitive)".into(),
        Shown::Unknown => "(known after apply)".into(),
        Shown::Absent => "null".into(),
    }
}

/// A text of one line, beside one of several.
fn as_lines(text: &str) -> Vec<String> {
    let bare: Option<String> = serde_json::from_str(text).ok();
    bare.map_or_else(|| vec![text.to_owned()], |bare| bare.lines().map(str::to_owned).collect())
}

fn block(of: &Difference, inner: Vec<Line>) -> Vec<Line> {
    let replaces = if of.replaces { "  # forces replacement" } else { "" };
    let mut lines = vec![Line::new(Kind::Same, format!("{} ={replaces}", of.path))];
    lines.extend(inner.into_iter().map(|line| Line::new(line.kind, format!("  {}", line.text))));
    lines
}

/// Two texts line by line, with what stays around what changes.
fn compare(before: &[String], after: &[String]) -> Vec<Line> {
    let start = before.iter().zip(after).take_while(|(one, other)| one == other).count();
    let (before_rest, after_rest) = (&before[start..], &after[start..]);
    let end =
        before_rest.iter().rev().zip(after_rest.iter().rev()).take_while(|(one, other)| one == other).count();
    let (old, new) = (&before_rest[..before_rest.len() - end], &after_rest[..after_rest.len() - end]);
    let same = |lines: &[String]| lines.iter().map(|line| Line::new(Kind::Same, line)).collect::<Vec<_>>();
    let mut all = same(&before[..start]);
    if old.len().saturating_mul(new.len()) <= DEAREST {
        all.extend(longest_common(old, new));
    } else {
        all.extend(old.iter().map(|line| Line::new(Kind::Removed, line)));
        all.extend(new.iter().map(|line| Line::new(Kind::Added, line)));
    }
    all.extend(same(&before[before.len() - end..]));
    folded(all)
}

/// The shortest way from one text to the other.
fn longest_common(old: &[String], new: &[String]) -> Vec<Line> {
    let mut table = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for at in (0..old.len()).rev() {
        for other in (0..new.len()).rev() {
            table[at][other] = if old[at] == new[other] {
                table[at + 1][other + 1] + 1
            } else {
                table[at + 1][other].max(table[at][other + 1])
            };
        }
    }
    let (mut at, mut other, mut lines) = (0, 0, Vec::new());
    while at < old.len() || other < new.len() {
        if at < old.len() && other < new.len() && old[at] == new[other] {
            lines.push(Line::new(Kind::Same, &old[at]));
            (at, other) = (at + 1, other + 1);
        } else if other == new.len() || at < old.len() && table[at + 1][other] >= table[at][other + 1] {
            lines.push(Line::new(Kind::Removed, &old[at]));
            at += 1;
        } else {
            lines.push(Line::new(Kind::Added, &new[other]));
            other += 1;
        }
    }
    lines
}

/// Leaves out what stays far from what changes.
fn folded(all: Vec<Line>) -> Vec<Line> {
    let near = |at: usize| {
        let from = at.saturating_sub(CONTEXT);
        all.iter().skip(from).take(at - from + CONTEXT + 1).any(|line| line.kind != Kind::Same)
    };
    let kept: Vec<bool> = (0..all.len()).map(near).collect();
    let mut lines = Vec::new();
    let mut left_out = 0;
    for (line, kept) in all.into_iter().zip(kept) {
        if kept {
            lines.extend(gap(left_out));
            left_out = 0;
            lines.push(line);
        } else {
            left_out += 1;
        }
    }
    lines.extend(gap(left_out));
    lines
}

fn gap(lines: usize) -> Option<Line> {
    match lines {
        0 => None,
        1 => Some(Line::new(Kind::Same, "… (1 line as it was)")),
        lines => Some(Line::new(Kind::Same, format!("… ({lines} lines as they were)"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &str, after: &str) -> Vec<String> {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        compare(&lines(before), &lines(after)).iter().map(Line::signed).collect()
    }

    #[test]
    fn only_what_is_near_a_change_is_told() {
        assert_eq!(
            told("a b c d e f g h", "a b c d x f g h"),
            [
                "  … (2 lines as they were)",
                "  c",
                "  d",
                "- e",
                "+ x",
                "  f",
                "  g",
                "  … (1 line as it was)"
            ]
        );
        assert_eq!(told("a b", "a c b"), ["  a", "+ c", "  b"]);
        assert_eq!(told("x a y b", "a b z"), ["- x", "  a", "- y", "  b", "+ z"]);
    }

    #[test]
    fn values_are_told_by_what_may_be_said_of_them() {
        let line = |before, after| {
            let one = Difference { path: "p".into(), before, after, replaces: true };
            lines(&one).iter().map(Line::signed).collect::<Vec<_>>().join("|")
        };
        let text = |text: &str| Shown::Text(text.into());
        assert_eq!(line(text("1"), text("2")), "- p = 1  # forces replacement|+ p = 2  # forces replacement");
        assert_eq!(line(Shown::Absent, Shown::Unknown), "+ p = (known after apply)  # forces replacement");
        assert_eq!(
            line(Shown::Sensitive, Shown::Sensitive),
            "  p = (sensitive, another value)  # forces replacement"
        );
        assert_eq!(line(Shown::Sensitive, Shown::Absent), "- p = (sensitive)  # forces replacement");
    }
}
