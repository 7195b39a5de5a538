//! Reaching a host through others.

use std::{fs, time::Duration};

use remote::{
    Command, Error, Input,
    conformance::patiently,
    connection::SshConnection,
    credentials::{Credentials, Login},
    run,
};
use ssh::Pool;
use tokio::{io::AsyncReadExt, time::Instant};

use crate::server::{Sshd, me, ssh_connection};

/// `target` through `jumps`, with one key and one known_hosts file for all of them.
fn through(target: &Sshd, jumps: &[&Sshd]) -> (SshConnection, Credentials) {
    let mut known = target.known_hosts_line("host");
    let mut hops = Vec::new();
    for jump in jumps {
        jump.authorize(&target.path("user.pub"));
        known += &jump.known_hosts_line("host");
        hops.push(format!("127.0.0.1:{}", jump.port));
    }
    fs::write(target.path("known_hosts"), known).unwrap();
    let connection = ssh_connection(&format!("ssh://127.0.0.1:{}?jump={}", target.port, hops.join(",")));
    let login = |jump: &&Sshd| Login { user: me(), host: "127.0.0.1".to_owned(), port: jump.port };
    let credentials = Credentials { jump: jumps.iter().map(login).collect(), ..target.credentials() };
    (connection, credentials)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_each_to_the_host_and_to_all_before_it() {
    let (first, second, target) = (Sshd::start(&[]), Sshd::start(&[]), Sshd::start(&[]));
    let (connection, credentials) = through(&target, &[&first, &second]);
    let pool = Pool::with_agent(None);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let exec = pool.executor(&connection, &credentials);
        tasks
            .spawn(async move { run(&*exec, &Command::new(["true"]), Input::Nothing).await.unwrap().status });
    }
    while let Some(status) = tasks.join_next().await {
        assert_eq!(status.unwrap(), 0);
    }
    assert_eq!((first.logins(), second.logins(), target.logins()), (1, 1, 1));
    assert!(second.log().contains("Connection from 127.0.0.1"));
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_host_is_checked_before_anybody_logs_in() {
    let (jump, target) = (Sshd::start(&[]), Sshd::start(&[]));
    let (connection, credentials) = through(&target, &[&jump]);
    fs::write(target.path("known_hosts"), target.known_hosts_line("host")).unwrap();
    let exec = Pool::with_agent(None).executor(&connection, &credentials);
    let error = run(&*exec, &Command::new(["true"]), Input::Nothing).await.unwrap_err();
    let Error::HostKeyUnknown { host, .. } = error else { panic!("{error:?}") };
    assert!(host.contains(&jump.port.to_string()), "the jump host is named: {host}");
    assert_eq!((jump.authentications(), target.authentications()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_host_that_forwards_nothing_is_named() {
    let (jump, target) = (Sshd::start(&["AllowTcpForwarding no"]), Sshd::start(&[]));
    let (connection, credentials) = through(&target, &[&jump]);
    let exec = Pool::with_agent(None).executor(&connection, &credentials);
    let error = run(&*exec, &Command::new(["true"]), Input::Nothing).await.unwrap_err();
    let Error::Unreachable { host, source } = error else { panic!("{error:?}") };
    assert!(host.contains(&target.port.to_string()), "{host}");
    assert!(source.to_string().contains(&jump.port.to_string()), "{source}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_behind_a_jump_host_may_still_boot() {
    let (jump, mut target) = (Sshd::start(&[]), Sshd::prepare(&[]));
    let (connection, credentials) = through(&target, &[&jump]);
    let pool = Pool::with_agent(None);
    let waiting = tokio::spawn({
        let (connection, credentials) = (connection.clone(), credentials.clone());
        async move {
            let until = Instant::now() + Duration::from_secs(24 * 3600);
            pool.wait_for(&connection, &credentials, until).await
        }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    target.run();
    let exec = waiting.await.unwrap().unwrap();
    run(&*exec, &Command::new(["true"]), Input::Nothing).await.unwrap();
}

/// A bulk stream that nobody reads blocks its own way through the jump host and nobody else's.
#[tokio::test(flavor = "multi_thread")]
async fn an_unread_bulk_stream_does_not_block_the_jump_host() {
    let (jump, target) = (Sshd::start(&[]), Sshd::start(&[]));
    let (connection, credentials) = through(&target, &[&jump]);
    let exec = Pool::with_agent(None).executor(&connection, &credentials);
    let bulk = Command::new(["head", "-c", "200000000", "/dev/zero"]).bulk().timeout(None);
    let mut process = exec.start(&bulk).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    for _ in 0..5 {
        let quick = Command::new(["true"]).timeout(None);
        patiently("a quick command", run(&*exec, &quick, Input::Nothing)).await.unwrap();
    }
    let mut all = Vec::new();
    process.stdout.read_to_end(&mut all).await.unwrap();
    assert_eq!((all.len(), process.control.wait().await.unwrap()), (200_000_000, 0));
}

/// Shared streams have one way through the jump host together, which one that nobody reads must not
/// hold up, nor keys that are exchanged anew all the time.
#[tokio::test(flavor = "multi_thread")]
async fn an_unread_stream_does_not_hold_up_the_jump_host() {
    let often = ["RekeyLimit 16M"];
    let (jump, target) = (Sshd::start(&often), Sshd::start(&often));
    let (connection, credentials) = through(&target, &[&jump]);
    let pool = Pool::with_agent(None);
    let exec = pool.executor(&connection, &credentials);
    for _ in 0..2 {
        let mut unread = exec.start(&Command::new(["cat", "/dev/zero"]).timeout(None)).await.unwrap();
        for _ in 0..5 {
            let quick = Command::new(["true"]).timeout(None);
            patiently("a quick command", run(&*exec, &quick, Input::Nothing)).await.unwrap();
        }
        patiently("the end of the stream", unread.control.cancel()).await;
    }
    assert_eq!((jump.logins(), target.logins()), (1, 1), "a connection was given up");
}
