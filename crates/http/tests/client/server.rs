//! Servers on a fake host, by the bytes that they send.

use std::future::Future;

use http::{Client, Error, Request, Response, Url};
use remote::{Dial, Fake};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// The address that the servers of these tests have.
pub const ADDRESS: &str = "http://api.internal:8080/v1/keys?all=1";

pub fn url() -> Url {
    ADDRESS.parse().unwrap()
}

/// Where [`ADDRESS`] is dialled.
pub fn dialled() -> Dial {
    Dial::Tcp("api.internal".into(), 8080)
}

/// Sends `request` to a host where `serve` has the next connection to `target`.
pub async fn exchange<F: Future<Output = ()>>(
    client: Client,
    target: Dial,
    request: Request,
    serve: impl FnOnce(DuplexStream) -> F,
) -> Result<Response, Error> {
    let host = Fake::new("web");
    let mut listener = host.listen(&target);
    let server = async { serve(listener.accept().await.expect("the client dials")).await };
    let (response, ()) = tokio::join!(client.send(&host, request), server);
    response
}

/// What a `GET` comes to when the server sends `bytes` and ends the connection.
pub async fn answered(client: Client, bytes: impl Into<Vec<u8>>) -> Result<Response, Error> {
    let bytes = bytes.into();
    exchange(client, dialled(), Request::get(url()), |mut stream| async move {
        read_head(&mut stream).await;
        // A client that has seen enough does not wait for the rest.
        let _ = stream.write_all(&bytes).await;
    })
    .await
}

/// What the client sends up to the end of its headers.
pub async fn read_head(stream: &mut DuplexStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("the client sends a whole head"));
    }
    String::from_utf8(head).unwrap()
}
