//! No file brings the opening of encrypted files down, and none opens without a key.

#![no_main]

use libfuzzer_sys::fuzz_target;
use secret::Secret;
use sops::{File, Format, Identities};

/// Of nobody: made for this.
const KEY: &str = "AGE-SECRET-KEY-1QYPQXPQ9QCRSSZG2PVXQ6RS0ZQG3YYC5Z5TPWXQERGD3C8G7RUSQGPQYEE";

fuzz_target!(|text: &str| {
    let mut nobody = Identities::of_text(&Secret::new(KEY), "a test").expect("it is a key");
    for format in [Format::Yaml, Format::Json, Format::Dotenv] {
        let _ = sops::about(text, format);
        assert!(File::open(text, format, &mut nobody).is_err(), "it was never encrypted for that key");
    }
});
