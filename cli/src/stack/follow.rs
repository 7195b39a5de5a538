//! Printing what several containers write, as they write it.

use docker::engine::Container;
use futures_util::future::try_join_all;
use remote::{Command, Error};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use crate::machine::Machine;
use crate::terminal;

/// Prints the last `lines` lines of each container and what follows, until all of them have ended.
///
/// # Errors
/// When the host cannot be asked, or not any more.
pub async fn follow(
    machine: &Machine,
    containers: &[&Container],
    lines: usize,
    timestamps: bool,
) -> Result<(), Error> {
    let follow = containers.iter().map(|container| one(machine, container, lines, timestamps));
    try_join_all(follow).await.map(drop)
}

async fn one(machine: &Machine, container: &Container, lines: usize, timestamps: bool) -> Result<(), Error> {
    let mut process = machine.executor.start(&command(machine, container, lines, timestamps)).await?;
    drop(process.stdin);
    let (_, _, status) = tokio::join!(
        print(&container.name, process.stdout),
        print(&container.name, process.stderr),
        process.control.wait()
    );
    status.map(drop)
}

fn command(machine: &Machine, container: &Container, lines: usize, timestamps: bool) -> Command {
    let lines = lines.to_string();
    let words = [
        "logs",
        "--follow",
        "--tail",
        &lines,
        if timestamps { "--timestamps" } else { "--timestamps=false" },
    ];
    machine.cli().docker(words).arg(container.id.clone()).timeout(None)
}

/// Prints each line behind the name of who wrote it.
async fn print(name: &str, from: impl AsyncRead + Unpin) {
    let mut lines = BufReader::new(from).split(b'\n');
    // A stream that breaks has ended; how the command ended is told elsewhere.
    while let Ok(Some(line)) = lines.next_segment().await {
        terminal::answer(format_args!("{name} | {}", String::from_utf8_lossy(&line).trim_end_matches('\r')));
    }
}
