//! Running restic on a host, and what its end means.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use remote::{
    Command, Executor, Input,
    collect::{Limits, run_with, stream},
};
use tokio::io::AsyncWrite;
use tokio_util::sync::CancellationToken;

use super::{
    answers::{Line, Progress, ResticSnapshot, Summary, said, snapshots, too_old},
    commands,
    locks::{ABOUT, Host, Lock, are_stale},
};
use crate::{error::Error, repository::Repository, restic_error::ResticError};

/// What runs on the host.
const SCRIPT: &str = include_str!("run.sh");

/// How much of an answer is held: a repository of ten thousand snapshots lists them in some 10 MB.
const ANSWER: usize = 256 << 20;

/// The exit codes of restic, as its manual has them.
mod codes {
    pub(super) const INCOMPLETE: u32 = 3;
    pub(super) const NO_REPOSITORY: u32 = 10;
    pub(super) const LOCKED: u32 = 11;
    pub(super) const WRONG_PASSWORD: u32 = 12;
    pub(super) const NOT_FOUND: u32 = 127;
    pub(super) const INTERRUPTED: u32 = 130;
}

/// restic on a host, with a repository.
#[derive(Clone, Copy, Debug)]
pub(super) struct Restic<'a> {
    pub(super) exec: &'a dyn Executor,
    pub(super) repository: &'a Repository,
    pub(super) cancel: &'a CancellationToken,
}

/// How a run ended.
#[derive(Debug)]
pub(super) struct Ended {
    status: u32,
    pub(super) stdout: String,
    stderr: String,
}

impl Restic<'_> {
    /// Checks that it is there, and new enough.
    pub(super) async fn check_version(&self) -> Result<(), Error> {
        let ended = self.run(commands::version()).await?;
        let host = self.host();
        if ended.status == codes::NOT_FOUND {
            return Err(ResticError::Missing { host }.into());
        }
        match too_old(ended.stdout.trim()) {
            Some(version) => Err(ResticError::TooOld { host, version }.into()),
            None => Ok(()),
        }
    }

    /// Opens the repository; where there is none, it is made, if `makes` says so.
    pub(super) async fn open(&self, makes: bool) -> Result<(), Error> {
        self.check_version().await?;
        let ended = self.run(commands::config()).await?;
        if ended.status == codes::NO_REPOSITORY && makes {
            let made = self.run(commands::init()).await?;
            return self.ended_well(made, "make the repository").map(drop);
        }
        self.ended_well(ended, "open the repository").map(drop)
    }

    /// Runs a command that has to end well, whoever has left a lock behind.
    pub(super) async fn done(&self, words: Vec<String>, operation: &str) -> Result<Ended, Error> {
        let ended = self.unlocked(words).await?;
        self.ended_well(ended, operation)
    }

    /// Runs a command that takes a lock. Locks of processes of this host that are gone are taken away for it; for others
    /// it waits a while.
    async fn unlocked(&self, words: Vec<String>) -> Result<Ended, Error> {
        let ended = self.run(words.clone()).await?;
        if ended.status != codes::LOCKED {
            return Ok(ended);
        }
        self.make_way().await?;
        let patience = format!("--retry-lock={}s", self.repository.patience.as_secs());
        self.run([vec![patience], words].concat()).await
    }

    /// Takes the locks away, if all are of processes of this host that are gone.
    pub(super) async fn make_way(&self) -> Result<(), Error> {
        let about = Command::new(["sh", "-c", ABOUT]).privileged();
        let host =
            Host::of(&run_with(self.exec, &about, Input::Nothing, &self.limits()).await?.stdout_text());
        if are_stale(&self.locks().await?, &host) {
            tracing::info!(host = self.exec.name(), "took away what a restic that is gone has left locked");
            let unlocked = self.run(commands::unlock()).await?;
            self.ended_well(unlocked, "take its own old lock away")?;
        }
        Ok(())
    }

    async fn locks(&self) -> Result<Vec<Lock>, Error> {
        let listed = self.run(commands::locks()).await?;
        let listed = self.ended_well(listed, "list the locks")?;
        let mut locks = Vec::new();
        for id in listed.stdout.split_whitespace().map(|word| word.trim_matches('"')) {
            // It may be gone by now.
            let told = self.run(commands::lock(id)).await?;
            locks.extend(serde_json::from_str::<Lock>(&told.stdout).ok());
        }
        Ok(locks)
    }

    /// The snapshots with a tag, or those that are named, newest first.
    pub(super) async fn snapshots(
        &self,
        tag: Option<&str>,
        ids: &[String],
    ) -> Result<Vec<ResticSnapshot>, Error> {
        let ended = self.done(commands::snapshots(tag, ids), "list the snapshots").await?;
        let found = snapshots(&ended.stdout).map_err(|error| self.misunderstood(&error))?;
        Ok(found.into_iter().filter(|one| tag.is_none_or(|tag| one.has_tag(tag))).collect())
    }

    /// Takes a snapshot; what could not be read is an error, and the id of what was stored all the same is beside it.
    pub(super) async fn backup(
        &self,
        words: Vec<String>,
        path: &str,
    ) -> Result<Summary, (Error, Option<String>)> {
        let (mut lines, mut ended) = self.follow(words.clone()).await.map_err(|error| (error, None))?;
        if ended.status == codes::LOCKED {
            self.make_way().await.map_err(|error| (error, None))?;
            let patience = format!("--retry-lock={}s", self.repository.patience.as_secs());
            (lines, ended) =
                self.follow([vec![patience], words].concat()).await.map_err(|error| (error, None))?;
        }
        let summary = lines.summary.unwrap_or_default();
        let id = Some(summary.snapshot_id.clone()).filter(|id| !id.is_empty());
        if ended.status == codes::INCOMPLETE {
            let (host, path, said) = (self.host(), path.to_owned(), said(&[&lines.kept, &ended.stderr]));
            return Err((ResticError::Incomplete { host, path, said }.into(), id));
        }
        let ended = Ended { stdout: lines.kept, ..ended };
        if let Err(error) = self.ended_well(ended, "take a snapshot") {
            return Err((error, id));
        }
        match id {
            None => Err((self.misunderstood(&"there is no summary"), None)),
            Some(_) => Ok(summary),
        }
    }

    /// Runs a command whose lines are looked at as they come.
    async fn follow(&self, words: Vec<String>) -> Result<(Lines, Ended), Error> {
        let mut lines = Lines { host: self.host(), ..Lines::default() };
        let input = Input::bytes(self.repository.input());
        let ended = stream(self.exec, &command(words), input, &mut lines, &self.limits()).await?;
        lines.end();
        let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
        Ok((lines, Ended { status: ended.status, stdout: String::new(), stderr }))
    }

    async fn run(&self, words: Vec<String>) -> Result<Ended, Error> {
        let input = Input::bytes(self.repository.input());
        let output = run_with(self.exec, &command(words), input, &self.limits()).await?;
        Ok(Ended { status: output.status, stdout: output.stdout_text(), stderr: output.stderr_text() })
    }

    fn limits(&self) -> Limits {
        Limits { cap: ANSWER, ..Limits::cancelled_by(self.cancel) }
    }

    fn ended_well(&self, ended: Ended, operation: &str) -> Result<Ended, Error> {
        match self.meaning(&ended, operation) {
            None => Ok(ended),
            Some(error) => Err(error.into()),
        }
    }

    /// What its end means, unless that is a good one.
    fn meaning(&self, ended: &Ended, operation: &str) -> Option<ResticError> {
        let (host, repository) = (self.host(), self.repository.place.to_string());
        Some(match ended.status {
            0 => return None,
            codes::NOT_FOUND => ResticError::Missing { host },
            codes::NO_REPOSITORY => ResticError::NoRepository { repository, host },
            codes::LOCKED => ResticError::Locked { repository, by: said(&[&ended.stdout, &ended.stderr]) },
            codes::WRONG_PASSWORD => ResticError::WrongPassword {
                repository,
                password_from: self.repository.password_from.clone(),
            },
            codes::INTERRUPTED => ResticError::Interrupted { host },
            status => {
                let (operation, said) = (operation.to_owned(), said(&[&ended.stdout, &ended.stderr]));
                ResticError::Failed { host, operation, repository, status, said }
            }
        })
    }

    fn misunderstood(&self, what: &dyn std::fmt::Display) -> Error {
        ResticError::Answer { host: self.host(), what: what.to_string() }.into()
    }

    fn host(&self) -> String {
        self.exec.name().to_owned()
    }
}

/// restic with these words.
pub(super) fn command(words: Vec<String>) -> Command {
    Command::new(["sh", "-c", SCRIPT, "windlass-restic", "restic", "--json"])
        .args(words)
        .timeout(None)
        .privileged()
        .bulk()
}

/// What a command that takes long says, line by line.
#[derive(Debug, Default)]
struct Lines {
    host: String,
    open: Vec<u8>,
    /// What is neither progress nor the summary.
    kept: String,
    summary: Option<Summary>,
    /// The last tenth that was told.
    tenth: u64,
}

/// How much of what it says is kept.
const KEPT: usize = 64 << 10;

impl Lines {
    fn line(&mut self, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        match Line::of(&line) {
            Line::Status(progress) => self.progress(progress),
            Line::Summary(summary) => self.summary = Some(summary),
            Line::Error(_) if self.kept.len() < KEPT => {
                self.kept.push_str(&line);
                self.kept.push('\n');
            }
            Line::Error(_) | Line::Other => {}
        }
    }

    fn progress(&mut self, progress: Progress) {
        let tenth = (progress.percent_done * 10.0) as u64;
        if tenth > self.tenth {
            self.tenth = tenth;
            let Progress { files_done, bytes_done, .. } = progress;
            tracing::info!(
                host = self.host,
                percent = tenth * 10,
                files_done,
                bytes_done,
                "restic is backing up"
            );
        }
    }

    fn end(&mut self) {
        let last = std::mem::take(&mut self.open);
        self.line(&last);
    }
}

impl AsyncWrite for Lines {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.open.extend_from_slice(bytes);
        while let Some(end) = self.open.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.open.drain(..=end).collect();
            self.line(&line);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
