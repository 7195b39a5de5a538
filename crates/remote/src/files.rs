//! Files on a host, over any [`Executor`].
//!
//! Everything is done with `sh` and with tools that every Linux server has, by options that those of
//! GNU, of BusyBox and of the Rust coreutils share. Scripts are fixed texts, what they are about comes
//! as words. Since a command costs two round trips, each operation packs what it can into one: facts
//! and hashes of many paths, any number of files in one `tar` stream, and verifying, owner, mode and
//! rename.
//!
//! Nothing is written in place: content arrives in a staging directory with mode 0700 beside its place,
//! and a rename puts it where it belongs. What others do to the directories on the way meanwhile leads
//! nobody elsewhere (`walk.rs`).

mod archive;
mod copy;
mod directory;
mod download;
mod error;
mod facts;
mod kind;
mod path;
mod place;
mod put;
mod random;
mod records;
mod remove;
mod small;
mod temporary;
mod tree;
mod walk;
mod write;

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    Command, Error, Executor, Input, Output,
    collect::{self, Limits},
};

pub use archive::{Content, Entry, EntryContent, archive};
pub use copy::copying_script;
pub use download::Downloaded;
pub use error::FileError;
pub use facts::Facts;
pub use kind::Kind;
pub use put::PUT;
pub(crate) use random::random_bytes;
pub use random::random_name;
pub use records::{records, sum_of, sums, unescaped};
pub use remove::Removed;
pub use temporary::{TempDir, remove_all_command};
pub use tree::TreeOptions;
pub use walk::script as walking_script;
pub use write::{WriteOptions, Written};

/// How long reading facts may take; hashing a large file takes seconds per gigabyte.
const FACTS_TIMEOUT: Duration = Duration::from_secs(600);

/// How long tidying up after a failure may take.
const CLEAN_UP_TIMEOUT: Duration = Duration::from_secs(20);

/// From how many bytes on a transfer gets a connection of its own: making one costs as much time as
/// sending about this much on a line of 10 Mbit/s, and a shorter transfer holds nobody up.
const BULK: u64 = 256 << 10;

/// How many bytes of paths go into one command. A whole line must stay below the 128 KiB that
/// Linux allows one argument, because sshd hands it to the login shell as one.
const PATHS_PER_COMMAND: usize = 60_000;

/// The files of a host.
#[derive(Clone, Debug)]
pub struct Files<'a> {
    exec: &'a dyn Executor,
    privileged: bool,
    cancel: Option<CancellationToken>,
}

impl<'a> Files<'a> {
    /// The files of `exec`, as the user who is logged in there sees them.
    pub fn on(exec: &'a dyn Executor) -> Self {
        Self { exec, privileged: false, cancel: None }
    }

    /// Makes every command [privileged](Command::privileged).
    #[must_use]
    pub fn privileged(mut self, privileged: bool) -> Self {
        self.privileged = privileged;
        self
    }

    /// Ends what is being done when `token` is cancelled. What was written until then is removed.
    #[must_use]
    pub fn cancelled_by(mut self, token: &CancellationToken) -> Self {
        self.cancel = Some(token.clone());
        self
    }

    /// Runs one of our commands to its end, whatever its status.
    async fn run(&self, command: Command, input: Input<'_>) -> Result<Output, Error> {
        collect::run_with(self.exec, &self.with_rights(command), input, &self.limits()).await
    }

    /// Runs a command that takes back what a failed one left. Its own failure is only logged:
    /// the first error is the one that matters. It runs also when we are cancelled.
    async fn clean_up(&self, command: Command) {
        let command = self.with_rights(command.timeout(Some(CLEAN_UP_TIMEOUT)));
        if let Err(error) = collect::run_checked(self.exec, &command, Input::Nothing).await {
            tracing::warn!(host = self.exec.name(), words = ?command.words(), %error, "could not tidy up");
        }
    }

    fn with_rights(&self, command: Command) -> Command {
        if self.privileged { command.privileged() } else { command }
    }

    fn limits(&self) -> Limits {
        Limits { cancel: self.cancel.clone(), ..Limits::default() }
    }

    fn host(&self) -> String {
        self.exec.name().to_owned()
    }
}

/// `command` as one that moves `length` bytes.
fn moving(command: Command, length: u64) -> Command {
    if length >= BULK { command.bulk() } else { command }
}

/// A command whose messages are in English, so that they can be told apart.
pub(crate) fn english<W: Into<String>>(words: impl IntoIterator<Item = W>) -> Command {
    Command::new(["env", "LC_ALL=C"]).args(words)
}

/// A name that nobody else uses: `.windlass-<16 hex digits><suffix>`.
fn unique_name(suffix: &str) -> Result<String, FileError> {
    Ok(format!(".windlass-{}{suffix}", random_name()?))
}

/// `paths` in groups that fit into one command each.
fn in_groups<S: AsRef<str>>(paths: &[S]) -> Vec<&[S]> {
    let mut groups = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (index, path) in paths.iter().enumerate() {
        let length = path.as_ref().len() + 3;
        if size + length > PATHS_PER_COMMAND && index > start {
            groups.push(&paths[start..index]);
            (start, size) = (index, 0);
        }
        size += length;
    }
    if start < paths.len() {
        groups.push(&paths[start..]);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_keep_every_path_in_order_and_stay_small() {
        let paths: Vec<String> = (0..1000).map(|index| format!("/{index:0>200}")).collect();
        let groups = in_groups(&paths);
        assert!(groups.len() > 1);
        assert!(groups.iter().all(|group| group.iter().map(String::len).sum::<usize>() <= PATHS_PER_COMMAND));
        assert_eq!(groups.concat(), paths);
        assert!(in_groups::<String>(&[]).is_empty());
        let long = ["x".repeat(PATHS_PER_COMMAND * 2)];
        assert_eq!(in_groups(&long), [&long[..]]);
    }

    #[test]
    fn names_differ() {
        let (a, b) = (unique_name(".tmp").unwrap(), unique_name(".tmp").unwrap());
        assert_ne!(a, b);
        assert_eq!(a.len(), ".windlass-.tmp".len() + 16);
    }
}
