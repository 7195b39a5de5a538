//! Which files of a directory are shipped.

use std::{collections::BTreeSet, ffi::OsStr, fs, path::Path};

use ignore::{
    Match,
    gitignore::{Gitignore, GitignoreBuilder},
};

use crate::left_out::LEFT_OUT;

/// The file that names what is not shipped, in the syntax of `.gitignore`.
pub const IGNORE_FILE: &str = ".windlassignore";

/// What was found in a directory.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The names of all files, relative to it.
    pub(crate) names: Vec<String>,
    /// Those that a line with `!` takes in, whatever they are.
    pub(crate) asked_for: BTreeSet<String>,
}

/// The files below `root`, without what an [`IGNORE_FILE`] names and without [`LEFT_OUT`].
pub(crate) fn files(root: &Path) -> Result<Found, Vec<String>> {
    let defaults = defaults(root).map_err(|problem| vec![problem])?;
    let mut walk = Walk { root, rules: vec![defaults], found: Found::default(), problems: Vec::new() };
    walk.directory(root, false);
    if walk.problems.is_empty() { Ok(walk.found) } else { Err(walk.problems) }
}

fn defaults(root: &Path) -> Result<Gitignore, String> {
    let mut builder = GitignoreBuilder::new(root);
    for line in LEFT_OUT {
        builder.add_line(None, line).map_err(|error| error.to_string())?;
    }
    builder.build().map_err(|error| error.to_string())
}

/// Those of `paths` that `patterns` name, in the language of an ignore file: themselves or a directory
/// that they are in.
///
/// # Errors
/// The first pattern that is not valid.
pub fn matching<'p>(
    patterns: &[String],
    paths: impl Iterator<Item = &'p String>,
) -> Result<BTreeSet<String>, String> {
    let mut builder = GitignoreBuilder::new("");
    for pattern in patterns {
        builder.add_line(None, pattern).map_err(|error| error.to_string())?;
    }
    let rules = builder.build().map_err(|error| error.to_string())?;
    let fits = |path: &&String| rules.matched_path_or_any_parents(path.as_str(), false).is_ignore();
    Ok(paths.filter(fits).cloned().collect())
}

/// A walk through a directory, in the order of names.
struct Walk<'a> {
    root: &'a Path,
    /// The rules on the way from the root to here; the last ones win.
    rules: Vec<Gitignore>,
    found: Found,
    problems: Vec<String>,
}

/// What the rules say of a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Out,
    /// A line with `!` names it.
    In,
    Silent,
}

impl Walk<'_> {
    fn directory(&mut self, directory: &Path, asked_for: bool) {
        let entries = match sorted(directory) {
            Ok(entries) => entries,
            Err(error) => return self.problems.push(format!("{}: {error}", directory.display())),
        };
        let own = entries.iter().any(|entry| entry.file_name() == IGNORE_FILE);
        if own {
            let (rules, problem) = Gitignore::new(directory.join(IGNORE_FILE));
            self.problems.extend(problem.map(|problem| problem.to_string()));
            self.rules.push(rules);
        }
        let names: BTreeSet<_> = entries.iter().map(fs::DirEntry::file_name).collect();
        let is_there = |name: String| names.contains(OsStr::new(&name));
        for entry in entries.iter().filter(|entry| entry.file_name() != IGNORE_FILE) {
            // A state that is being worked on may be empty; what locks it lies beside it.
            let held = is_there(format!(".{}.lock.info", entry.file_name().to_string_lossy()));
            self.entry(entry, held, asked_for);
        }
        if own {
            self.rules.pop();
        }
    }

    fn entry(&mut self, entry: &fs::DirEntry, held: bool, above: bool) {
        let path = entry.path();
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(error) => return self.problems.push(format!("{}: {error}", path.display())),
        };
        let asked_for = match self.verdict(&path, kind.is_dir()) {
            Verdict::Out => return,
            Verdict::In => true,
            Verdict::Silent => above,
        };
        if kind.is_dir() {
            return self.directory(&path, asked_for);
        }
        if held && !asked_for {
            return;
        }
        let inside = path.strip_prefix(self.root).unwrap_or(&path);
        match inside.to_str() {
            Some(name) => {
                self.found.names.push(name.to_owned());
                self.found.asked_for.extend(asked_for.then(|| name.to_owned()));
            }
            None => self.problems.push(format!("{}: its name is not UTF-8", inside.display())),
        }
    }

    fn verdict(&self, path: &Path, is_directory: bool) -> Verdict {
        for rules in self.rules.iter().rev() {
            match rules.matched(path, is_directory) {
                Match::None => {}
                Match::Ignore(_) => return Verdict::Out,
                Match::Whitelist(_) => return Verdict::In,
            }
        }
        Verdict::Silent
    }
}

fn sorted(directory: &Path) -> std::io::Result<Vec<fs::DirEntry>> {
    let mut entries: Vec<fs::DirEntry> = fs::read_dir(directory)?.collect::<Result<_, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::directory;

    fn named(lines: &[(&str, &str)]) -> Found {
        files(directory(lines).path()).unwrap()
    }

    #[test]
    fn a_line_takes_back_in_what_is_left_out() {
        let found = named(&[
            (".windlassignore", "!*.tf\n!.git\n/runner/x.tf\n"),
            ("main.tf", ""),
            ("runner/main.tf", ""),
            ("runner/x.tf", ""),
            ("runner/off/.windlassignore", "*.tf\n"),
            ("runner/off/main.tf", ""),
            (".git/config", ""),
            ("other", ""),
            ("live.tfstate", ""),
        ]);
        assert_eq!(found.names, [".git/config", "main.tf", "other", "runner/main.tf"]);
        assert_eq!(found.asked_for.len(), 3);
    }

    #[test]
    fn a_line_that_is_no_pattern_is_told() {
        let dir = directory(&[(".windlassignore", "a[z-a]\n"), ("x", "")]);
        let problems = files(dir.path()).unwrap_err().join("\n");
        assert!(problems.contains(".windlassignore") && problems.contains("a[z-a]"), "{problems}");
    }
}
