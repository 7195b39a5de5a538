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
use tokio_util::sync::CancellationToken;

use crate::{compress::Compress, error::Error, fetch::Fetching, manifest::Format, subject::Subject};

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
    fn file(&self, compress: Compress) -> (String, Format, String) {
        let name = format!("stream.{}", self.extension);
        let ending = self.extension.rsplit('.').next().unwrap_or_default();
        let is_packed = PACKED.contains(&ending);
        match if is_packed { Format::Raw } else { compress.stored(Format::Zst) } {
            Format::Zst => (name.clone(), Format::Zst, format!("{name}.zst")),
            other => (name.clone(), other, name),
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

/// Has `command` read what is stored; it is killed where that is not what it should be.
async fn feed(
    on: &dyn Executor,
    fetching: Fetching<'_>,
    command: &Command,
    cancel: &CancellationToken,
) -> Result<(), Error> {
    let limits = Limits::cancelled_by(cancel);
    let reading = async |content| {
        run_checked_with(on, command, Input::Reader(Box::new(content)), &limits).await?;
        Ok(())
    };
    fetching.feed((&fetching.manifest.parts, fetching.manifest.format), reading).await
}
