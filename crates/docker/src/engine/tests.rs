//! The Engine over streams in memory, with a daemon that knows two answers.

use super::*;
use remote::{
    Dial, Fake,
    fake::{Listener, Reply},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

const SOCKET: &str = "/run/docker.sock";

fn cli() -> Cli {
    Cli::new(SOCKET, "/root")
}

/// Answers `GET /version` with a daemon of this kind, and every list with one container.
async fn daemon(mut listener: Listener, component: &'static str) {
    while let Some(stream) = listener.accept().await {
        tokio::spawn(serve(stream, component));
    }
}

async fn serve(mut stream: DuplexStream, component: &'static str) {
    let mut request = Vec::new();
    let mut byte = [0; 1];
    while stream.read_exact(&mut byte).await.is_ok() {
        request.push(byte[0]);
        if !request.ends_with(b"\r\n\r\n") {
            continue;
        }
        let text = String::from_utf8_lossy(&request).into_owned();
        request.clear();
        assert!(text.to_ascii_lowercase().contains("\r\nhost: docker\r\n"), "{text}");
        let body = answer(&text, component);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).await.unwrap();
    }
}

fn answer(request: &str, component: &str) -> String {
    let target = request.split(' ').nth(1).unwrap();
    if target.ends_with("/version") {
        format!(
            r#"{{"Version":"26.1.5","ApiVersion":"1.45","Components":[{{"Name":"{component}","Version":"1"}}]}}"#
        )
    } else {
        assert!(target.starts_with("/v1.45/containers/json?"), "{target}");
        assert!(target.contains("com.docker.compose.project%3Dweb"), "{target}");
        r#"[{"Id":"1","Names":["/web-app-1"],"State":"running","Status":"Up 2 seconds"}]"#.to_owned()
    }
}

fn listening(component: &'static str) -> Fake {
    let fake = Fake::new("web");
    tokio::spawn(daemon(fake.listen(&Dial::Unix(SOCKET.to_owned())), component));
    fake
}

async fn failing(reply: Reply) -> Error {
    let fake = Fake::new("web").with_sudo(remote::connection::Sudo::All);
    fake.always(transport::dial_stdio(&cli()).words().to_vec(), Reply::failure(1, "refused"));
    fake.always(diagnose::ask(&cli()).words().to_vec(), reply);
    Engine::connect(Arc::new(fake), &cli()).await.unwrap_err()
}

#[tokio::test]
async fn a_forwarded_socket_is_used_with_the_version_it_speaks() {
    let engine = Engine::connect(Arc::new(listening("Engine")), &cli()).await.unwrap();
    assert_eq!(engine.route(), Route::Socket);
    assert_eq!((engine.version().version.as_str(), engine.version().api.as_str()), ("26.1.5", "1.45"));
    let containers = engine.containers("web").await.unwrap();
    assert_eq!(containers[0].name, "web-app-1");
}

#[tokio::test]
async fn podman_is_refused() {
    let error = Engine::connect(Arc::new(listening("Podman Engine")), &cli()).await.unwrap_err();
    assert!(matches!(error, Error::Podman { .. }), "{error}");
    assert!(error.to_string().contains("podman, which is not supported"));
}

#[tokio::test]
async fn a_daemon_that_does_not_answer_is_diagnosed() {
    let permission = "permission denied while trying to connect to the Docker daemon socket\n";
    let error = failing(Reply::failure(1, permission)).await;
    assert!(matches!(error, Error::Permission { .. }), "{error}");
    let error = failing(Reply::failure(127, "env: 'docker': No such file or directory\n")).await;
    assert!(matches!(error, Error::Missing { .. }), "{error}");
    let error = failing(Reply::failure(1, "Cannot connect to the Docker daemon at unix:///x\n")).await;
    assert!(matches!(error, Error::NotRunning { .. }), "{error}");
    let error = failing(Reply::failure(1, "sudo: a password is required\n")).await;
    assert!(matches!(error, Error::Remote(remote::Error::Sudo { .. })), "{error}");
}
