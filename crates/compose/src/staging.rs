//! Which of a stack's files Compose itself reads: only these go to the host for a plan.
//!
//! Compose files name others (`include`, `extends`, `env_file`, `label_file`), also by way of
//! anchors and interpolation, so their meaning is not parsed here: a file counts as read when its
//! name appears in a Compose file that is read, or when an interpolated name there could become
//! it. That takes in some files too many, never one too few.

use std::collections::{BTreeMap, BTreeSet};

use super::layout::ENV_FILE;

/// Files above this size are no env files but data that is mounted; a plan does not send them.
const LARGEST: u64 = 1 << 20;

/// Keys whose values name files that Compose reads.
const KEYS: [&str; 5] = ["env_file", "include", "extends", "label_file", "path"];
/// `file` names such a file under `extends` only, but configs and secrets have it as well.
const FILE_KEY: &str = "file";

/// The files of `shipped` (path to size) that Compose may read for a project of `compose_files`. Only
/// Compose files are read for that, by `read`.
pub fn needed(
    shipped: &BTreeMap<String, u64>,
    compose_files: &[String],
    read: impl Fn(&str) -> Vec<u8>,
) -> BTreeSet<String> {
    let mut needed: BTreeSet<String> =
        shipped.keys().filter(|path| name_of(path) == ENV_FILE).cloned().collect();
    let mut unread: Vec<String> = compose_files.to_vec();
    while let Some(path) = unread.pop() {
        if !shipped.contains_key(&path) || needed.contains(&path) {
            continue;
        }
        let content = read(&path);
        needed.insert(path);
        let text = String::from_utf8_lossy(&content);
        let patterns = patterns(&text);
        for (other, size) in shipped {
            if needed.contains(other) || !named(other, *size, &text, &patterns) {
                continue;
            }
            if is_compose(other) {
                unread.push(other.clone());
            } else {
                needed.insert(other.clone());
            }
        }
    }
    needed
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_compose(path: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|ending| path.ends_with(ending))
}

fn named(path: &str, size: u64, text: &str, patterns: &[Vec<String>]) -> bool {
    let name = name_of(path);
    (size <= LARGEST || is_compose(path))
        && (appears(name, text) || patterns.iter().any(|pattern| fits(name, pattern)))
}

/// Whether `name` is in the text as a word of its own, not as a part of a longer name.
pub fn appears(name: &str, text: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(goes_on) && !after.is_some_and(goes_on)
    })
}

/// Stands for one interpolation.
const HOLE: char = '\0';

/// The interpolated file names in a Compose file: the fixed parts around each `${…}`.
///
/// Values count where a key that names files stands on the same line or on a less indented one
/// above; everything else that is interpolated (images, variables) is no file. Where an alias
/// stands for such a value, it may be anywhere.
fn patterns(text: &str) -> Vec<Vec<String>> {
    let text = with_holes(text);
    let lines: Vec<_> = in_context(&text);
    let lines = if lines.iter().any(|line| line.contains('*')) { text.lines().collect() } else { lines };
    lines
        .into_iter()
        .flat_map(words)
        .filter(|word| word.contains(HOLE))
        .map(|word| word.split(HOLE).map(str::to_owned).collect())
        .collect()
}

/// The lines that are, or belong to, the value of a key that names files.
fn in_context(text: &str) -> Vec<&str> {
    let mut context: Option<usize> = None;
    let mut lines = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let indent = line.len() - line.trim_start().len();
        if context.is_some_and(|above| indent <= above && !line.trim_start().starts_with('-')) {
            context = None;
        }
        if names_files(line) {
            context.get_or_insert(indent);
        }
        if context.is_some() {
            lines.push(line);
        }
    }
    lines
}

fn names_files(line: &str) -> bool {
    let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.any(|word| KEYS.contains(&word) || word == FILE_KEY) && line.contains(':')
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '[' | ']' | '{' | '}'))
        .map(name_of)
        .filter(|word| !word.is_empty())
}

/// The text with every interpolation (`$NAME`, `${NAME}`, `${NAME:-other ${NAME}}`) as one
/// [`HOLE`]; `$$` is a dollar sign.
fn with_holes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        out.push(HOLE);
        rest = &rest[interpolation_length(rest)..];
    }
    out.push_str(rest);
    out
}

/// How much of `rest`, which follows a dollar sign, belongs to the interpolation.
fn interpolation_length(rest: &str) -> usize {
    if !rest.starts_with('{') {
        return rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    }
    let mut depth = 0_usize;
    for (at, c) in rest.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => return at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    rest.len()
}

/// Whether `name` can come out of the parts with something between them.
fn fits(name: &str, parts: &[String]) -> bool {
    let [first, middle @ .., last] = parts else { return false };
    let Some(rest) = name.strip_prefix(first.as_str()) else { return false };
    let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
    for part in middle {
        match rest.find(part.as_str()) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed_of(files: &[(&str, &str)]) -> Vec<String> {
        let sizes = files.iter().map(|(path, text)| ((*path).to_owned(), text.len() as u64)).collect();
        let read = |path: &str| {
            assert!(is_compose(path), "{path} is read");
            files.iter().find(|(known, _)| *known == path).unwrap().1.as_bytes().to_vec()
        };
        needed(&sizes, &["compose.yaml".to_owned()], read).into_iter().collect()
    }

    #[test]
    fn files_are_found_through_files() {
        let found = needed_of(&[
            (
                "compose.yaml",
                "x-env: &env [a.env]\ninclude: [sub/compose.yaml]\nservices: {a: {env_file: *env}}",
            ),
            ("a.env", ""),
            ("b.env", ""),
            (".env", ""),
            ("sub/.env", ""),
            ("sub/compose.yaml", "services:\n  b:\n    extends: {file: base.yml, service: b}"),
            ("sub/base.yml", "services: {b: {env_file: c.env}}"),
            ("sub/c.env", ""),
            ("data.bin", ""),
            ("compose", ""),
            ("unused.yaml", "services: {x: {env_file: b.env}}"),
        ]);
        let expected =
            [".env", "a.env", "compose.yaml", "sub/.env", "sub/base.yml", "sub/c.env", "sub/compose.yaml"];
        assert_eq!(found, expected);
    }

    #[test]
    fn interpolated_names_take_what_they_could_become() {
        for (line, expected) in [
            ("    env_file: ${MODE:-dev}.env", vec!["dev.env", "prod.env"]),
            ("    env_file:\n      - env/app-$MODE.conf", vec!["env/app-x.conf"]),
            (
                "    env_file:\n    - path: \"${FILE}\"\n",
                vec!["big", "dev.env", "env/app-x.conf", "prod.env"],
            ),
            ("    env_file: ${FILE:-conf/a.env}", vec!["big", "dev.env", "env/app-x.conf", "prod.env"]),
            ("    env_file: ${A:-x ${B:-y/z}}.env", vec!["dev.env", "prod.env"]),
            ("    env_file: *f\nx-f: &f\n  - p$X.env", vec!["prod.env"]),
            ("    image: ${IMAGE}\n    environment: {A: \"${A}\"}", vec![]),
            ("    env_file: a.env\n    image: ${IMAGE}", vec![]),
        ] {
            let text = format!("services:\n  a:\n{line}\n");
            let mut files = vec![
                ("compose.yaml", text.as_str()),
                ("dev.env", ""),
                ("prod.env", ""),
                ("env/app-x.conf", ""),
                ("big", ""),
            ];
            let huge = "x".repeat((1 << 20) + 1);
            files.push(("huge", &huge));
            let found = needed_of(&files);
            let found: Vec<_> = found.iter().filter(|path| *path != "compose.yaml").collect();
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn parts_fit_names_in_order() {
        let fits = |name: &str, word: &str| {
            let parts: Vec<_> = with_holes(word).split(HOLE).map(str::to_owned).collect();
            super::fits(name, &parts)
        };
        assert!(fits("a-x-b.env", "a-${X}-${Y}.env"));
        assert!(!fits("a-x.env", "b-${X}.env"));
        assert!(fits("anything", "$X"));
        assert!(!fits("a.env", "a.env${X}b"));
        assert_eq!(with_holes("a$$b${X:-${Y}}c"), "a$b\0c");
    }
}
