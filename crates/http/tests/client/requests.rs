//! What is sent, and where.

use http::{Client, Method, Request};
use remote::{Dial, Error, Fake};
use secret::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::server::{dialled, exchange, read_head, url};

const DONE: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

#[tokio::test]
async fn method_headers_and_body_are_sent_as_they_are() {
    let request = Request::new(Method::PATCH, url())
        .header("X-Trace", "7")
        .and_then(|request| request.bearer(&Secret::from("hunter2")))
        .and_then(|request| request.body("application/json", r#"{"a":1}"#))
        .unwrap();
    let response = exchange(Client::new(), dialled(), request, |mut stream| async move {
        let head = read_head(&mut stream).await.to_ascii_lowercase();
        let mut body = [0; 7];
        stream.read_exact(&mut body).await.unwrap();
        assert!(head.starts_with("patch /v1/keys?all=1 http/1.1\r\n"), "{head}");
        for header in [
            "host: api.internal:8080",
            "connection: close",
            "x-trace: 7",
            "authorization: bearer hunter2",
            "content-type: application/json",
            "content-length: 7",
        ] {
            assert!(head.contains(&format!("\r\n{header}\r\n")), "{header} in {head}");
        }
        assert_eq!(&body, br#"{"a":1}"#);
        stream.write_all(DONE).await.unwrap();
    })
    .await
    .unwrap();
    assert_eq!((response.status, response.is_success()), (204, true));
}

#[tokio::test]
async fn another_way_to_the_same_address_is_dialled() {
    let socket = Dial::Unix("/run/api.sock".into());
    let client = Client::new().target(socket.clone());
    let response = exchange(client, socket, Request::get(url()), |mut stream| async move {
        assert!(
            read_head(&mut stream).await.to_ascii_lowercase().contains("\r\nhost: api.internal:8080\r\n")
        );
        stream.write_all(DONE).await.unwrap();
    });
    assert_eq!(response.await.unwrap().status, 204);
}

#[tokio::test]
async fn where_nobody_listens_is_reported_by_the_host() {
    let error = Client::new().send(&Fake::new("web"), Request::get(url())).await.unwrap_err();
    assert!(matches!(error, http::Error::Remote(Error::Dial { .. })), "{error:?}");
    assert_eq!(error.to_string(), "could not connect to api.internal:8080 on web");
}
