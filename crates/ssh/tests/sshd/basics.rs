//! Commands, streams and sockets over one connection.

use remote::{Command, Dial, Input, conformance::patiently, run};
use ssh::Pool;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::Sshd;

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_with_its_words_its_input_and_its_status() {
    let sshd = Sshd::start(&[]);
    let exec = sshd.executor();
    let words =
        ["sh", "-c", "cat; printf '%s|' \"$@\" >&2; exit 7", "sh", "a b", "$HOME;'\"", "\n", "-ü", ""];
    let output = run(&*exec, &Command::new(words), Input::bytes("hello")).await.unwrap();
    assert_eq!(output.status, 7);
    assert_eq!(output.stdout_text(), "hello");
    assert_eq!(output.stderr_text(), "a b|$HOME;'\"|\n|-ü||");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_executors_at_once_make_one_connection() {
    let sshd = Sshd::start(&[]);
    let pool = Pool::with_agent(None);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..100 {
        let exec = pool.executor(&sshd.connection(""), &sshd.credentials());
        tasks.spawn(async move {
            let output =
                run(&*exec, &Command::new(["echo", &number.to_string()]), Input::Nothing).await.unwrap();
            assert_eq!(output.stdout_text(), format!("{number}\n"));
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!((pool.handshakes(), sshd.logins()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_of_the_host_can_be_reached() {
    let sshd = Sshd::start(&[]);
    let exec = sshd.executor();
    let path = sshd.path("echo.sock");
    let unix = tokio::net::UnixListener::bind(&path).unwrap();
    let tcp = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = tcp.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = unix.accept().await.unwrap();
        let (mut read, mut write) = stream.split();
        tokio::io::copy(&mut read, &mut write).await.unwrap();
    });
    tokio::spawn(async move {
        let (mut stream, _) = tcp.accept().await.unwrap();
        let (mut read, mut write) = stream.split();
        tokio::io::copy(&mut read, &mut write).await.unwrap();
    });
    for target in [Dial::Unix(path.display().to_string()), Dial::Tcp("127.0.0.1".to_owned(), port)] {
        let mut stream = exec.dial(&target).await.unwrap();
        stream.write_all(b"ping").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        let reading = stream.read_to_string(&mut answer);
        patiently("the answer", reading).await.unwrap();
        assert_eq!(answer, "ping", "{target}");
    }
}
