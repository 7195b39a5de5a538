//! The announcement on stdout, and where the socket is.

use std::{
    fs,
    os::unix::fs::{FileTypeExt as _, MetadataExt as _},
    path::Path,
};

use crate::{BINARY, answers};
use proptest::prelude::*;
use protocol_tests::{Core, Handshake, Launch, Mode};

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[tokio::test]
async fn with_tls_the_line_carries_a_certificate() {
    let core = Core::start(BINARY, Mode::Tls).await.unwrap();
    let handshake = core.handshake();
    assert_eq!(handshake.fields.len(), 6);
    assert_eq!((handshake.core_protocol, handshake.protocol), (1, 5));
    assert!(handshake.certificate.as_ref().is_some_and(|der| der.len() > 200));
    assert_eq!(answers(core.client()).await, Ok(()));
    assert_eq!(core.stdout().len(), 1);
    assert!(core.shutdown().await.unwrap().success());
}

#[tokio::test]
async fn without_tls_the_certificate_is_empty_and_calls_work() {
    let core = Core::start(BINARY, Mode::Plain).await.unwrap();
    assert_eq!(core.handshake().fields.len(), 6);
    assert_eq!(core.handshake().fields[5], "");
    assert_eq!(answers(core.client()).await, Ok(()));
    assert!(core.shutdown().await.unwrap().success());
}

#[tokio::test]
async fn a_core_that_asks_about_multiplexing_gets_a_seventh_field() {
    let launch = Launch::new(BINARY, Mode::Tls).unwrap();
    let core = launch.env("PLUGIN_MULTIPLEX_GRPC", "true").start().await.unwrap();
    assert_eq!(core.handshake().fields[6], "false");
}

#[tokio::test]
async fn the_socket_is_private() {
    let core = Core::start(BINARY, Mode::Tls).await.unwrap();
    let socket = &core.handshake().socket;
    assert!(socket.starts_with(core.temporary()));
    assert!(fs::metadata(socket).unwrap().file_type().is_socket());
    assert_eq!(mode_of(socket), 0o600);
    assert_eq!(mode_of(socket.parent().unwrap()), 0o700);
}

#[tokio::test]
async fn the_socket_directory_and_group_of_the_host_are_used() {
    let parent = tempfile::tempdir_in("/tmp").unwrap();
    let group = fs::metadata(parent.path()).unwrap().gid();
    let core = Launch::new(BINARY, Mode::Tls)
        .unwrap()
        .env("PLUGIN_UNIX_SOCKET_DIR", parent.path())
        .env("PLUGIN_UNIX_SOCKET_GROUP", group.to_string())
        .start()
        .await
        .unwrap();
    let socket = &core.handshake().socket;
    assert!(socket.starts_with(parent.path()));
    assert_eq!(mode_of(socket), 0o660);
    assert_eq!(mode_of(socket.parent().unwrap()), 0o710);
    assert_eq!(answers(core.client()).await, Ok(()));
    assert!(core.shutdown().await.unwrap().success());
    assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_directory_too_long_for_a_socket_is_replaced_by_tmp() {
    let parent = tempfile::tempdir_in("/tmp").unwrap();
    let long = parent.path().join("d".repeat(100));
    fs::create_dir(&long).unwrap();
    let launch = Launch::new(BINARY, Mode::Tls).unwrap();
    let core = launch.env("PLUGIN_UNIX_SOCKET_DIR", long).start().await.unwrap();
    let directory = core.handshake().socket.parent().unwrap().to_owned();
    assert_eq!(directory.parent(), Some(Path::new("/tmp")));
    assert!(core.shutdown().await.unwrap().success());
    assert!(!directory.exists());
}

#[tokio::test]
async fn a_broken_environment_is_said_on_stderr_and_never_means_no_tls() {
    let cases = [
        ("PLUGIN_CLIENT_CERT", "garbage", "PLUGIN_CLIENT_CERT"),
        ("PLUGIN_UNIX_SOCKET_DIR", "/nonexistent", "/nonexistent"),
        ("PLUGIN_UNIX_SOCKET_GROUP", "no such group", "no such group"),
    ];
    for (name, value, said) in cases {
        let launch = Launch::new(BINARY, Mode::Tls).unwrap().env(name, value);
        let mut process = launch.spawn().unwrap();
        assert_eq!(process.exit().await.unwrap().code(), Some(1), "{name}");
        assert_eq!(process.stdout(), [""; 0], "{name}");
        let stderr = process.stderr().join("\n");
        assert!(stderr.starts_with("could not ") && stderr.contains(said), "{stderr}");
        assert_eq!(process.left_behind().unwrap().len(), 0, "{name}");
    }
}

proptest! {
    #[test]
    fn any_line_is_read_without_panic(line in "(1|\\PC{0,8})(\\|(5|unix|grpc|[A-Za-z0-9+/=]{0,90}|\\PC{0,8})){0,8}") {
        if let Ok(handshake) = Handshake::parse(&line) {
            prop_assert_eq!(handshake.core_protocol, 1);
            prop_assert!(handshake.fields.len() >= 5);
        }
    }

    #[test]
    fn a_line_of_the_right_form_keeps_its_parts(
        socket in "/[a-zA-Z0-9/._-]{1,90}",
        certificate in proptest::collection::vec(any::<u8>(), 40..400),
    ) {
        use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
        let field = STANDARD_NO_PAD.encode(&certificate);
        let handshake = Handshake::parse(&format!("1|5|unix|{socket}|grpc|{field}\n")).unwrap();
        prop_assert_eq!(handshake.protocol, 5);
        prop_assert_eq!(handshake.socket, Path::new(&socket));
        prop_assert_eq!(handshake.certificate, Some(certificate));
    }
}
