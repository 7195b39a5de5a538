//! A person starts the binary.

use crate::BINARY;
use protocol_tests::{Launch, Mode};

const TEXT: [&str; 2] = ["This is the corner provider.", "It cannot be installed."];

#[tokio::test]
async fn without_the_cookie_it_explains_itself_and_fails() {
    let mut process = Launch::by_hand(BINARY).spawn().unwrap();
    assert_eq!(process.exit().await.unwrap().code(), Some(1));
    assert_eq!(process.stderr(), TEXT);
    assert_eq!(process.stdout(), [""; 0]);
    assert_eq!(process.left_behind().unwrap().len(), 0);
}

#[tokio::test]
async fn another_cookie_is_no_cookie() {
    let launch = Launch::new(BINARY, Mode::Tls).unwrap();
    let mut process = launch.env("TF_PLUGIN_MAGIC_COOKIE", "1234").spawn().unwrap();
    assert_eq!(process.exit().await.unwrap().code(), Some(1));
    assert_eq!(process.stderr(), TEXT);
}
