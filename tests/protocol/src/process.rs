//! A provider's process, watched from outside.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use anyhow::{Context as _, Result, bail};
use remote::conformance::patiently;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
};

pub use rustix::process::Signal;

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
        let search = self.stdout.line(wanted);
        match patiently("the provider's announcement", search).await {
            Some(line) => Ok(line),
            None => {
                self.stderr.finish().await;
                bail!("the provider announced nothing; its stderr: {:#?}", self.stderr())
            }
        }
    }

    /// Waits for the end and for the last output.
    pub async fn exit(&mut self) -> Result<ExitStatus> {
        let status = patiently("the provider's end", self.child.wait()).await?;
        self.stdout.finish().await;
        self.stderr.finish().await;
        Ok(status)
    }

    /// The lines on stdout up to now.
    pub fn stdout(&self) -> Vec<String> {
        self.stdout.lines()
    }

    /// The lines on stderr up to now.
    pub fn stderr(&self) -> Vec<String> {
        self.stderr.lines()
    }
}

/// Collects the lines of a stream.
#[derive(Debug)]
struct Output {
    lines: watch::Receiver<Vec<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Output {
    fn of(stream: impl AsyncRead + Send + Unpin + 'static) -> Self {
        let (sender, lines) = watch::channel(Vec::new());
        let reader = tokio::spawn(async move {
            let mut stream = BufReader::new(stream).lines();
            while let Ok(Some(line)) = stream.next_line().await {
                sender.send_modify(|lines| lines.push(line));
            }
        });
        Self { lines, reader: Some(reader) }
    }

    /// The first line that `wanted` accepts; `None` when the stream ended without one.
    async fn line(&mut self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let found = |lines: &Vec<String>| lines.iter().find(|line| wanted(line)).cloned();
        let lines = self.lines.wait_for(|lines| found(lines).is_some()).await.ok()?;
        found(&lines)
    }

    fn lines(&self) -> Vec<String> {
        self.lines.borrow().clone()
    }

    async fn finish(&mut self) {
        if let Some(reader) = self.reader.take() {
            let _ = reader.await;
        }
    }
}
