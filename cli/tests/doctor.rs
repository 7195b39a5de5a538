//! Certificates of a real server, as `windlass doctor` tells them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, crypto::ring};

/// A server with a certificate that ends in so many days; its port. The certificate is written to `file`.
fn serve(days: i64, file: &Path) -> u16 {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let end = i64::try_from(now.as_secs()).unwrap() + days * 86_400 + 60;
    let moment = |seconds: i64| date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds.try_into().unwrap());
    (params.not_before, params.not_after) = (moment(0), moment(end));
    let certificate = params.self_signed(&key).unwrap();
    let text = BASE64_STANDARD.encode(certificate.der());
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
    std::fs::write(file, pem).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = config.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let (told, port) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            told.send(listener.local_addr().unwrap().port()).unwrap();
            let acceptor = TlsAcceptor::from(Arc::new(config));
            while let Ok((stream, _)) = listener.accept().await {
                // Who does not trust it hangs up.
                let _ = acceptor.accept(stream).await;
            }
        });
    });
    port.recv().unwrap()
}

/// What is told of a server of this certificate: the exit code, and the text.
fn told(days: i64, trusted: bool) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let (own, other) = (folder.path().join("own.pem"), folder.path().join("other.pem"));
    let port = serve(days, &own);
    serve(90, &other);
    let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
    command.args(["doctor", "--certificate", &format!("localhost:{port}")]).current_dir(folder.path());
    command.env("SSL_CERT_FILE", if trusted { own } else { other }).env_remove("SSL_CERT_DIR");
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_certificate_of_a_server_is_told_by_the_days_that_are_left() {
    for (days, code, text) in [
        (90, 0, "ok       certificate: its certificate is valid for 90 more days"),
        (
            10,
            0,
            "warning  certificate: its certificate is valid for 10 more days\n    Next: See why it is not renewed",
        ),
        (3, 2, "error    certificate: its certificate is valid for 3 more days"),
        (-2, 2, "error    certificate: "),
    ] {
        let (exit, told) = told(days, true);
        assert!(exit == Some(code) && told.contains(text), "{days}: {exit:?} {told}");
    }
    let (exit, told) = told(90, false);
    assert!(exit == Some(2) && told.contains("Next: Check that the name leads to this server"), "{told}");
}

#[test]
fn nothing_to_look_at_is_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_windlass"))
        .arg("doctor")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && told.contains("list `hosts` in `[doctor]`"), "{told}");
}
