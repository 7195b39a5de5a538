//! What comes back, well formed and not.

use http::{Client, Error, Method, Request};
use tokio::io::AsyncWriteExt;

use crate::server::{answered, dialled, exchange, read_head, url};

async fn body_of(bytes: &str) -> String {
    let response = answered(Client::new(), bytes).await.unwrap();
    assert_eq!(response.status, 200, "{bytes:?}");
    response.text().into_owned()
}

#[tokio::test]
async fn a_body_ends_where_its_framing_says() {
    for bytes in [
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbodymore",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nb\r\n3\r\nody\r\n0\r\n\r\nmore",
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody",
        "HTTP/1.0 200 OK\r\n\r\nbody",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
    ] {
        assert_eq!(body_of(bytes).await, "body", "{bytes:?}");
    }
}

#[tokio::test]
async fn every_status_is_a_response() {
    let moved = "HTTP/1.1 302 Found\r\nLocation: http://other/\r\nContent-Length: 0\r\n\r\n";
    let response = answered(Client::new(), moved).await.unwrap();
    assert_eq!((response.status, response.header("location")), (302, Some("http://other/")));
    let failed = "HTTP/1.1 503 Starting\r\nContent-Length: 4\r\n\r\nwait";
    let response = answered(Client::new(), failed).await.unwrap();
    assert_eq!((response.status, response.is_success(), &*response.text()), (503, false, "wait"));
}

#[tokio::test]
async fn what_is_no_response_is_refused() {
    for bytes in [
        "",
        "no HTTP\r\n\r\n",
        "SSH-2.0-OpenSSH_9.6\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: four\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfour\r\nbody\r\n0\r\n\r\n",
    ] {
        let error = answered(Client::new(), bytes).await.unwrap_err();
        assert!(matches!(error, Error::Response(_)), "{bytes:?}: {error:?}");
        assert_eq!(error.to_string(), "the answer could not be read");
    }
}

#[tokio::test]
async fn a_response_that_ends_early_is_refused() {
    for bytes in [
        "HTTP/1.1 200 O",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nbody",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nbody",
    ] {
        let error = answered(Client::new(), bytes).await.unwrap_err();
        assert!(matches!(error, Error::Response(_)), "{bytes:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_connection_that_ends_before_the_request_was_read_is_refused() {
    let error = exchange(Client::new(), dialled(), Request::get(url()), |stream| async { drop(stream) });
    assert!(matches!(error.await.unwrap_err(), Error::Response(_)));
}

#[tokio::test]
async fn the_length_of_a_head_is_no_body() {
    let request = Request::new(Method::HEAD, url());
    let response = exchange(Client::new(), dialled(), request, |mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").await.unwrap();
    });
    assert_eq!(response.await.unwrap().body, b"");
}
