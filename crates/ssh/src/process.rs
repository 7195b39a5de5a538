//! The end of a command, for its caller.

use async_trait::async_trait;
use remote::{Error, ProcessControl};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use std::io;

use crate::channel::{Progress, SHARED_LIMIT};

/// Waits for a command's end or brings it about; dropping it early does the latter.
pub(crate) struct Control {
    program: String,
    host: String,
    progress: watch::Receiver<Progress>,
    cancel: CancellationToken,
    _end_on_drop: DropGuard,
}

impl Control {
    pub(crate) fn new(
        program: &str,
        host: &str,
        progress: watch::Receiver<Progress>,
        cancel: CancellationToken,
        end_on_drop: DropGuard,
    ) -> Self {
        Self {
            program: program.to_owned(),
            host: host.to_owned(),
            progress,
            cancel,
            _end_on_drop: end_on_drop,
        }
    }

    /// Waits until the login has come to the command.
    pub(crate) async fn started(&mut self) -> Result<(), Error> {
        match self.reach(|progress| *progress != Progress::Starting).await {
            Progress::Refused => Err(Error::Start {
                program: self.program.clone(),
                host: self.host.clone(),
                source: "the host refused to run commands".into(),
            }),
            Progress::NoShell(login) => Err(Error::NoShell {
                host: self.host.clone(),
                status: login.status,
                said: login.said.trim().to_owned(),
            }),
            Progress::Joined(shell) => {
                Err(Error::JoinedStreams { host: self.host.clone(), shell: shell.as_ref().to_owned() })
            }
            // It may have begun: only the host knows.
            Progress::NoStatus => Err(self.no_status()),
            // Whatever else there is to tell is told by the streams and by waiting.
            _ => Ok(()),
        }
    }

    async fn ended(&mut self) -> Progress {
        self.reach(|progress| !matches!(progress, Progress::Starting | Progress::Running)).await
    }

    async fn reach(&mut self, enough: impl Fn(&Progress) -> bool) -> Progress {
        match self.progress.wait_for(|progress| enough(progress)).await {
            Ok(progress) => progress.clone(),
            // The draining task is gone without a word: its runtime is being shut down.
            Err(_) => Progress::NoStatus,
        }
    }

    fn no_status(&self) -> Error {
        Error::NoStatus { program: self.program.clone(), host: self.host.clone() }
    }
}

#[async_trait]
impl ProcessControl for Control {
    async fn wait(&mut self) -> Result<u32, Error> {
        match self.ended().await {
            Progress::Status(status) => Ok(status),
            Progress::Cancelled => Err(Error::Cancelled),
            Progress::Starting
            | Progress::Running
            | Progress::Refused
            | Progress::NoShell(_)
            | Progress::Joined(_)
            | Progress::NoStatus => Err(self.no_status()),
            Progress::TooSlow => {
                let text = format!("its reader left more than {} MiB waiting", SHARED_LIMIT >> 20);
                Err(Error::Io {
                    operation: format!("read the output of {:?}", self.program),
                    host: self.host.clone(),
                    source: io::Error::other(text),
                })
            }
        }
    }

    async fn cancel(&mut self) {
        self.cancel.cancel();
        self.ended().await;
    }
}
