//! A session with a server of files, which all that is done there shares.

use std::{fmt, sync::Arc};

use remote::{Dial, Executor};
use russh_sftp::{
    client::{Config, RawSftpSession, SftpSession, error::Error as SftpError},
    protocol::{Packet, StatusCode},
};
use tokio::sync::Mutex;

use super::Cause;

/// The subsystem of SSH.
const SUBSYSTEM: &str = "sftp";

/// How long an answer may take, in seconds: disks of large boxes sleep.
const PATIENCE: u64 = 120;

/// Renaming as POSIX has it, over what is there; nearly every server knows it.
const POSIX_RENAME: &str = "posix-rename@openssh.com";

/// What a server is asked with.
pub(super) struct Session {
    /// Files and directories.
    pub(super) files: SftpSession,
    executor: Arc<dyn Executor>,
}

/// The session there is, if there is one.
pub(super) struct Sessions {
    executor: Arc<dyn Executor>,
    open: Mutex<Option<Arc<Session>>>,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sessions").field(&self.executor).finish()
    }
}

fn config() -> Config {
    Config { request_timeout_secs: PATIENCE, ..Config::default() }
}

impl Sessions {
    pub(super) fn new(executor: Arc<dyn Executor>) -> Self {
        Self { executor, open: Mutex::default() }
    }

    /// The session, opened where there is none.
    pub(super) async fn get(&self) -> Result<Arc<Session>, Cause> {
        let mut open = self.open.lock().await;
        if let Some(session) = &*open {
            return Ok(session.clone());
        }
        let stream = self.executor.dial(&Dial::Subsystem(SUBSYSTEM.to_owned())).await?;
        let files = SftpSession::new_with_config(stream, config()).await?;
        let session = Arc::new(Session { files, executor: self.executor.clone() });
        Ok(open.insert(session).clone())
    }

    /// Leaves the session: the next one who asks gets a new one.
    pub(super) async fn forget(&self) {
        *self.open.lock().await = None;
    }
}

impl Session {
    /// Renames a file over another one, at once.
    pub(super) async fn rename_over(&self, from: &str, to: &str) -> Result<(), Cause> {
        let stream = self.executor.dial(&Dial::Subsystem(SUBSYSTEM.to_owned())).await?;
        let raw = RawSftpSession::new_with_config(stream, config());
        let version = raw.init().await?;
        if !version.extensions.contains_key(POSIX_RENAME) {
            return Err(format!(
                "the server does not know {POSIX_RENAME}, so that nothing can be replaced at once"
            )
            .into());
        }
        match raw.extended(POSIX_RENAME, [text(from), text(to)].concat()).await? {
            Packet::Status(status) if status.status_code == StatusCode::Ok => Ok(()),
            Packet::Status(status) => Err(SftpError::Status(status).into()),
            _ => Err(SftpError::UnexpectedPacket.into()),
        }
    }
}

/// A text as the protocol has it: its length, and itself.
fn text(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], text.as_bytes()].concat()
}

/// Whether there is nothing of that name.
pub(super) fn is_absent(error: &SftpError) -> bool {
    matches!(error, SftpError::Status(status) if status.status_code == StatusCode::NoSuchFile)
}
