//! The conformance suite on this machine, and what of it makes sense for the fake.

use std::{sync::Arc, time::Duration};

use remote::{
    Dial, Executor, Fake, Local,
    conformance::{self, EchoServers, Host, Tools},
    fake::Reply,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn this_machine_conforms() {
    let directory = tempfile::tempdir().unwrap();
    let echo = EchoServers::start(directory.path()).await.unwrap();
    let host = Host { exec: Arc::new(Local::new()), echo: Some(echo.addresses()) };
    conformance::suite(&host).await;
}

/// As on Alpine: with no other programs than BusyBox's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn busybox_is_enough() {
    let directory = tempfile::tempdir().unwrap();
    let echo = EchoServers::start(directory.path()).await.unwrap();
    conformance::suite(&Host { exec: Arc::new(Tools::busybox()), echo: Some(echo.addresses()) }).await;
}

#[tokio::test]
async fn the_fake_conforms_as_far_as_it_can() {
    let fake = Fake::new("fake");
    for status in [0, 1, 3, 77, 255] {
        fake.expect(["sh", "-c", &format!("exit {status}")], Reply::failure(status, ""));
    }
    fake.expect(["windlass-has-no-such-program"], Reply::failure(127, "not found"));
    conformance::statuses(&fake).await;
    assert_eq!(fake.unmet(), Vec::<Vec<String>>::new());

    let unix = Dial::Unix("/run/echo.sock".to_owned());
    let tcp = Dial::Tcp("127.0.0.1".to_owned(), 7);
    for target in [&unix, &tcp] {
        let mut listener = fake.listen(target);
        tokio::spawn(async move {
            while let Some(stream) = listener.accept().await {
                let (mut reader, mut writer) = tokio::io::split(stream);
                tokio::io::copy(&mut reader, &mut writer).await.unwrap();
            }
        });
    }
    let echo = Some(("/run/echo.sock".to_owned(), ("127.0.0.1".to_owned(), 7)));
    conformance::sockets(&Host { exec: Arc::new(fake), echo }).await;
}

#[tokio::test]
async fn the_fake_refuses_what_its_script_does_not_have() {
    let fake = Fake::new("fake");
    fake.expect(["docker", "version"], Reply::ok("29"));
    let error = remote::run(&fake, &remote::Command::new(["docker", "ps"]), remote::Input::Nothing)
        .await
        .unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, r#"the script does not have ["docker", "ps"]; it has ["docker", "version"]"#);
    assert_eq!(fake.unmet(), [["docker", "version"]]);
    assert!(fake.calls().is_empty());
}

#[tokio::test]
async fn the_fake_records_input_and_can_hang_or_die() {
    let fake = Fake::new("fake");
    fake.expect(["cat"], Reply::ok("answer")).expect(["hang"], Reply::hangs()).expect(["die"], Reply::lost());
    let output =
        remote::run(&fake, &remote::Command::new(["cat"]), remote::Input::bytes("question")).await.unwrap();
    assert_eq!(output.stdout, b"answer");
    assert_eq!(fake.calls()[0].stdin, b"question");
    let hang = remote::Command::new(["hang"]).timeout(Some(Duration::from_millis(50)));
    let error = remote::run(&fake, &hang, remote::Input::Nothing).await.unwrap_err();
    assert!(matches!(error, remote::Error::Timeout { .. }), "{error:?}");
    let error = remote::run(&fake, &remote::Command::new(["die"]), remote::Input::Nothing).await.unwrap_err();
    assert!(matches!(error, remote::Error::NoStatus { .. }), "{error:?}");
    assert_eq!(fake.name(), "fake");
}
