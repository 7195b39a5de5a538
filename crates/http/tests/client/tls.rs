//! TLS: whose certificate is taken, and whose is not.

use std::{sync::Arc, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD as STANDARD};
use http::{Client, Error, Request, Response, Roots, Url};
use rcgen::{CertifiedKey, KeyPair};
use remote::Dial;
use rustls::{ServerConfig, pki_types::PrivatePkcs8KeyDer};
use tokio::io::{AsyncWriteExt, copy, sink};
use tokio_rustls::TlsAcceptor;

use crate::server::exchange;

/// A certificate for these names, of its own authority.
fn certificate(names: &[&str]) -> CertifiedKey<KeyPair> {
    rcgen::generate_simple_self_signed(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap()
}

fn trusting(certificate: &CertifiedKey<KeyPair>) -> Client {
    let text = STANDARD.encode(certificate.cert.der());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
    Client::new().roots(Roots::none().and_pem(pem.as_bytes()).unwrap())
}

fn acceptor(certificate: &CertifiedKey<KeyPair>) -> TlsAcceptor {
    let key = PrivatePkcs8KeyDer::from(certificate.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.cert.der().clone()], key.into())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// What `url` is answered with by a server with `certificate`.
async fn asked(client: &Client, url: &str, certificate: &CertifiedKey<KeyPair>) -> Result<Response, Error> {
    let url: Url = url.parse().unwrap();
    let target = Dial::Tcp(url.host().to_owned(), url.port());
    let acceptor = acceptor(certificate);
    exchange(client.clone(), target, Request::get(url), |stream| async move {
        let Ok(mut stream) = acceptor.accept(stream).await else { return };
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        let _ = copy(&mut stream, &mut sink()).await;
    })
    .await
}

fn refused(response: Result<Response, Error>) -> String {
    match response {
        Err(error @ Error::Tls(_)) => remote::chain(&error),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_has_the_name_is_spoken_with() {
    let names = certificate(&["api.internal", "10.0.0.7"]);
    for url in ["https://api.internal/", "https://api.internal:6443/", "https://10.0.0.7:6443/"] {
        let response = asked(&trusting(&names), url, &names).await.unwrap();
        assert_eq!((response.status, &*response.text()), (200, "ok"), "{url}");
    }
}

#[tokio::test]
async fn another_name_is_refused() {
    let names = certificate(&["api.internal"]);
    for url in ["https://api.internal.example.org/", "https://internal/", "https://10.0.0.7/"] {
        let words = refused(asked(&trusting(&names), url, &names).await);
        assert!(words.starts_with("TLS failed: ") && words.contains("not valid for name"), "{url}: {words}");
    }
}

#[tokio::test]
async fn the_name_can_be_another_than_the_address() {
    let names = certificate(&["kubernetes.default.svc"]);
    let client = trusting(&names).server_name("kubernetes.default.svc");
    assert_eq!(asked(&client, "https://127.0.0.1:6443/", &names).await.unwrap().status, 200);
    // And it is that name alone.
    let names = certificate(&["127.0.0.1"]);
    let client = trusting(&names).server_name("kubernetes.default.svc");
    refused(asked(&client, "https://127.0.0.1:6443/", &names).await);
}

#[tokio::test]
async fn another_authority_is_refused() {
    let (names, others) = (certificate(&["api.internal"]), certificate(&["api.internal"]));
    for client in [trusting(&others), Client::new().roots(Roots::none())] {
        let words = refused(asked(&client, "https://api.internal/", &names).await);
        assert!(words.starts_with("TLS failed: invalid peer certificate: "), "{words}");
    }
}

#[tokio::test]
async fn a_name_that_is_none_is_refused() {
    let names = certificate(&["api.internal"]);
    let client = trusting(&names).server_name("not a name");
    refused(asked(&client, "https://api.internal/", &names).await);
}

#[tokio::test]
async fn what_does_not_speak_tls_is_refused() {
    let names = certificate(&["api.internal"]);
    let url: Url = "https://api.internal/".parse().unwrap();
    let target = Dial::Tcp("api.internal".into(), 443);
    for bytes in ["", "HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let plain =
            exchange(trusting(&names), target.clone(), Request::get(url.clone()), |mut stream| async move {
                let _ = stream.write_all(bytes.as_bytes()).await;
            });
        refused(plain.await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_without_end_is_late() {
    let names = certificate(&["api.internal"]);
    let client = trusting(&names).timeout(Duration::from_secs(3));
    let url: Url = "https://api.internal/".parse().unwrap();
    let target = Dial::Tcp("api.internal".into(), 443);
    let silent = exchange(client, target, Request::get(url), |mut stream| async move {
        let _ = copy(&mut stream, &mut sink()).await;
    });
    assert!(matches!(silent.await, Err(Error::Timeout { .. })));
}

#[tokio::test]
async fn a_close_without_goodbye_ends_no_body() {
    let names = certificate(&["api.internal"]);
    let url: Url = "https://api.internal/".parse().unwrap();
    let target = Dial::Tcp("api.internal".into(), 443);
    let acceptor = acceptor(&names);
    let cut = exchange(trusting(&names), target, Request::get(url), |stream| async move {
        let mut stream = acceptor.accept(stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf of it").await.unwrap();
        stream.flush().await.unwrap();
        // Gone without the alert that says that this is all.
        drop(stream);
    });
    let error = cut.await.unwrap_err();
    assert!(matches!(error, Error::Response(_)), "{error:?}");
}
