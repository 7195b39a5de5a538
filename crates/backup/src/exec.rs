//! Any database: what a command in its container writes is stored, and another command reads it back.
//!
//! The exit status of the command itself counts, on both ways, and a stream without a byte is no snapshot: a program
//! that fails in the middle of a pipe ends well and has written nothing.

mod gather;

use docker::Cli;
use remote::{
    Command, Executor, Input,
    collect::{Limits, run_checked_with},
};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use crate::{
    archive::ArchiveError,
    error::Error,
    fetch::Fetching,
    manifest::Format,
    pack::pass_on,
    pipe::{Tee, pipe},
    subject::Subject,
};

pub(crate) use gather::gather;

/// What is packed already.
const PACKED: [&str; 7] = ["gz", "tgz", "zst", "xz", "bz2", "br", "zip"];

/// What a command in a container writes, and what reads it back.
#[derive(Clone, Debug)]
pub struct Exec {
    /// The docker client on the host.
    pub cli: Cli,
    /// The container, by its name or id.
    pub container: String,
    /// What writes it to stdout.
    pub command: Vec<String>,
    /// What reads it from stdin, and puts it back.
    pub restore_command: Vec<String>,
    /// What reads it from stdin, and ends well only if it is whole.
    pub verify_command: Vec<String>,
    /// The ending of its name, such as `sql`.
    pub extension: String,
}

impl Exec {
    pub(crate) fn subject(&self) -> Subject {
        Subject::Stream(self.container.clone())
    }

    /// `words` in the container.
    fn command(&self, words: &[String]) -> Command {
        let docker = self.cli.docker(["exec", "-i", &self.container]);
        docker.args(words.iter().cloned()).timeout(None).bulk()
    }

    /// What the stream is called, how it is packed, and what it is stored as.
    fn file(&self) -> (String, Format, String) {
        let name = format!("stream.{}", self.extension);
        let ending = self.extension.rsplit('.').next().unwrap_or_default();
        match PACKED.contains(&ending) {
            true => (name.clone(), Format::Raw, name),
            false => (name.clone(), Format::Zst, format!("{name}.zst")),
        }
    }
}

/// Has the command that verifies read what is stored, where there is one.
pub(crate) async fn verify(
    on: &dyn Executor,
    fetching: Fetching<'_>,
    exec: &Exec,
    cancel: &CancellationToken,
) -> Result<(), Error> {
    if exec.verify_command.is_empty() {
        return Ok(());
    }
    feed(on, fetching, &exec.command(&exec.verify_command), cancel).await
}

/// Has the command that restores read what is stored.
pub(crate) async fn restore(
    on: &dyn Executor,
    fetching: Fetching<'_>,
    exec: &Exec,
    cancel: &CancellationToken,
) -> Result<(), Error> {
    feed(on, fetching, &exec.command(&exec.restore_command), cancel).await
}

/// Has `command` read what is stored, all of which has its hash. That it has not is known only when all of it has
/// passed: then the command's input ends with an error, and it is killed.
async fn feed(
    on: &dyn Executor,
    fetching: Fetching<'_>,
    command: &Command,
    cancel: &CancellationToken,
) -> Result<(), Error> {
    let (mut tee, [stored]) = Tee::new();
    let (out, content) = pipe();
    let (key, format) = (fetching.key.cloned(), fetching.manifest.format);
    let opening = spawn_blocking(move || pass_on(stored, (key, format), out));
    let fetched = async {
        let mut fetched = Ok(());
        for part in &fetching.manifest.parts {
            if fetched.is_ok() {
                fetched = fetching.part(part, &mut tee).await;
            }
        }
        let is_ours = tee.is_broken;
        if fetched.is_ok() {
            tee.end().await;
        } else {
            drop(tee);
        }
        (fetched, is_ours)
    };
    let limits = Limits::cancelled_by(cancel);
    let reading = run_checked_with(on, command, Input::Reader(Box::new(content)), &limits);
    let ((fetched, is_ours), opened, read) = tokio::join!(fetched, opening, reading);
    // One end that fails takes the others with it, so the first cause is looked for.
    if !is_ours {
        fetched?;
    }
    match opened.map_err(Error::Thread)? {
        Ok(()) | Err(ArchiveError::Pass(_)) => {}
        Err(error) => return Err(error.into()),
    }
    read?;
    Ok(())
}
