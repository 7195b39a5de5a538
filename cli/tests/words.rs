//! The command line as its users meet it: what is printed where, and exit codes.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

fn windlass(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_windlass")).args(words).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_version_is_an_answer() {
    for words in [["version"], ["--version"]] {
        let told = windlass(&words);
        assert_eq!(text(&told.stdout), concat!("windlass ", env!("CARGO_PKG_VERSION"), "\n"));
        assert_eq!((text(&told.stderr), told.status.code()), ("", Some(0)));
    }
}

#[test]
fn wrong_words_are_told_on_stderr_with_an_exit_code_of_their_own() {
    for words in [&["wind"][..], &["version", "--loud"], &[]] {
        let told = windlass(words);
        assert_eq!((text(&told.stdout), told.status.code()), ("", Some(2)), "{words:?}");
        assert!(text(&told.stderr).contains("Usage: windlass"), "{}", text(&told.stderr));
    }
}

#[test]
fn help_is_an_answer() {
    let told = windlass(&["--help"]);
    assert_eq!((text(&told.stderr), told.status.code()), ("", Some(0)));
    assert!(text(&told.stdout).contains("Usage: windlass <COMMAND>"), "{}", text(&told.stdout));
}
