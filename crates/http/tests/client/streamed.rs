//! Bodies that pass through in pieces.

use http::{Roots, send_streamed};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, body::Bytes};
use remote::Stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::server::{read_head, url};

#[tokio::test]
async fn a_body_is_read_while_it_comes_and_the_address_is_that_of_the_server() {
    let (ours, mut theirs) = tokio::io::duplex(1 << 10);
    let request = Request::put("http://elsewhere.example.org/other").header("host", "elsewhere");
    let request = request.body(Full::new(Bytes::from_static(&[7; 10_000]))).unwrap();
    let server = async {
        let head = read_head(&mut theirs).await;
        let mut body = vec![0; 10_000];
        theirs.read_exact(&mut body).await.unwrap();
        theirs.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nfour").await.unwrap();
        (head, body, theirs)
    };
    let ours: Box<dyn Stream> = Box::new(ours);
    let (url, roots) = (url(), Roots::none());
    let (response, (head, body, mut theirs)) =
        tokio::join!(send_streamed(ours, &url, &roots, request), server);
    assert!(head.starts_with("PUT /v1/keys?all=1 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("host: api.internal:8080\r\n") && !head.contains("elsewhere"), "{head}");
    assert!(body.iter().all(|byte| *byte == 7));

    // The second half is sent when the first one has been read.
    let mut answer = response.unwrap().into_body();
    let first = answer.frame().await.unwrap().unwrap().into_data().unwrap();
    theirs.write_all(b"more").await.unwrap();
    let second = answer.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!((&first[..], &second[..]), (&b"four"[..], &b"more"[..]));
    assert!(answer.frame().await.is_none());
    // Who reads no further ends the connection.
    drop(answer);
    assert_eq!(theirs.read(&mut [0]).await.unwrap(), 0);
}
