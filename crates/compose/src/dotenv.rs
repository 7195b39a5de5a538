//! Which variables a dotenv text names.
//!
//! Compose reads values from such texts, and people keep a `.env.example` to say which ones there
//! have to be. Only names are of interest here, and whether anything stands behind them: what the
//! values are is for Compose to say.

use std::collections::BTreeMap;

use super::layout::is_variable_name;

/// A line that is neither a variable, nor a comment, nor empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {reason}")]
pub struct BadLine {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// The variables of a dotenv text, and whether it gives them a value that is not empty. Where one
/// is named twice the last one counts, as for Compose.
///
/// Understood are `NAME=value`, `NAME: value`, `NAME` alone, `export` before any of them, comments,
/// and quoted values, which may go over several lines.
///
/// # Errors
/// The first line that is none of these.
pub fn variables(text: &str) -> Result<BTreeMap<String, bool>, BadLine> {
    let text = text.trim_start_matches('\u{feff}');
    let mut found = BTreeMap::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if rest.starts_with('#') {
            rest = below(rest).trim_start();
            continue;
        }
        let bad = |reason| BadLine { line: line_of(text, rest), reason };
        let declared = exported(rest);
        let end = declared.find(|c: char| c == '=' || c == ':' || c.is_whitespace());
        let (name, tail) = declared.split_at(end.unwrap_or(declared.len()));
        if !is_variable_name(name) {
            return Err(bad("does not begin with the name of a variable"));
        }
        let tail = tail.trim_start_matches(BLANK);
        let (given, after) = match tail.strip_prefix(['=', ':']) {
            None if is_bare(tail) => (false, below(tail)),
            None => return Err(bad("has no `=` after its name")),
            Some(value) => value_of(value.trim_start_matches(BLANK)).map_err(bad)?,
        };
        found.insert(name.to_owned(), given);
        rest = after.trim_start();
    }
    Ok(found)
}

/// Whitespace within a line.
const BLANK: [char; 2] = [' ', '\t'];

/// Whether `value` begins with a value that is not empty, and what follows its last line.
fn value_of(value: &str) -> Result<(bool, &str), &'static str> {
    match value.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        Some(quote) => {
            let end = closing(&value[1..], quote).ok_or("opens a quote that is never closed")?;
            Ok((end > 0, below(&value[end + 1..])))
        }
        None => Ok((!is_bare(value), below(value))),
    }
}

/// Whether the first line of `text` is empty but for a comment.
fn is_bare(text: &str) -> bool {
    let line = text.split('\n').next().unwrap_or_default().trim();
    line.is_empty() || line.starts_with('#')
}

/// What follows the first line.
fn below(text: &str) -> &str {
    text.split_once('\n').map_or("", |(_, below)| below)
}

fn exported(text: &str) -> &str {
    let declared = text.strip_prefix("export").filter(|rest| rest.starts_with(BLANK));
    declared.map_or(text, |rest| rest.trim_start_matches(BLANK))
}

/// Where the closing quote is; a backslash keeps the next character from being one.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(at),
            _ => {}
        }
    }
    None
}

/// The number of the line that `rest`, an end of `text`, begins in.
fn line_of(text: &str, rest: &str) -> usize {
    text[..text.len() - rest.len()].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whatever_stands_behind_them() {
        for (text, expected) in [
            ("", vec![]),
            ("\u{feff}A=1", vec![("A", true)]),
            ("# A=1\n\n  # B\n", vec![]),
            (
                "A=\nB= \nC=''\nD=\"\"\nE= # later\nF",
                vec![("A", false), ("B", false), ("C", false), ("D", false), ("E", false), ("F", false)],
            ),
            ("export A=1\nexport\tB = 2\nC: 3\n", vec![("A", true), ("B", true), ("C", true)]),
            ("A=\"one\nB=no\n\\\"still\" # here\nC='x'\n", vec![("A", true), ("C", true)]),
            ("A=x#y\r\nB='#'\r\nC=\r\n", vec![("A", true), ("B", true), ("C", false)]),
            ("exported=1\nA.b-c_9=${X}\n", vec![("A.b-c_9", true), ("exported", true)]),
            ("A=1\nA=\n", vec![("A", false)]),
            ("A # only named\nB=last", vec![("A", false), ("B", true)]),
        ] {
            let found = variables(text).unwrap();
            let found: Vec<_> = found.iter().map(|(name, given)| (name.as_str(), *given)).collect();
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_variable_is_named_by_its_line() {
        for (text, line, words) in [
            ("A=1\n\n=x\n", 3, "name of a variable"),
            ("A=1\nhello there\n", 2, "no `=`"),
            ("# x\n1A=2", 2, "name of a variable"),
            ("A=1\nB=\"2\nC=3\n", 2, "never closed"),
        ] {
            let problem = variables(text).unwrap_err();
            assert_eq!(problem.line, line, "{text:?}");
            assert!(problem.to_string().contains(words), "{problem}");
        }
    }
}
