//! No text brings the reader of dotenv down, and what it reads is written and read again as the same.

#![no_main]

#[path = "../../tests/support/invariants.rs"]
mod invariants;

use libfuzzer_sys::fuzz_target;
use sops::Format;

fuzz_target!(|text: &str| invariants::plain(text, Format::Dotenv));
