//! `cargo xtask tidy`: the rules of ARCHITECTURE.md that a machine can check.
//!
//! Every rule is a pure function from what is in the checkout to a list of
//! violations; this file gathers the former and prints the latter. All rules
//! run before the command fails, so that one run shows everything.

mod advice;
mod arrows;
mod circles;
mod documents;
mod english;
mod exceptions;
mod files;
mod manifests;
mod modules;
#[cfg(test)]
mod planted;
mod portable;
mod rust;
mod sources;
mod workspace;

use crate::{paths, shell};
use anyhow::{Context, Result, bail};
#[cfg(test)]
use documents::minimal as documents_for_tests;
use exceptions::Exceptions;
use std::fmt;
use std::path::Path;
use std::process::Command;

/// One broken rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    /// The file (with a line where one is to blame) or the crate.
    place: String,
    /// What is wrong and what would be right.
    text: String,
}

impl Violation {
    fn new(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place: place.into(), text: text.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// A text file of the checkout, with its path relative to the root.
struct SourceFile {
    path: String,
    text: String,
}

impl SourceFile {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

pub fn run() -> Result<()> {
    let root = paths::root();
    let violations = check(&root, &exceptions::KNOWN)?;
    for violation in &violations {
        eprintln!("{violation}");
    }
    match violations.len() {
        0 => {
            eprintln!("tidy: nothing to say");
            Ok(())
        }
        1 => bail!("tidy found 1 violation"),
        many => bail!("tidy found {many} violations"),
    }
}

/// All violations of the checkout at `root`, sorted.
fn check(root: &Path, exceptions: &Exceptions) -> Result<Vec<Violation>> {
    let workspace = workspace::read(root)?;
    let files = text_files(root)?;
    let mut violations = arrows::check(&workspace);
    violations.extend(manifests::check(&workspace, &files));
    let (rust, unreadable) = rust::read_all(&files);
    violations.extend(unreadable);
    let leads = modules::leads(&rust);
    violations.extend(sources::check(&files, &rust, &leads));
    violations.extend(circles::check(&leads, exceptions.circles));
    violations.extend(advice::check(&files, &rust, exceptions.advice));
    violations.extend(english::check(&rust));
    violations.extend(files::check(&files));
    violations.extend(portable::check(&files, &rust));
    violations.extend(documents::check(&files));
    violations.sort();
    Ok(violations)
}

/// Every tracked or about to be tracked file that is UTF-8.
fn text_files(root: &Path) -> Result<Vec<SourceFile>> {
    let listed = shell::output(
        Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root),
    )?;
    let mut files = Vec::new();
    for path in listed.split('\0').filter(|path| !path.is_empty()) {
        let full = root.join(path);
        // Listed but gone (deleted and not yet committed), or a link to something else.
        if !full.symlink_metadata().is_ok_and(|found| found.is_file()) {
            continue;
        }
        let bytes = std::fs::read(&full).with_context(|| format!("cannot read {}", full.display()))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(SourceFile { path: path.to_owned(), text });
        }
    }
    Ok(files)
}
