//! The end of a command, for its caller.

use async_trait::async_trait;
use remote::{Error, ProcessControl};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use std::io;

use crate::channel::{Ending, SHARED_LIMIT};

/// Waits for a command's end or brings it about; dropping it early does the latter.
pub(crate) struct Control {
    program: String,
    host: String,
    ending: watch::Receiver<Ending>,
    cancel: CancellationToken,
    _end_on_drop: DropGuard,
}

impl Control {
    pub(crate) fn new(
        program: &str,
        host: &str,
        ending: watch::Receiver<Ending>,
        cancel: CancellationToken,
    ) -> Self {
        let guard = cancel.clone().drop_guard();
        Self { program: program.to_owned(), host: host.to_owned(), ending, cancel, _end_on_drop: guard }
    }

    async fn ended(&mut self) -> Ending {
        match self.ending.wait_for(|ending| *ending != Ending::Open).await {
            Ok(ending) => *ending,
            // The draining task is gone without a word: its runtime is being shut down.
            Err(_) => Ending::NoStatus,
        }
    }
}

#[async_trait]
impl ProcessControl for Control {
    async fn wait(&mut self) -> Result<u32, Error> {
        let (ending, host) = (self.ended().await, self.host.clone());
        match ending {
            Ending::Status(status) => Ok(status),
            Ending::Cancelled => Err(Error::Cancelled),
            Ending::Open | Ending::NoStatus => Err(Error::NoStatus { program: self.program.clone(), host }),
            Ending::TooSlow => {
                let text = format!("its reader left more than {} MiB waiting", SHARED_LIMIT >> 20);
                Err(Error::Io {
                    operation: format!("read the output of {:?}", self.program),
                    host,
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
