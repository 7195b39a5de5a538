//! What must be so of any text that is read: for the fuzz target, and for the test that every run has.
#![allow(clippy::expect_used, reason = "whoever tests fails by panicking")]

use tailnet::hujson;

/// No text brings the reader of HuJSON down, and what it reads it prints and reads again as the same.
pub fn check(text: &str) {
    let Ok(value) = hujson::parse(text) else { return };
    let printed = hujson::pretty(&value);
    let again = hujson::parse(&printed).expect("what is printed can be read");
    assert_eq!(hujson::compact(&again), hujson::compact(&value));
}
