//! `cargo xtask docs`: the registry's documentation, generated from the schema
//! of the built provider (as a CLI sees it) and from examples/.

mod blocks;
mod model;
mod pages;
#[cfg(test)]
mod tests;
mod types;

use crate::provider_binary::{self, ADDRESS, BuildArguments};
use crate::{clis, install, paths, shell};
use anyhow::{Context, Result, bail};
use pages::Files;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// As in `windlass_file`, and as the registry titles the provider.
const PROVIDER: &str = "windlass";

#[derive(clap::Args)]
pub struct DocsArguments {
    /// Change nothing; fail when docs/ is not what would be written
    #[arg(long)]
    check: bool,
    /// Ask this program for the schema, not one that is built for it
    #[arg(long)]
    provider: Option<PathBuf>,
}

impl DocsArguments {
    /// As CI does.
    pub fn check(provider: Option<&Path>) -> Self {
        Self { check: true, provider: provider.map(Path::to_owned) }
    }
}

pub fn run(arguments: &DocsArguments) -> Result<()> {
    let schema = schema(arguments.provider.as_deref())?;
    let examples = read_tree(&paths::root().join("examples"))?;
    let wanted = match pages::render(PROVIDER, &schema, &examples) {
        Ok(pages) => pages,
        Err(problems) => bail!("cannot write the documents:\n  {}", problems.join("\n  ")),
    };
    let docs = paths::root().join("docs");
    let present = generated(read_tree(&docs)?);
    let differing = differing(&wanted, &present);
    if arguments.check {
        if !differing.is_empty() {
            bail!("not what `make docs` would write:\n  docs/{}", differing.join("\n  docs/"));
        }
        eprintln!("docs: {} pages are up to date", wanted.len());
        return Ok(());
    }
    for path in &differing {
        write(&docs.join(path), wanted.get(path))?;
        eprintln!("docs/{path}");
    }
    Ok(())
}

/// The schema of a provider, or of a fresh build, asked of it by a CLI as a user's would.
fn schema(provider: Option<&Path>) -> Result<model::ProviderSchema> {
    let program =
        provider.map_or_else(|| provider_binary::build(&BuildArguments::DEV), |it| Ok(it.to_owned()))?;
    let cli = clis::for_schema()?;
    let scratch = tempfile::tempdir().context("cannot create a temporary folder")?;
    let configuration = scratch.path().join("dev.tfrc");
    let directory = program.parent().context("the provider has no directory")?;
    fs::write(&configuration, install::dev_overrides(directory))
        .and_then(|()| fs::write(scratch.path().join("main.tf"), REQUIREMENT))
        .context("cannot write to a temporary folder")?;
    let text = shell::output(
        Command::new(cli)
            .args(["providers", "schema", "-json"])
            .env("TF_CLI_CONFIG_FILE", &configuration)
            .current_dir(scratch.path()),
    )?;
    model::parse(&text, ADDRESS)
}

const REQUIREMENT: &str = r#"terraform {
  required_providers {
    windlass = {
      source = "windlass/windlass"
    }
  }
}
"#;

/// Only the files that this command owns; guides are written by hand.
fn generated(files: Files) -> Files {
    files
        .into_iter()
        .filter(|(path, _)| {
            path == "index.md"
                || path.split_once('/').is_some_and(|(folder, _)| pages::FOLDERS.contains(&folder))
        })
        .collect()
}

/// The pages to write, and those to remove because nothing has their name now.
fn differing(wanted: &Files, present: &Files) -> Vec<String> {
    let all: BTreeSet<&String> = wanted.keys().chain(present.keys()).collect();
    all.into_iter().filter(|path| wanted.get(*path) != present.get(*path)).cloned().collect()
}

fn write(path: &Path, text: Option<&String>) -> Result<()> {
    let written = match (text, path.parent()) {
        (Some(text), Some(folder)) => fs::create_dir_all(folder).and_then(|()| fs::write(path, text)),
        _ => fs::remove_file(path),
    };
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Every UTF-8 file below a folder; an absent folder has none.
fn read_tree(root: &Path) -> Result<Files> {
    let mut files = Files::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        if !folder.exists() {
            continue;
        }
        let entries = fs::read_dir(&folder)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            if let (Ok(text), Ok(name)) = (String::from_utf8(bytes), path.strip_prefix(root)) {
                files.insert(name.to_string_lossy().into_owned(), text);
            }
        }
    }
    Ok(files)
}
