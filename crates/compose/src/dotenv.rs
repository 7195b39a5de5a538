//! Dotenv texts, statement by statement.
//!
//! What the values are is for Compose to say. Here is known which variables a text sets, in which
//! line, and where each statement begins and ends, so that one can be taken out of it. Statements are
//! told apart as Compose does (`dotenv/parser.go` of github.com/compose-spec/compose-go, 2.0 to
//! 2.15): `NAME=value`, `NAME: value`, `NAME` alone, `export` before any of them; a value in single or
//! double quotes may go over several lines and ends at its quote, any other one with its line; lines
//! that begin with `#` say nothing; a byte order mark at the beginning is no part of the text.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::interpolation;

/// What editors put before a text to say how it is encoded.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A line that is neither a variable, nor a comment, nor empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} {reason}")]
pub struct BadLine {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// One variable of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement<'t> {
    /// Its name.
    pub name: &'t str,
    /// The number of its line, from 1.
    pub line: usize,
    /// What it is given.
    pub value: Value<'t>,
    /// Where it stands in the text, in bytes, without the end of its line.
    span: Range<usize>,
}

/// What a variable is given, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'t> {
    /// Only its name stands there: the value is whatever it is outside of the text.
    Inherited,
    /// Without quotes: variables in it are filled in.
    Plain(&'t str),
    /// In double quotes: so they are here, and a backslash takes the meaning from a dollar sign.
    Double(&'t str),
    /// In single quotes: as it is.
    Single(&'t str),
}

impl Value<'_> {
    /// Whether anything stands there.
    fn is_given(&self) -> bool {
        match self {
            Self::Inherited => false,
            Self::Plain(text) => !text.is_empty() && !text.starts_with('#'),
            Self::Double(text) | Self::Single(text) => !text.is_empty(),
        }
    }

    /// The part of it that Compose interpolates.
    pub fn interpolated(&self) -> String {
        match self {
            Self::Inherited | Self::Single(_) => String::new(),
            Self::Plain(text) => (*text).to_owned(),
            Self::Double(text) => text.replace("\\$", "$$"),
        }
    }
}

/// The statements of `text`, up to the first line that is none, and what is wrong with that.
pub fn statements(text: &str) -> (Vec<Statement<'_>>, Option<BadLine>) {
    let mut found = Vec::new();
    let mut at = text.len() - text.trim_start_matches(BYTE_ORDER_MARK).len();
    loop {
        let rest = text[at..].trim_start();
        at = text.len() - rest.len();
        if rest.is_empty() {
            return (found, None);
        }
        if rest.starts_with('#') {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        match statement(text, at) {
            Ok(one) => {
                at = one.span.end;
                found.push(one);
            }
            Err(reason) => return (found, Some(BadLine { line: line_of(text, at), reason })),
        }
    }
}

/// The variables of a dotenv text, and whether it gives them a value that is not empty. Where one
/// is named twice the last one counts, as for Compose.
///
/// # Errors
/// The first line that is no statement, or has a name that is none.
pub fn variables(text: &str) -> Result<BTreeMap<String, bool>, BadLine> {
    let (statements, problem) = statements(text);
    if let Some(odd) = statements.iter().find(|one| !is_variable_name(one.name)) {
        return Err(BadLine { line: odd.line, reason: NO_NAME });
    }
    match problem {
        Some(problem) => Err(problem),
        None => Ok(statements.iter().map(|one| (one.name.to_owned(), one.value.is_given())).collect()),
    }
}

/// `text` without the statements about `names`, and without a byte order mark. Every other statement
/// stays in its line.
pub fn without(text: &str, names: &BTreeSet<&str>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = text.len() - text.trim_start_matches(BYTE_ORDER_MARK).len();
    for one in statements(text).0.iter().filter(|one| names.contains(one.name)) {
        out.push_str(&text[from..one.span.start]);
        out.extend(text[one.span.clone()].matches('\n'));
        from = one.span.end;
    }
    out.push_str(&text[from..]);
    out
}

/// A text that says what `first` does, and what `second` says of other variables. Compose fills in
/// `second` with what `first` has set, and not the other way round.
pub fn followed_by(first: &str, second: &str) -> String {
    let (statements, _) = statements(first);
    let end = if first.is_empty() || first.ends_with('\n') { "" } else { "\n" };
    format!("{first}{end}{}", without(second, &statements.iter().map(|one| one.name).collect()))
}

/// The statement of `text` whose value has something in it, by the words of Compose: these quote what
/// they are about, and tell no line where an interpolation is the trouble.
pub fn line_with(text: &str, quoted: &str) -> Option<usize> {
    let (statements, _) = statements(text);
    let found = statements.iter().find(|one| text[one.span.clone()].contains(quoted));
    found.map(|one| one.line)
}

/// The value of a variable that something has to be decided by before Compose is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The text does not set it.
    Unset,
    /// Its value.
    Value(String),
    /// It takes the value of this variable, which is not known.
    Unknown(String),
}

/// The value that `text` gives the variable `name`. What is `given` from outside wins for every
/// variable in it; `Err` there is a value that is not known.
pub fn setting(text: &str, name: &str, given: &dyn Fn(&str) -> Result<Option<String>, ()>) -> Setting {
    let (statements, _) = statements(text);
    value_before(&statements, name, given)
        .map_or_else(Setting::Unknown, |value| value.map_or(Setting::Unset, Setting::Value))
}

/// The last value that one of `statements` gives `name`; `Err` is the variable that is not known.
fn value_before(
    statements: &[Statement<'_>],
    name: &str,
    given: &dyn Fn(&str) -> Result<Option<String>, ()>,
) -> Result<Option<String>, String> {
    let Some(at) = statements.iter().rposition(|one| one.name == name) else { return Ok(None) };
    let value = match statements[at].value {
        Value::Inherited => return Ok(None),
        Value::Single(text) => return Ok(Some(text.to_owned())),
        value @ (Value::Plain(_) | Value::Double(_)) => value.interpolated(),
    };
    let lookup = |name: &str| match given(name) {
        Ok(Some(value)) => Ok(Some(value)),
        Ok(None) => value_before(&statements[..at], name, given),
        Err(()) => Err(name.to_owned()),
    };
    interpolation::filled(&value, &lookup).map(Some)
}

/// The variables of a text whose values take, by way of other lines too, those of variables that
/// nothing sets, each with the names of these. What is given from outside under a name wins over its
/// lines.
pub fn built_on_missing(
    text: &str,
    given: &dyn Fn(&str) -> bool,
    known: &dyn Fn(&str) -> interpolation::Known,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for one in statements(text).0.into_iter().filter(|one| !given(one.name)) {
        let value = one.value.interpolated();
        let mut roots = BTreeSet::new();
        for name in interpolation::taken(&value, known) {
            if known(name) == interpolation::Known::Unset {
                roots.insert(name.to_owned());
            }
            roots.extend(found.get(name).into_iter().flatten().cloned());
        }
        found.insert(one.name.to_owned(), roots);
    }
    found.retain(|_, roots| !roots.is_empty());
    found
}

/// The statements whose values take those of variables that nothing sets.
pub fn missing<'t>(
    text: &'t str,
    known: &dyn Fn(&str) -> interpolation::Known,
) -> Vec<(Statement<'t>, BTreeSet<String>)> {
    let names = |one: &Statement<'_>| -> BTreeSet<String> {
        interpolation::missing(&one.value.interpolated(), known).into_iter().map(str::to_owned).collect()
    };
    let found = statements(text).0.into_iter().map(|one| (names(&one), one));
    found.filter(|(names, _)| !names.is_empty()).map(|(names, one)| (one, names)).collect()
}

/// Whether Compose can read a variable of this name from a file.
pub fn is_variable_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}

/// The values of a dotenv text as they are written, without their quotes.
pub fn written_values(text: &str) -> impl Iterator<Item = &str> {
    statements(text).0.into_iter().filter_map(|one| match one.value {
        Value::Inherited => None,
        Value::Plain(value) | Value::Double(value) | Value::Single(value) => Some(value),
    })
}

/// What is wrong with a line that has no name.
const NO_NAME: &str = "does not begin with the name of a variable";

/// The statement that begins at `at`.
fn statement(text: &str, at: usize) -> Result<Statement<'_>, &'static str> {
    let declared = exported(&text[at..]);
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '[' | ']');
    let end = declared.find(|c| !is_name(c)).unwrap_or(declared.len());
    let (name, tail) = declared.split_at(end);
    if name.is_empty() {
        return Err(NO_NAME);
    }
    let tail = tail.trim_start_matches(is_blank);
    let (value, rest) = match tail.strip_prefix(['=', ':']) {
        Some(value) => value_of(value.trim_start_matches(is_blank))?,
        None if is_bare(tail) => (Value::Inherited, line_end(tail)),
        None => return Err("has no `=` after its name"),
    };
    Ok(Statement { name, line: line_of(text, at), value, span: at..text.len() - rest.len() })
}

/// Whitespace within a line.
fn is_blank(c: char) -> bool {
    c != '\n' && c.is_whitespace()
}

/// The value that `text` begins with, and what follows it.
fn value_of(text: &str) -> Result<(Value<'_>, &str), &'static str> {
    let quoted = |quote: char| {
        let inside = &text[1..];
        let end = closing(inside, quote).ok_or("opens a quote that is never closed")?;
        Ok::<_, &'static str>((&inside[..end], &inside[end + 1..]))
    };
    Ok(match text.chars().next() {
        Some(quote @ '\'') => quoted(quote).map(|(value, rest)| (Value::Single(value), rest))?,
        Some(quote @ '"') => quoted(quote).map(|(value, rest)| (Value::Double(value), rest))?,
        _ => {
            let rest = line_end(text);
            let line = &text[..text.len() - rest.len()];
            let value = line.split_once(" #").map_or(line, |(value, _)| value);
            (Value::Plain(value.trim_end()), rest)
        }
    })
}

/// Whether the first line of `text` is empty but for a comment.
fn is_bare(text: &str) -> bool {
    let line = text.split('\n').next().unwrap_or_default().trim();
    line.is_empty() || line.starts_with('#')
}

/// What follows the first line, beginning with its end.
fn line_end(text: &str) -> &str {
    &text[text.find('\n').unwrap_or(text.len())..]
}

fn exported(text: &str) -> &str {
    let declared = text.strip_prefix("export").filter(|rest| rest.starts_with(is_blank));
    declared.map_or(text, |rest| rest.trim_start_matches(is_blank))
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

/// The number of the line that `at` is in.
fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interpolation::Known;

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
            ("A='1' B=2\n", vec![("A", true), ("B", true)]),
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

    #[test]
    fn what_is_taken_out_leaves_the_others_where_they_are() {
        let names = BTreeSet::from(["A", "LONG"]);
        for (text, expected) in [
            ("\u{feff}A=1\nB=$A\n", "\nB=$A\n"),
            ("export A = 1 # one\r\nAB=2\r\n", "\nAB=2\r\n"),
            ("LONG=\"one\nA=2\nthree\" # end\nB=1\n", "\n\n # end\nB=1\n"),
            ("B='\nA=1\n'\nA\nC=1", "B='\nA=1\n'\n\nC=1"),
            ("# A=1\nA: x\n", "# A=1\n\n"),
            ("A='1' B=2\n", " B=2\n"),
            ("A=1\nB=\"never\nA=2\n", "\nB=\"never\nA=2\n"),
        ] {
            let left = without(text, &names);
            assert_eq!(left, expected, "{text:?}");
            let count = |text: &str| text.matches('\n').count();
            assert_eq!(count(&left), count(text), "{text:?}");
        }
    }

    #[test]
    fn dollar_signs_are_found_where_compose_takes_them_for_variables() {
        let text = "A=x\nP=abc$def\nQ='$def'\nR=\"a\\$def ${ghi}\"\nS=$$def ${A}\nT=a #$def\n";
        let known = |name: &str| if name == "A" { Known::Given } else { Known::Unset };
        let found = missing(text, &known);
        let found: Vec<_> = found
            .iter()
            .map(|(one, names)| (one.line, one.name, names.iter().map(String::as_str).collect::<Vec<_>>()))
            .collect();
        assert_eq!(found, [(2, "P", vec!["def"]), (4, "R", vec!["ghi"])]);
        assert_eq!(line_with(text, "${ghi}"), Some(4));
        assert_eq!(line_with(text, "$nowhere"), None);
    }

    #[test]
    fn a_value_is_built_on_what_is_missing_by_way_of_other_lines() {
        let text = "A=x$def\nB=${A}-$C\nC=1\nD=${A:+y}\nE=$A\nE=2\nF='$def'\nG=${C:-$A}\n";
        let known = |name: &str| match name {
            "def" => Known::Unset,
            _ => Known::Given,
        };
        let found = built_on_missing(text, &|name| name == "G", &known);
        let def = || BTreeSet::from(["def".to_owned()]);
        assert_eq!(found, BTreeMap::from([("A".to_owned(), def()), ("B".to_owned(), def())]));
        assert!(built_on_missing(text, &|name| name == "A", &known).is_empty());
    }

    #[test]
    fn names_that_compose_cannot_read_are_known() {
        assert!(is_variable_name("A_b.c-9") && is_variable_name("_x"));
        assert!(!is_variable_name("") && !is_variable_name("9a") && !is_variable_name("a b"));
        assert!(!is_variable_name("A=B") && !is_variable_name("\u{e4}"));
    }
}
