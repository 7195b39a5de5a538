//! What `windlass run` adds to a plan.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use companion_tests::{Workspace, both};
use tempfile::TempDir;

use super::timed;
use crate::{samples::Samples, table::Row};

const ROUNDS: usize = 15;
const RESOURCES: &str =
    "resource \"terraform_data\" \"one\" {\n  count = 20\n  input = { number = count.index }\n}\n";

pub(crate) fn rows(name: &str, cli: &Path) -> Result<Vec<Row>> {
    let ours = Workspace::new(cli);
    ours.write("main.tf", format!("terraform {{\n  backend \"http\" {{}}\n}}\n{RESOURCES}"));
    ours.apply(&[]);
    let plain = TempDir::new().context("make a folder")?;
    std::fs::write(plain.path().join("main.tf"), RESOURCES).context("write a configuration")?;
    for words in [&["init"][..], &["apply", "-auto-approve"]] {
        let done = alone(cli, &plain).args(words).arg("-input=false").output().context("start the CLI")?;
        ensure!(done.status.success(), "{words:?}: {}", both(&done));
    }
    let words = ["plan", "-input=false", "-no-color", "-detailed-exitcode"];
    let [mut floor, mut over] = std::array::from_fn(|_| Samples::default());
    for _ in 0..ROUNDS {
        let [mut without, mut with] = std::array::from_fn(|_| Samples::default());
        timed(&mut without, alone(cli, &plain).args(words), b"")?;
        let mut command = ours.windlass(&["run", "--"]);
        timed(&mut with, command.arg(cli).args(words), b"")?;
        over.add(with.median()? - without.median()?);
        floor.add(without.median()?);
    }
    Ok(vec![
        Row::median(format!("`windlass run -- {name} plan` over `{name} plan`"), &over, "ms")?
            .limit(50.0)
            .beside(format!("`{name} plan` with a local backend {:.0} ms", floor.median()?)),
    ])
}

/// The CLI without the companion, in the same environment.
fn alone(cli: &Path, folder: &TempDir) -> Command {
    let mut command = Command::new(cli);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder.path())
        .env("CHECKPOINT_DISABLE", "1")
        .current_dir(folder.path());
    command
}
