//! What the companion costs: beside the CLI alone, beside real sops, and beside Compose.

mod check;
mod plan;
mod sample;
mod sops;
mod state;
mod writer;

use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use companion_tests::{Workspace, both};

pub(crate) use writer::{WRITER, write};

use crate::{samples::Samples, table::Row};

pub(crate) async fn measure() -> Result<Vec<Row>> {
    // Processes are waited for without a pause.
    tokio::task::spawn_blocking(|| {
        let cli = acceptance_tests::every_cli().into_iter().next().context("there is no CLI")?;
        let program: PathBuf = cli.path.clone();
        let workspace = Workspace::new(&program);
        let mut rows = state::rows(&workspace)?;
        rows.extend(plan::rows(&cli.name, &program)?);
        rows.extend(sops::rows(&workspace)?);
        rows.extend(check::rows()?);
        Ok(rows)
    })
    .await?
}

/// Runs a command to its end, with something on its stdin, and adds how long it took.
fn timed(samples: &mut Samples, command: &mut Command, stdin: &[u8]) -> Result<Output> {
    use std::io::Write as _;
    let begun = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("start what is measured")?;
    let mut to = child.stdin.take().context("it has no stdin")?;
    // It may write before it has read everything.
    let bytes = stdin.to_vec();
    let writing = std::thread::spawn(move || to.write_all(&bytes));
    let output = child.wait_with_output().context("wait for what is measured")?;
    let took = begun.elapsed();
    // One that fails does not read, and then the exit code tells.
    let _ = writing.join();
    ensure!(
        output.status.success(),
        "{} ended with {}: {}",
        command.get_program().display(),
        output.status,
        both(&output)
    );
    samples.time(took);
    Ok(output)
}
