use remote::{Fake, Local};
use secret::{Scrubber, Secret};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

fn http(url: &str, statuses: &str, body: Option<&str>) -> Target {
    Target::Http {
        url: url.parse().unwrap(),
        statuses: statuses.parse().unwrap(),
        body: body.map(str::to_owned),
    }
}

fn probe(target: Target, timeout: u64) -> Probe {
    Probe { target, timeout: Duration::from_millis(timeout), interval: Duration::from_millis(20) }
}

/// A server that gives one of `answers` to each connection, the last one again and again.
async fn server(answers: &'static [&'static str]) -> (u16, tokio_util::task::AbortOnDropHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let task = tokio::spawn(async move {
        let mut answers = answers.iter().peekable();
        let mut answer = "";
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            answer = answers.next().unwrap_or(&answer);
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let answer = answer.replace("{request}", request.lines().next().unwrap_or_default());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, tokio_util::task::AbortOnDropHandle::new(task))
}

async fn pass(probe: &Probe) -> Result<u32, ProbeError> {
    probe.pass(&Local::new(), |_| false, &CancellationToken::new()).await
}

async fn last_words(probe: &Probe) -> (u32, String) {
    match pass(probe).await.unwrap_err() {
        ProbeError::Failed { tries, last, .. } => {
            (tries, last.describe(&Scrubber::new([Secret::from("hunter2")])))
        }
        other => panic!("{other}"),
    }
}

const STARTING: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 17\r\n\r\nstarting, hunter2";
const FINE: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{request} is fine";
const ELSEWHERE: &str = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn it_is_tried_until_the_answer_will_do() {
    let (port, _server) = server(&[STARTING, "", FINE]).await;
    let url = format!("http://localhost:{port}/health?x=1");
    let target = http(&url, "200", Some("GET /health?x=1 HTTP/1.1 is fine"));
    assert_eq!(pass(&probe(target, 10_000)).await.unwrap(), 3);
}

#[tokio::test]
async fn the_last_answer_is_reported_without_secrets() {
    let (port, _server) = server(&[STARTING]).await;
    let url = format!("http://127.0.0.1:{port}/");
    let (tries, words) = last_words(&probe(http(&url, "200-299", None), 1000)).await;
    assert!(tries > 1);
    assert_eq!(words, "the status was 503: starting, [secret]");
    assert!(pass(&probe(http(&url, "503", None), 5000)).await.is_ok());
}

#[tokio::test]
async fn a_redirect_is_an_answer() {
    let (port, _server) = server(&[ELSEWHERE]).await;
    let url = format!("http://127.0.0.1:{port}/");
    let (_, words) = last_words(&probe(http(&url, "200-299", None), 1000)).await;
    assert_eq!(words, "the status was 302, with an empty body");
    assert!(pass(&probe(http(&url, "302", None), 5000)).await.is_ok());
}

#[tokio::test]
async fn a_body_without_the_text_will_not_do() {
    let (port, _server) = server(&[FINE]).await;
    let target = http(&format!("http://127.0.0.1:{port}/a"), "200", Some("great"));
    let (_, words) = last_words(&probe(target, 1000)).await;
    assert_eq!(words, "the status was 200, but the text was not in the body: GET /a HTTP/1.1 is fine");
}

#[tokio::test]
async fn what_does_not_answer_is_told_apart() {
    let (port, _server) = server(&["no HTTP\r\n"]).await;
    let (_, words) = last_words(&probe(http(&format!("http://127.0.0.1:{port}/"), "200", None), 500)).await;
    assert!(words.starts_with("the answer could not be read: "), "{words}");

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let (tries, words) =
        last_words(&probe(http(&format!("http://127.0.0.1:{port}/"), "200", None), 100)).await;
    assert_eq!(tries, 1);
    assert!(words.starts_with("there was no whole answer within 0."), "{words}");
    let tcp = Target::Tcp { host: "127.0.0.1".into(), port };
    assert_eq!(pass(&probe(tcp.clone(), 5000)).await.unwrap(), 1);
    drop(silent);
    let (_, words) = last_words(&probe(tcp, 500)).await;
    assert!(
        words.starts_with(&format!("could not connect to 127.0.0.1:{port} on this machine: ")),
        "{words}"
    );
}

#[tokio::test]
async fn nothing_is_tried_again_where_that_is_hopeless() {
    let target = Target::Tcp { host: "db".into(), port: 5432 };
    let probe = Probe { interval: Duration::from_secs(60), ..probe(target, 600_000) };
    let failed = probe.pass(&Fake::new("web"), |_| true, &CancellationToken::new()).await;
    assert!(matches!(failed, Err(ProbeError::Failed { tries: 1, .. })), "{failed:?}");
}

#[tokio::test]
async fn a_cancelled_probe_is_no_failed_one() {
    let target = Target::Tcp { host: "db".into(), port: 5432 };
    let cancel = CancellationToken::new();
    let probe = Probe { interval: Duration::from_secs(60), ..probe(target, 600_000) };
    let fake = Fake::new("web");
    let (passed, ()) = tokio::join!(probe.pass(&fake, |_| false, &cancel), async { cancel.cancel() });
    assert!(matches!(passed, Err(ProbeError::Remote(Error::Cancelled))), "{passed:?}");
}
