//! Fifty operations at once, slow readers beside them, and a connection that is cut in the middle;
//! and fifty at once of which each holds a lock.
//!
//! A check for tests, like `remote::conformance`: it panics with what it saw. The way to the host
//! and the way to cut it are the caller's, so that the same soak runs against an sshd on this
//! machine and against any other host.

#![allow(clippy::panic, reason = "a check fails by panicking, as tests do")]

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use remote::{
    Command, Error, Executor, Input, Process,
    conformance::patiently,
    lock::{Lock, SHARED},
    run,
};
use tokio::{
    io::AsyncReadExt,
    sync::Barrier,
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::Pool;

/// Operations at once.
pub const OPERATIONS: usize = 50;

/// How much each of the slow readers' commands writes: more than any window or socket holds.
const FLOOD: u64 = 48 << 20;

/// What an operation came to, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It ran to its end and gave what it should.
    Done,
    /// The connection ended under it: whether it ran is unknown, and is said to be.
    Lost,
    /// The host could not be reached.
    Unreachable,
}

/// How long things took, and how they ended.
#[derive(Clone, Debug)]
pub struct Report {
    /// How many operations came to what.
    pub outcomes: BTreeMap<Outcome, usize>,
    /// From the cut to the end of the last operation.
    pub settled: Duration,
}

/// Starts the operations and the slow readers, calls `cut` while they are under way (it should
/// end the connections, and leave the host reachable again), and waits until all have ended.
///
/// # Panics
/// When an operation does not end after the cut or does not say clearly what became of it, when one
/// is answered wrongly, or when the host does not work again afterwards.
pub async fn soak<C: Future<Output = ()>>(exec: Arc<dyn Executor>, cut: impl FnOnce() -> C) -> Report {
    let mut slow = vec![flood(&*exec, false).await, flood(&*exec, true).await];
    let mut operations = JoinSet::new();
    for number in 0..OPERATIONS {
        let exec = exec.clone();
        operations.spawn(async move { endure(&*exec, number).await });
    }
    // Some have begun and some wait for a session; the unread bulk stream is under way for certain.
    sleep(Duration::from_millis(300)).await;
    cut().await;
    let began = Instant::now();
    let mut outcomes = BTreeMap::new();
    patiently("the end of everything after the cut", async {
        while let Some(outcome) = operations.join_next().await {
            for outcome in outcome.unwrap_or_else(|error| panic!("{error}")) {
                *outcomes.entry(outcome).or_insert(0) += 1;
            }
        }
        for process in &mut slow {
            *outcomes.entry(read_slowly(process).await).or_insert(0) += 1;
        }
    })
    .await;
    let settled = began.elapsed();
    let after = run(&*exec, &Command::new(["echo", "again"]), Input::Nothing).await;
    assert!(matches!(&after, Ok(output) if output.stdout == b"again\n"), "after the cut: {after:?}");
    Report { outcomes, settled }
}

/// As many operations at once, each of which holds a lock of its own while it runs commands, as
/// applies do. What they hold is nothing that they wait for.
///
/// # Panics
/// When one of them fails, or when one waited so long for a session that another connection was
/// opened: somebody held one then and waited for a second.
pub async fn locked(pool: &Pool, exec: Arc<dyn Executor>) {
    let name = |number: usize| format!("soak-{}-{number}", std::process::id());
    let mut operations = JoinSet::new();
    // So that no operation begins to give back what it has before all of them have it.
    let all_hold = Arc::new(Barrier::new(OPERATIONS));
    for number in 0..OPERATIONS {
        let (exec, name, all_hold) = (exec.clone(), name(number), all_hold.clone());
        operations.spawn(async move {
            let never = CancellationToken::new();
            let lock = Lock::acquire(&*exec, &name, "the soak", Duration::ZERO, &never).await;
            let lock = lock.unwrap_or_else(|error| panic!("lock {name}: {error}"));
            all_hold.wait().await;
            let outcomes = endure(&*exec, number).await;
            assert!(outcomes.iter().all(|one| *one == Outcome::Done), "{name}: {outcomes:?}");
            lock.still_held().await.unwrap_or_else(|error| panic!("{error}"));
            lock.release().await.unwrap_or_else(|error| panic!("lock {name}: {error}"));
        });
    }
    while let Some(ended) = operations.join_next().await {
        ended.unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(pool.stalls(), 0, "somebody waited for a session while holding one");
    let script =
        r#"shared=$1; shift; for name; do rm -f -- "$HOME/.windlass/locks/$name" "$shared/$name"; done"#;
    let names = (0..OPERATIONS).map(name);
    let sweep = Command::new(["sh", "-c", script, "sweep", SHARED]).args(names);
    let swept = run(&*exec, &sweep, Input::Nothing).await;
    assert!(swept.is_ok_and(|output| output.success()), "the locks of the soak were not removed");
}

async fn flood(exec: &dyn Executor, bulk: bool) -> Process {
    let command = Command::new(["head", "-c", &FLOOD.to_string(), "/dev/zero"]).timeout(None);
    let command = if bulk { command.bulk() } else { command };
    exec.start(&command).await.unwrap_or_else(|error| panic!("the slow reader's command: {error:?}"))
}

/// Reads the rest in small pieces; what matters is that it comes to an end, and to a true one.
async fn read_slowly(process: &mut Process) -> Outcome {
    let mut piece = vec![0; 1 << 20];
    let mut total = 0;
    let broken = loop {
        match process.stdout.read(&mut piece).await {
            Ok(0) => break false,
            Ok(count) => total += count as u64,
            Err(_) => break true,
        }
        sleep(Duration::from_millis(1)).await;
    };
    let status = process.control.wait().await;
    match status {
        Ok(0) => {
            assert!(!broken && total == FLOOD, "status 0 after {total} bytes, broken: {broken}");
            Outcome::Done
        }
        Err(Error::NoStatus { .. }) => {
            assert!(broken, "cut output that looks complete after {total} bytes");
            Outcome::Lost
        }
        other => panic!("the slow reader's command: {other:?}"),
    }
}

/// A few operations of different kinds, one after the other.
async fn endure(exec: &dyn Executor, number: usize) -> Vec<Outcome> {
    let text = format!("operation {number}");
    let quick = Command::new(["echo", &text]).timeout(None);
    let slow = Command::new(["sh", "-c", "sleep 1; echo \"$1\"", "sh", &text]).timeout(None);
    let payload: Vec<u8> = (0..1_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut outcomes = Vec::new();
    let echoed = format!("{text}\n").into_bytes();
    outcomes.push(judge(run(exec, &quick, Input::Nothing).await, &echoed));
    let cat = Command::new(["cat"]).timeout(None);
    let cat = if number.is_multiple_of(10) { cat.bulk() } else { cat };
    let payload = Bytes::from(payload);
    outcomes.push(judge(run(exec, &cat, Input::Bytes(payload.clone())).await, &payload));
    outcomes.push(judge(run(exec, &slow, Input::Nothing).await, &echoed));
    outcomes
}

fn judge(result: Result<remote::Output, Error>, expected: &[u8]) -> Outcome {
    match result {
        Ok(output) => {
            assert_eq!(output.status, 0, "{output:?}");
            assert!(
                output.stdout == expected,
                "{} bytes in place of {}",
                output.stdout.len(),
                expected.len()
            );
            Outcome::Done
        }
        Err(Error::NoStatus { .. } | Error::Io { .. }) => Outcome::Lost,
        Err(Error::Unreachable { .. }) => Outcome::Unreachable,
        Err(error) => panic!("no clear outcome: {error:?}"),
    }
}
