//! How much is read, and how long it is waited for.

use std::time::Duration;

use http::{Client, Error, Request};
use tokio::{
    io::AsyncWriteExt,
    time::{Instant, sleep},
};

use crate::server::{answered, dialled, exchange, read_head, url};

const LENGTH: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbytes";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbytes\r\n0\r\n\r\n";
const OPEN: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbytes";

#[tokio::test]
async fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
    for bytes in [LENGTH, CHUNKED, OPEN] {
        let exact = answered(Client::new().body_limit(5), bytes).await.unwrap();
        assert_eq!(exact.body, b"bytes", "{bytes:?}");
        let error = answered(Client::new().body_limit(4), bytes).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 4 }), "{bytes:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_length_beyond_the_limit_is_refused_before_the_body_comes() {
    for length in ["6", "99999999999999999", "9223372036854775807"] {
        let begun = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        let client = Client::new().body_limit(5);
        let refused = exchange(client.clone(), dialled(), Request::get(url()), |mut stream| async move {
            read_head(&mut stream).await;
            stream.write_all(begun.as_bytes()).await.unwrap();
            // Until the client hangs up: a body would be waited for in vain.
            tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.unwrap();
        });
        let error = refused.await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 5 }), "{length}: {error:?}");
    }
}

#[tokio::test]
async fn the_beginning_of_an_endless_body_can_be_had() {
    let client = Client::new().body_beginning(1 << 20);
    let response = exchange(client.clone(), dialled(), Request::get(url()), |mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await.unwrap();
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    });
    assert_eq!(response.await.unwrap().body.len(), 1 << 20);
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let refused = exchange(Client::new(), dialled(), Request::get(url()), |mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
        while stream.write_all(b"x-header: again and again\r\n").await.is_ok() {}
    });
    let error = refused.await.unwrap_err();
    assert!(matches!(error, Error::Response(_)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn the_time_is_that_of_the_whole_exchange() {
    let client = Client::new().timeout(Duration::from_secs(3));
    for beginning in
        ["HTTP/1.1 200 ", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"]
    {
        let begun = Instant::now();
        let late = exchange(client.clone(), dialled(), Request::get(url()), |mut stream| async move {
            read_head(&mut stream).await;
            stream.write_all(beginning.as_bytes()).await.unwrap();
            // Something again and again is not enough.
            while stream.write_all(b"x").await.is_ok() {
                sleep(Duration::from_millis(500)).await;
            }
        });
        let error = late.await.unwrap_err();
        assert!(matches!(error, Error::Timeout { .. }), "{beginning:?}: {error:?}");
        assert_eq!(error.to_string(), "there was no whole answer within 3 s");
        assert!(begun.elapsed() <= Duration::from_secs(4), "{beginning:?}: {:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_not_waited_for_longer() {
    let client = Client::new().timeout(Duration::from_secs(3));
    let late = exchange(client.clone(), dialled(), Request::get(url()), |mut stream| async move {
        // Until the client hangs up.
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.unwrap();
    });
    assert!(matches!(late.await.unwrap_err(), Error::Timeout { .. }));
}
