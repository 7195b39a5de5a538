//! An sshd with its default limits, or tighter ones.

use remote::{Command, Executor, Input, conformance::patiently, run};
use ssh::Pool;

use crate::server::Sshd;

async fn many(exec: &std::sync::Arc<dyn Executor>, count: usize, command: Command) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..count {
        let (exec, command) = (exec.clone(), command.clone());
        tasks.spawn(async move { run(&*exec, &command, Input::Nothing).await });
    }
    while let Some(result) = patiently("a command", tasks.join_next()).await {
        assert_eq!(result.unwrap().unwrap().status, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_commands_than_sessions_share_one_connection() {
    for max in ["10", "8", "3", "1"] {
        let sshd = Sshd::start(&[&format!("MaxSessions {max}")]);
        let pool = Pool::with_agent(None);
        let exec = pool.executor(&sshd.connection(""), &sshd.credentials());
        many(&exec, 30, Command::new(["sleep", "0.05"])).await;
        assert_eq!(pool.handshakes(), 1, "MaxSessions {max}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_sessions_at_all_is_an_error_and_no_loop() {
    let sshd = Sshd::start(&["MaxSessions 0"]);
    let exec = sshd.executor();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let exec = exec.clone();
        tasks.spawn(async move { run(&*exec, &Command::new(["true"]), Input::Nothing).await });
    }
    while let Some(result) = patiently("a command", tasks.join_next()).await {
        let error = result.unwrap().unwrap_err();
        assert!(matches!(error, remote::Error::Start { .. }), "{error:?}");
    }
}

/// sshd hangs up on most of those who knock; each is let in in the end.
#[tokio::test(flavor = "multi_thread")]
async fn connections_dropped_by_max_startups_are_tried_again() {
    let sshd = Sshd::start(&["MaxStartups 2"]);
    let pools: Vec<Pool> = (0..6).map(|_| Pool::with_agent(None)).collect();
    let mut tasks = tokio::task::JoinSet::new();
    for pool in &pools {
        let exec = pool.executor(&sshd.connection(""), &sshd.credentials());
        tasks.spawn(async move { run(&*exec, &Command::new(["true"]), Input::Nothing).await });
    }
    while let Some(result) = patiently("a command", tasks.join_next()).await {
        result.unwrap().unwrap();
    }
    assert!(sshd.log().contains("past MaxStartups"), "nothing was dropped, so nothing was tested");
}

#[tokio::test(flavor = "multi_thread")]
async fn bulk_streams_have_connections_of_their_own() {
    let sshd = Sshd::start(&[]);
    let pool = Pool::with_agent(None);
    let exec = pool.executor(&sshd.connection(""), &sshd.credentials());
    many(&exec, 10, Command::new(["sleep", "0.05"]).bulk()).await;
    assert_eq!(pool.handshakes(), 10);
}

/// Callers who each hold a session and want another one get it: nobody waits for ever.
#[tokio::test(flavor = "multi_thread")]
async fn holders_of_all_sessions_who_want_more_get_another_connection() {
    let sshd = Sshd::start(&[]);
    let pool = Pool::with_agent(None);
    let exec = pool.executor(&sshd.connection(""), &sshd.credentials());
    let mut held = Vec::new();
    for _ in 0..8 {
        held.push(exec.start(&Command::new(["sleep", "1000"]).timeout(None)).await.unwrap());
    }
    many(&exec, 8, Command::new(["true"])).await;
    assert_eq!(pool.handshakes(), 2);
    for process in &mut held {
        process.control.cancel().await;
    }
}
