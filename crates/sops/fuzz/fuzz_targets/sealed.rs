//! No file brings the opening of encrypted files down, and none opens without a key.

#![no_main]

#[path = "../../tests/support/invariants.rs"]
mod invariants;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| invariants::sealed(text));
