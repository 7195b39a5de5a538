//! A provider's process, watched from outside.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
    task::JoinHandle,
};

pub use rustix::process::Signal;

/// A core gives up on a provider that has not announced itself by then.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// No exit that was asked for may take so long; a core kills after two seconds.
const EXIT_TIMEOUT: Duration = Duration::from_secs(10);

/// A running provider with a temporary directory of its own. Killed on drop.
#[derive(Debug)]
pub struct ProviderProcess {
    child: Child,
    temporary: TempDir,
    stdout: Output,
    stderr: Output,
}

impl ProviderProcess {
    /// Starts `command` with its output captured and a fresh, empty `TMPDIR`.
    pub fn spawn(mut command: Command) -> Result<Self> {
        // Directly in /tmp, or the path of the socket could get too long.
        let temporary = TempDir::with_prefix_in("core-", "/tmp")?;
        let mut child = command
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("start {:?}", command.as_std().get_program()))?;
        let stdout = Output::of(child.stdout.take().context("capture stdout")?);
        let stderr = Output::of(child.stderr.take().context("capture stderr")?);
        Ok(Self { child, temporary, stdout, stderr })
    }

    /// The `TMPDIR` of the process.
    pub fn temporary(&self) -> &Path {
        self.temporary.path()
    }

    /// What is in the process's `TMPDIR` now.
    pub fn left_behind(&self) -> Result<Vec<PathBuf>> {
        std::fs::read_dir(self.temporary.path())?.map(|entry| Ok(entry?.path())).collect()
    }

    /// The process id; an error after its end.
    pub fn pid(&self) -> Result<u32> {
        self.child.id().context("the provider has ended")
    }

    /// Sends a signal to this process alone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.pid()?)?;
        let pid = rustix::process::Pid::from_raw(pid).context("the provider has no id")?;
        rustix::process::kill_process(pid, signal).context("signal the provider")
    }

    /// Waits for the first line on stdout that `wanted` accepts.
    pub async fn stdout_line(&mut self, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let search = async {
            loop {
                if let Some(line) = self.stdout.lines().iter().find(|line| wanted(line)) {
                    return Ok(line.clone());
                }
                if self.child.try_wait()?.is_some() {
                    bail!("the provider ended before its announcement");
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let found = tokio::time::timeout(START_TIMEOUT, search).await;
        let result = found.context("the provider did not announce itself in time");
        result.flatten().with_context(|| format!("its stderr: {:#?}", *self.stderr.lines()))
    }

    /// Waits for the end and for the last output.
    pub async fn exit(&mut self) -> Result<ExitStatus> {
        let status = tokio::time::timeout(EXIT_TIMEOUT, self.child.wait()).await;
        let status = status.context("the provider does not end")??;
        self.stdout.finish().await;
        self.stderr.finish().await;
        Ok(status)
    }

    /// The lines on stdout up to now.
    pub fn stdout(&self) -> Vec<String> {
        self.stdout.lines().clone()
    }

    /// The lines on stderr up to now.
    pub fn stderr(&self) -> Vec<String> {
        self.stderr.lines().clone()
    }
}

/// Collects the lines of a stream.
#[derive(Debug)]
struct Output {
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
}

impl Output {
    fn of(stream: impl AsyncRead + Send + Unpin + 'static) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let reader = tokio::spawn(async move {
            let mut stream = BufReader::new(stream).lines();
            while let Ok(Some(line)) = stream.next_line().await {
                sink.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Self { lines, reader: Some(reader) }
    }

    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn finish(&mut self) {
        if let Some(reader) = self.reader.take() {
            let _ = reader.await;
        }
    }
}
