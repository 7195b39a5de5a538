//! What users and their states rely on: every change of it shows in a diff of a golden file.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod access;
mod schema;
mod states;

use std::{fs, path::PathBuf};

/// A file beside this one.
fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/contract").join(name)
}

/// Fails unless the golden file holds exactly `text`; with `WINDLASS_BLESS=1` it is written.
#[track_caller]
fn expect_golden(name: &str, text: &str) {
    let path = golden(name);
    if std::env::var("WINDLASS_BLESS").is_ok_and(|word| word == "1") {
        fs::write(&path, text).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    let differs = known.lines().zip(text.lines()).find(|(known, found)| known != found);
    assert!(
        known == text,
        "the contract has changed, first here: {differs:?}\n\
         If it is meant: WINDLASS_BLESS=1 cargo test -p provider --test contract, and say it in CHANGELOG.md.\n{text}"
    );
}
