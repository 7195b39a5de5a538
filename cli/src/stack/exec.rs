//! `windlass stack exec`: a command in a container.

use std::os::fd::AsFd;

use docker::engine::State;
use remote::Process;
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncWriteExt, copy};

use super::project::Project;
use crate::exit::{Exit, Failure};
use crate::settings::Settings;

/// What an interrupted command leaves.
pub const LEFT: &str = "The command may still run in its container.";

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "The command gets stdin and no terminal, and its exit code is passed on. What it changes in the container is gone with the container."
)]
pub struct Arguments {
    /// The host, as a connection
    #[arg(value_name = "HOST")]
    host: String,
    /// The project
    #[arg(value_name = "NAME")]
    name: String,
    /// The service
    #[arg(value_name = "SERVICE")]
    service: String,
    /// Which of its containers that run
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    number: usize,
    /// The command, behind `--`
    #[arg(value_name = "COMMAND", last = true, required = true)]
    command: Vec<String>,
}

/// Runs it.
///
/// # Errors
/// When it could not be started, or did not tell how it ended.
pub async fn run(arguments: &Arguments, settings: &Settings) -> Result<Exit, Failure> {
    let Arguments { host, name, service, number, command } = arguments;
    let failed = || Failure::new(format!("Could not run a command in {service:?} of {name:?}"));
    let project = Project::open(settings, host, name, failed).await?;
    let services = project.services();
    let own = services.get(service).ok_or_else(|| failed().with(project.lacks(service)))?;
    let mut running = own.iter().filter(|container| container.state == State::Running);
    let Some(container) = running.nth(number.saturating_sub(1)) else {
        let text = format!("Fewer than {number} of its containers run; it has {}.", own.len());
        return Err(failed().with(text));
    };
    let words = ["exec", "--interactive", &container.id];
    let command = project.machine.cli().docker(words).args(command.iter().cloned()).timeout(None);
    let process = project.machine.executor.start(&command).await.map_err(|error| failed().because(&error))?;
    let status = connected(process).await.map_err(|error| failed().because(&error))?;
    project.machine.close().await;
    Ok(Exit(u8::try_from(status).unwrap_or(u8::MAX)))
}

/// The end of a command that has our streams.
async fn connected(process: Process) -> Result<u32, remote::Error> {
    let Process { stdin: mut input, stdout: mut output, stderr: mut errors, mut control } = process;
    let feed = tokio::spawn(async move {
        // Who reads no more has what it wants.
        if let Ok(mut here) = ours(std::io::stdin()) {
            let _ = copy(&mut here, &mut input).await;
        }
        let _ = input.shutdown().await;
    });
    // Where nobody reads our own streams any more, the command goes on to its end.
    let pass = async |from: &mut (dyn AsyncRead + Send + Unpin), to: std::io::Result<File>| {
        if let Ok(mut to) = to {
            let _ = copy(from, &mut to).await;
            let _ = to.flush().await;
        }
        let _ = copy(from, &mut tokio::io::sink()).await;
    };
    let ((), (), status) = tokio::join!(
        pass(output.as_mut(), ours(std::io::stdout())),
        pass(errors.as_mut(), ours(std::io::stderr())),
        control.wait()
    );
    feed.abort();
    status
}

/// One of our own streams, to be waited for.
fn ours(stream: impl AsFd) -> std::io::Result<File> {
    let stream = std::fs::File::from(stream.as_fd().try_clone_to_owned()?);
    Ok(File::from_std(stream))
}
