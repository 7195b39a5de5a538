//! The test programs of the workspace: built at once, so that they can run at the same time.

use crate::interrupt::Interrupt;
use crate::provider_binary::{BINARY, COMPANION, LAB, MESSAGES, program};
use crate::shell;
use anyhow::{Context, Result, bail};
use cargo_metadata::{Artifact, Message};
use std::path::{Path, PathBuf};
use std::process::Command;

/// One test target of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    pub package: String,
    /// Its target: that of the unit tests is called like the crate.
    pub target: String,
    version: String,
    file: PathBuf,
    directory: PathBuf,
}

/// What one pass of cargo builds: all tests, and the programs that they need. One pass, because
/// cargo compiles a dependency again where another choice of packages asks for other features.
pub struct Built {
    pub tests: Vec<Program>,
    pub provider: PathBuf,
    pub companion: PathBuf,
    pub lab: PathBuf,
}

impl Built {
    /// Builds all of it.
    ///
    /// # Errors
    /// When something does not compile.
    pub fn new(interrupt: &Interrupt) -> Result<Self> {
        let told = interrupt.stdout(shell::cargo().args([
            "test",
            "--workspace",
            "--locked",
            "--no-run",
            MESSAGES,
        ]))?;
        let tests = programs(&told)?;
        if tests.is_empty() {
            bail!("cargo built no tests");
        }
        let (provider, companion) = (program(&told, BINARY)?, program(&told, COMPANION)?);
        Ok(Self { tests, provider, companion, lab: program(&told, LAB)? })
    }
}

/// The programs in what cargo tells.
fn programs(told: &[u8]) -> Result<Vec<Program>> {
    let mut programs = Vec::new();
    for message in Message::parse_stream(told) {
        if let Message::CompilerArtifact(artifact) = message.context("cannot read what cargo built")?
            && artifact.profile.test
        {
            programs.extend(Program::of(&artifact));
        }
    }
    Ok(programs)
}

impl Program {
    fn of(artifact: &Artifact) -> Option<Self> {
        let file = PathBuf::from(artifact.executable.clone()?);
        let directory = Path::new(artifact.manifest_path.as_str()).parent()?.to_owned();
        let (package, version) = name_and_version(&artifact.package_id.repr)?;
        Some(Self { package, version, target: artifact.target.name.clone(), file, directory })
    }

    /// What it is called in reports.
    pub fn name(&self) -> String {
        format!("{} {}", self.package, self.target)
    }

    /// What runs it, as cargo would: in the package's directory, told which package it is.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.file);
        command
            .current_dir(&self.directory)
            .env("CARGO_MANIFEST_DIR", &self.directory)
            .env("CARGO_PKG_NAME", &self.package)
            .env("CARGO_PKG_VERSION", &self.version);
        command
    }
}

/// Of a package id: `path+file:///w/tests/acceptance#acceptance-tests@0.1.0`, where the name is
/// left out when it is that of the directory.
fn name_and_version(id: &str) -> Option<(String, String)> {
    let (place, named) = id.rsplit_once('#')?;
    let (name, version) = match named.split_once('@') {
        Some(both) => both,
        None => (place.rsplit('/').next()?, named),
    };
    Some((name.to_owned(), version.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_named_in_its_id_or_by_its_directory() {
        let named = |id| name_and_version(id).unwrap();
        let both = |name: &str| (name.to_owned(), "0.1.0".to_owned());
        assert_eq!(named("path+file:///w/tests/lab#0.1.0"), both("lab"));
        assert_eq!(named("path+file:///w/tests/acceptance#acceptance-tests@0.1.0"), both("acceptance-tests"));
        assert!(name_and_version("lab 0.1.0").is_none());
    }

    #[test]
    fn only_what_runs_tests_is_a_test_program() {
        let line = |test: bool, executable: &str| {
            let file = if executable.is_empty() { "null".to_owned() } else { format!("\"{executable}\"") };
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"path+file:///w/tests/lab#0.1.0","manifest_path":"/w/tests/lab/Cargo.toml","target":{{"kind":["test"],"crate_types":["bin"],"name":"real","src_path":"/w/tests/lab/tests/real.rs","edition":"2024","doc":false,"doctest":false,"test":true}},"profile":{{"opt_level":"0","debuginfo":1,"debug_assertions":true,"overflow_checks":true,"test":{test}}},"features":[],"filenames":[],"executable":{file},"fresh":true}}"#
            )
        };
        let told = [line(true, "/t/real-1"), line(false, "/t/lab"), line(true, "")].join("\n");
        let found = programs(told.as_bytes()).unwrap();
        let [program] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(program.name(), "lab real");
        let command = program.command();
        assert_eq!(command.get_program(), "/t/real-1");
        assert_eq!(command.get_current_dir(), Some(Path::new("/w/tests/lab")));
    }
}
