//! Hosts that are not there, go away, or forbid something.

use std::time::Duration;

use remote::{Command, Dial, Error, Input, credentials::Credentials, run};
use ssh::Pool;
use tokio::{
    io::AsyncReadExt,
    time::{Instant, timeout},
};

use crate::server::Sshd;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_told_at_once() {
    let sshd = Sshd::prepare(&[]);
    let began = Instant::now();
    let error = run(&*sshd.executor(), &Command::new(["true"]), Input::Nothing).await.unwrap_err();
    let Error::Unreachable { host, source } = error else { panic!("{error:?}") };
    assert!(host.ends_with(&format!("@127.0.0.1:{}", sshd.port)), "{host}");
    assert!(source.to_string().contains("refused"), "{source}");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_boots_late_is_waited_for() {
    let mut sshd = Sshd::prepare(&[]);
    let pool = Pool::with_agent(None);
    let (connection, credentials) = (sshd.connection(""), sshd.credentials());
    let waiting = tokio::spawn(async move {
        let until = Instant::now() + Duration::from_secs(30);
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
    let began = Instant::now();
    let until = began + Duration::from_secs(1);
    let result = pool.wait_for(&sshd.connection(""), &sshd.credentials(), until).await;
    assert!(matches!(result, Err(Error::Unreachable { .. })), "{result:?}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());

    let sshd = Sshd::start(&[]);
    let nobody = Credentials { key: None, ..sshd.credentials() };
    let until = Instant::now() + Duration::from_secs(30);
    let result = timeout(Duration::from_secs(5), pool.wait_for(&sshd.connection(""), &nobody, until)).await;
    assert!(matches!(result, Ok(Err(Error::Authentication { .. }))), "{result:?}");
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
    let error = timeout(Duration::from_secs(5), running).await.unwrap().unwrap_err();
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
    let ended = timeout(Duration::from_secs(5), process.control.wait()).await.unwrap();
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
    let command = Command::new(["true"]);
    let running = timeout(Duration::from_secs(40), run(&*exec, &command, Input::Nothing));
    assert_eq!(running.await.unwrap().unwrap().status, 0);
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
    let began = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let exec = exec.clone();
        tasks.spawn(async move { run(&*exec, &Command::new(["true"]), Input::Nothing).await });
    }
    while let Some(result) = tasks.join_next().await {
        assert!(matches!(result.unwrap(), Err(Error::Unreachable { .. })));
    }
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
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
    let until = Instant::now() + Duration::from_secs(5);
    while !sshd.sessions().is_empty() {
        assert!(Instant::now() < until, "sessions are left");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(sshd.log().contains("Received disconnect"), "{}", sshd.log());
}
