//! An engine in memory that gives prepared answers, for tests of what is asked in which order.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use docker::{Cli, Engine};
use remote::{Dial, Fake};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

const SOCKET: &str = "/run/docker.sock";

/// What an engine is asked next, and its status and body: `("POST /swarm/join", 200, "")`. What it is
/// asked goes on as it likes: a query, then the body.
type Answer = (&'static str, u16, &'static str);

/// An engine, and what it has been asked.
pub(crate) struct Scripted {
    pub(crate) engine: Engine,
    /// Its host, which runs no commands but those that it is told of.
    pub(crate) host: Fake,
    asked: Arc<Mutex<Vec<String>>>,
    left: Arc<Mutex<VecDeque<Answer>>>,
}

impl Scripted {
    /// One with these answers, each for once and in this order.
    pub(crate) async fn new(host: &str, answers: &[Answer]) -> Self {
        let (host, asked) = (Fake::new(host), Arc::default());
        let left = Arc::new(Mutex::new(answers.iter().copied().collect()));
        let mut listener = host.listen(&Dial::Unix(SOCKET.to_owned()));
        let (seen, script) = (Arc::clone(&asked), Arc::clone(&left));
        tokio::spawn(async move {
            while let Some(stream) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&seen), Arc::clone(&script)));
            }
        });
        let engine = Engine::connect(Arc::new(host.clone()), &Cli::new(SOCKET, "/root")).await.unwrap();
        Self { engine, host, asked, left }
    }

    /// What it was asked, each with its body.
    ///
    /// # Panics
    /// When it has answers that nobody asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        let left = self.left.lock().unwrap();
        assert!(left.is_empty(), "nobody asked for {left:?}");
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: DuplexStream,
    asked: Arc<Mutex<Vec<String>>>,
    script: Arc<Mutex<VecDeque<Answer>>>,
) {
    while let Some(request) = next(&mut stream).await {
        let (status, body) = if request.starts_with("GET /version") {
            (
                200,
                r#"{"Version":"26.1.5","ApiVersion":"1.45","Components":[{"Name":"Engine","Version":"1"}]}"#,
            )
        } else {
            asked.lock().unwrap().push(request.clone());
            match script.lock().unwrap().pop_front() {
                Some((expected, status, body)) if request.starts_with(expected) => (status, body),
                other => panic!("it was asked {request}, and knows {other:?}"),
            }
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + body).as_bytes()).await.unwrap();
    }
}

/// The next request: its method, its target without the version of the API, and its body.
async fn next(stream: &mut DuplexStream) -> Option<String> {
    let (mut head, mut byte) = (Vec::new(), [0; 1]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).await.ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let (method, rest) = head.split_once(' ').unwrap();
    let target = rest.split(' ').next().unwrap().trim_start_matches("/v1.45");
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
    });
    let mut body = vec![0; length.unwrap_or_default()];
    stream.read_exact(&mut body).await.ok()?;
    Some(format!("{method} {target} {}", String::from_utf8(body).unwrap()).trim_end().to_owned())
}
