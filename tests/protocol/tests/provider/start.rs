//! The binary itself: announced, attached to, started by hand.

use protocol_tests::{Core, Launch, Mode, provider_binary};
use tfplugin5::plugin::{Empty, grpc_controller_client::GrpcControllerClient};

use crate::subject::{MODES, Subject, launch};

#[tokio::test]
async fn it_announces_protocol_5_and_ends_on_shutdown() {
    for mode in MODES {
        let core = launch(mode).start().await.unwrap();
        assert_eq!((core.handshake().core_protocol, core.handshake().protocol), (1, 5));
        assert_eq!(core.handshake().certificate.is_some(), mode == Mode::Tls);
        GrpcControllerClient::new(core.channel()).shutdown(Empty {}).await.unwrap();
        assert!(core.shutdown().await.unwrap().success());
    }
}

#[tokio::test]
async fn starting_and_configuring_touches_no_file() {
    let subject = Subject::configured(Mode::Tls).await;
    let there: Vec<_> = std::fs::read_dir(subject.path("")).unwrap().collect();
    assert!(there.is_empty(), "{there:?}");
    subject.end().await;
}

#[tokio::test]
async fn without_a_home_it_starts_all_the_same() {
    let core = launch(Mode::Tls).env("HOME", "/nonexistent").start().await.unwrap();
    assert!(core.shutdown().await.unwrap().success());
}

#[tokio::test]
async fn by_hand_it_says_what_it_is_and_how_to_install_it() {
    let mut process = Launch::by_hand(provider_binary().unwrap()).spawn().unwrap();
    assert_eq!(process.exit().await.unwrap().code(), Some(1));
    assert_eq!(process.stdout(), [""; 0]);
    let said = process.stderr().join("\n");
    assert!(said.contains("Windlass provider") && said.contains("windlass/windlass"), "{said}");
}

#[tokio::test]
async fn for_debugging_it_is_attached_to_under_both_registries() {
    let mut process = Launch::by_hand(provider_binary().unwrap()).arg("--debug").spawn().unwrap();
    let line = process.stdout_line(|line| line.contains("TF_REATTACH_PROVIDERS=")).await.unwrap();
    for registry in ["registry.opentofu.org", "registry.terraform.io"] {
        assert!(line.contains(&format!("\"{registry}/windlass/windlass\"")), "{line}");
    }
    process.signal(protocol_tests::Signal::TERM).unwrap();
    assert!(process.exit().await.unwrap().success());
}

#[tokio::test]
async fn its_log_is_silent_unless_asked_for() {
    for (level, silent) in [("off", true), ("DEBUG", false)] {
        let launch = launch(Mode::Tls).env("TF_LOG_PROVIDER", level);
        let mut core: Core = launch.start().await.unwrap();
        let request =
            tfplugin5::pb::call_function::Request { name: "none".to_owned(), arguments: Vec::new() };
        core.client().call_function(request).await.unwrap();
        core.client().stop(tfplugin5::pb::stop::Request {}).await.unwrap();
        core.end().await.unwrap();
        assert_eq!(core.stderr().is_empty(), silent, "{level}: {:#?}", core.stderr());
    }
}
