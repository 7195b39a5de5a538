//! Hosts that are not there, go away, or forbid something.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use remote::{Command, Dial, Error, Input, conformance::patiently, credentials::Credentials, run};
use ssh::Pool;
use tokio::{io::AsyncReadExt, time::Instant};

use crate::server::Sshd;

/// Longer than any test takes.
const AGES: Duration = Duration::from_secs(24 * 3600);

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_told_at_once() {
    let sshd = Sshd::prepare(&[]);
    let error = run(&*sshd.executor(), &Command::new(["true"]), Input::Nothing).await.unwrap_err();
    let Error::Unreachable { host, source } = error else { panic!("{error:?}") };
    assert!(host.ends_with(&format!("@127.0.0.1:{}", sshd.port)), "{host}");
    assert!(source.to_string().contains("refused"), "{source}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_boots_late_is_waited_for() {
    let mut sshd = Sshd::prepare(&[]);
    let pool = Pool::with_agent(None);
    let (connection, credentials) = (sshd.connection(""), sshd.credentials());
    let waiting = tokio::spawn(async move {
        let until = Instant::now() + AGES;
        pool.wait_for(&connection, &credentials, until).await
    });
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(!waiting.is_finished());
    sshd.run();
    let exec = waiting.await.unwrap().unwrap();
    assert_eq!(run(&*exec, &Command::new(["true"]), Input::Nothing).await.unwrap().status, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_at_its_deadline_and_at_once_where_there_is_no_hope() {
    let sshd = Sshd::prepare(&[]);
    let pool = Pool::with_agent(None);
    let until = Instant::now() + Duration::from_secs(1);
    let (connection, credentials) = (sshd.connection(""), sshd.credentials());
    let waiting = pool.wait_for(&connection, &credentials, until);
    let result = patiently("the deadline", waiting).await;
    assert!(matches!(result, Err(Error::Unreachable { .. })), "{result:?}");

    let sshd = Sshd::start(&[]);
    let nobody = Credentials { key: None, ..sshd.credentials() };
    let connection = sshd.connection("");
    let waiting = pool.wait_for(&connection, &nobody, Instant::now() + AGES);
    let result = patiently("the refusal", waiting).await;
    assert!(matches!(result, Err(Error::Authentication { .. })), "{result:?}");
}

/// Something listens there that is no SSH server and never says a word.
#[tokio::test(flavor = "multi_thread")]
async fn a_silent_listener_is_given_up_after_the_connect_timeout() {
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut sshd = Sshd::prepare(&[]);
    sshd.port = mute.local_addr().unwrap().port();
    let credentials = Credentials { connect_timeout: Duration::from_millis(500), ..sshd.credentials() };
    let exec = Pool::with_agent(None).executor(&sshd.connection(""), &credentials);
    let command = Command::new(["true"]);
    let running = run(&*exec, &command, Input::Nothing);
    let error = patiently("the connect timeout", running).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_in_the_middle_of_a_command_leaves_no_status() {
    let mut sshd = Sshd::start(&[]);
    let exec = sshd.executor();
    let mut process = exec.start(&Command::new(["sh", "-c", "echo begun; sleep 100"])).await.unwrap();
    let mut line = [0; 6];
    process.stdout.read_exact(&mut line).await.unwrap();
    sshd.kill();
    let ended = patiently("the end of a command that was cut", process.control.wait()).await;
    assert!(matches!(&ended, Err(Error::NoStatus { program, .. }) if program == "sh"), "{ended:?}");
    let rest = process.stdout.read(&mut [0; 10]).await;
    assert!(rest.is_err(), "output that was cut off must not look complete: {rest:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooled_connection_that_died_is_replaced() {
    let mut sshd = Sshd::start(&[]);
    let pool = Pool::with_agent(None);
    let exec = pool.executor(&sshd.connection(""), &sshd.credentials());
    run(&*exec, &Command::new(["true"]), Input::Nothing).await.unwrap();
    for round in 2..5 {
        if round % 2 == 0 {
            sshd.kill_sessions();
        } else {
            sshd.kill();
            sshd.run();
        }
        // At once, so that some of these find the end of the connection and some do not.
        run(&*exec, &Command::new(["true"]), Input::Nothing).await.unwrap();
        assert_eq!(pool.handshakes(), round);
    }
}

/// The server process is frozen, so the connection is there but nothing is answered any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_answers_no_more_is_replaced() {
    let sshd = Sshd::start(&[]);
    let pool = Pool::with_agent(None);
    let exec = pool.executor(&sshd.connection(""), &sshd.credentials());
    run(&*exec, &Command::new(["true"]), Input::Nothing).await.unwrap();
    sshd.freeze_sessions();
    let command = Command::new(["true"]).timeout(None);
    let ended = patiently("another connection", run(&*exec, &command, Input::Nothing)).await;
    assert_eq!(ended.unwrap().status, 0);
    assert_eq!(pool.handshakes(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_not_kept() {
    let mut sshd = Sshd::prepare(&[]);
    let exec = sshd.executor();
    run(&*exec, &Command::new(["true"]), Input::Nothing).await.unwrap_err();
    sshd.run();
    run(&*exec, &Command::new(["true"]), Input::Nothing).await.unwrap();
}

/// All who wait for the same attempt share its failure, they do not fail one after the other.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_callers_fail_together() {
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut sshd = Sshd::prepare(&[]);
    sshd.port = mute.local_addr().unwrap().port();
    let credentials = Credentials { connect_timeout: Duration::from_millis(500), ..sshd.credentials() };
    let exec = Pool::with_agent(None).executor(&sshd.connection(""), &credentials);
    let attempts = Arc::new(AtomicUsize::new(0));
    let counting = attempts.clone();
    let listening = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = mute.accept().await {
            counting.fetch_add(1, Ordering::Relaxed);
            held.push(stream);
        }
    });
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let exec = exec.clone();
        tasks.spawn(async move { run(&*exec, &Command::new(["true"]), Input::Nothing).await });
    }
    while let Some(result) = tasks.join_next().await {
        assert!(matches!(result.unwrap(), Err(Error::Unreachable { .. })));
    }
    listening.abort();
    // Whoever comes when an attempt has failed may make another one.
    let attempts = attempts.load(Ordering::Relaxed);
    assert!(attempts < 20, "{attempts} attempts for a hundred callers");
}

#[tokio::test(flavor = "multi_thread")]
async fn forbidden_forwarding_is_told_from_nobody_listening_where_sshd_tells() {
    let strict = Sshd::start(&["AllowStreamLocalForwarding no", "AllowTcpForwarding no"]);
    let open = Sshd::start(&[]);
    let (unix, tcp) = (Dial::Unix("/nowhere/docker.sock".to_owned()), Dial::Tcp("127.0.0.1".to_owned(), 1));
    // OpenSSH gives the same answer for a unix socket in both cases.
    let cases = [(&strict, &tcp, true), (&open, &tcp, false), (&strict, &unix, true), (&open, &unix, true)];
    for (sshd, target, expected) in cases {
        let Err(error) = sshd.executor().dial(target).await else { panic!("{target} answered") };
        assert!(matches!(error, Error::Dial { .. }), "{error:?}");
        assert_eq!(error.may_be_forbidden(), expected, "{target}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_pool_leaves_nothing_on_the_server() {
    let sshd = Sshd::start(&[]);
    let pool = Pool::with_agent(None);
    let exec = pool.executor(&sshd.connection(""), &sshd.credentials());
    run(&*exec, &Command::new(["true"]), Input::Nothing).await.unwrap();
    assert!(!sshd.sessions().is_empty());
    pool.close().await;
    patiently("the end of all sessions", async {
        while !sshd.sessions().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert!(sshd.log().contains("Received disconnect"), "{}", sshd.log());
}
