//! What a command tells a person, passed on to stderr, with the end of it kept.
//!
//! It writes into a file that is in memory alone, and not into a pipe: when this process is killed, a core that writes to a
//! pipe which nobody reads is killed as well, before it has handed over its state.

use std::fs::File;
use std::io::{Result as IoResult, Write as _};
use std::os::unix::fs::FileExt as _;
use std::process::Stdio;
use std::time::Duration;

use rustix::fs::{MemfdFlags, memfd_create};
use secret::Secret;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// No more of it is kept.
const MOST: usize = 64 << 10;

/// How often it is looked for more.
const INTERVAL: Duration = Duration::from_millis(100);

/// Both streams of a command.
pub struct Told {
    file: File,
    ended: CancellationToken,
    passing: Option<JoinHandle<Vec<u8>>>,
}

impl Told {
    /// None yet.
    ///
    /// # Errors
    /// When the system has no such file.
    pub fn new() -> IoResult<Self> {
        let file = File::from(memfd_create("told", MemfdFlags::CLOEXEC)?);
        Ok(Self { file, ended: CancellationToken::new(), passing: None })
    }

    /// A stream of the command: all go to the same place, one after another.
    ///
    /// # Errors
    /// When there are too many files.
    pub fn stream(&self) -> IoResult<Stdio> {
        Ok(Stdio::from(self.file.try_clone()?))
    }

    /// Passes it on from now on.
    ///
    /// # Errors
    /// When there are too many files.
    pub fn pass(&mut self) -> IoResult<()> {
        let passing = Passing { file: self.file.try_clone()?, at: 0, kept: Vec::new() };
        self.passing = Some(tokio::spawn(passing.run(self.ended.clone())));
        Ok(())
    }

    /// What was said last, once the command has ended.
    pub async fn end(self) -> Secret {
        self.ended.cancel();
        let kept = match self.passing {
            Some(passing) => passing.await.unwrap_or_default(),
            None => Vec::new(),
        };
        Secret::new(String::from_utf8_lossy(&kept).into_owned())
    }
}

struct Passing {
    file: File,
    at: u64,
    kept: Vec<u8>,
}

impl Passing {
    async fn run(mut self, ended: CancellationToken) -> Vec<u8> {
        loop {
            // Once more after the end, for what came last.
            let is_over = ended.is_cancelled();
            self.next();
            if is_over {
                return self.kept;
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = ended.cancelled() => {}
            }
        }
    }

    fn next(&mut self) {
        let mut buffer = [0; 8192];
        while let Ok(length @ 1..) = self.file.read_at(&mut buffer, self.at) {
            let part = &buffer[..length];
            self.at += length as u64;
            // Whoever does not read it any more ends no command.
            let _ = std::io::stderr().lock().write_all(part);
            self.kept.extend_from_slice(part);
            let over = self.kept.len().saturating_sub(MOST);
            self.kept.drain(..over);
        }
    }
}
