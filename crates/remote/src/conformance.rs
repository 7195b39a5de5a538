//! What every [`Executor`] must do, as checks that run against a real one.
//!
//! A check that fails panics with what it saw; [`suite`] runs them all. They
//! need what every Linux host has, BusyBox at least, and leave nothing behind on it but the empty
//! directory of locks.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "checks fail by panicking, as tests do")]

mod attack;
mod commands;
mod ending;
mod files;
mod locks;
mod patience;
mod sockets;
mod streams;
mod tools;
mod trees;

use std::sync::Arc;

use crate::{Command, Executor, Input, run, run_checked};

pub use attack::{Attack, THEIRS};
pub use commands::statuses;
pub use patience::patiently;
pub use sockets::{EchoServers, sockets};
pub use tools::Tools;

/// The host that is checked.
#[derive(Clone, Debug)]
pub struct Host {
    /// The way to it.
    pub exec: Arc<dyn Executor>,
    /// A unix socket and a TCP address as the host sees them, behind which all that arrives is
    /// sent back; [`EchoServers`] are such, where the host is this machine.
    pub echo: Option<(String, (String, u16))>,
}

/// Runs every check.
///
/// # Panics
/// When one of them fails.
pub async fn suite(host: &Host) {
    let exec = host.exec.as_ref();
    within("statuses", statuses(exec)).await;
    within("words", commands::words(exec)).await;
    within("signals", commands::signals(exec)).await;
    within("privileged", commands::privileged(exec)).await;
    within("stderr is separate", streams::stderr_is_separate(exec)).await;
    within("echo of 16 MiB", streams::echo(exec)).await;
    within("input may be ignored", streams::input_may_be_ignored(exec)).await;
    within("end of input", streams::end_of_input(exec)).await;
    within("an unread stream", streams::an_unread_stream_blocks_nobody(exec)).await;
    within("fifty at once", streams::fifty_at_once(exec)).await;
    within("timeout", ending::timeout(exec)).await;
    within("cancel", ending::cancel(exec)).await;
    within("drop", ending::drop_process(exec)).await;
    within("sockets", sockets(host)).await;
    within("facts", files::facts(exec)).await;
    within("write", files::write(exec)).await;
    within("write refused", files::write_refused(exec)).await;
    within("write cut short", files::write_cut_short(exec)).await;
    within("owner", files::owner(exec)).await;
    within("download", files::download(exec)).await;
    within("upload a tree", trees::upload(exec)).await;
    within("upload refused", trees::upload_refused(exec)).await;
    within("download a tree", trees::download(exec)).await;
    within("remove", trees::remove(exec)).await;
    within("lock", locks::lock(exec)).await;
}

async fn within(name: &str, check: impl Future<Output = ()>) {
    tracing::info!(check = name, "conformance");
    patiently(&format!("check {name:?}"), check).await;
}

/// What a shell script with arguments writes to stdout; it must succeed.
async fn shell(exec: &dyn Executor, script: &str, arguments: &[&str]) -> String {
    let command = Command::new(["sh", "-c", script, "check"]).args(arguments.iter().copied()).timeout(None);
    run_checked(exec, &command, Input::Nothing).await.expect("a shell script runs").stdout_text()
}

/// Whether the process `pid` of the host runs; a zombie does not.
async fn is_running(exec: &dyn Executor, pid: &str) -> bool {
    let script = r#"grep -q '^State:[[:space:]]*[^Z]' "/proc/$1/status" 2>/dev/null"#;
    let command = Command::new(["sh", "-c", script, "check", pid.trim()]).timeout(None);
    run(exec, &command, Input::Nothing).await.expect("a shell script runs").success()
}

/// Waits until the process `pid` has ended.
async fn has_ended(exec: &dyn Executor, pid: &str) {
    patiently(&format!("the end of process {pid} on {}", exec.name()), async {
        while is_running(exec, pid).await {}
    })
    .await;
}
