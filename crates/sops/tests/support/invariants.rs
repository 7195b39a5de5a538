//! What must be so of any text that is read: for the fuzz targets, and for the tests that every run has.
// Each of them uses a part of it.
#![allow(dead_code, clippy::expect_used, reason = "whoever tests fails by panicking")]

use secret::Secret;
use sops::{File, Format, Identities, compact};

/// Of nobody: made for this.
const KEY: &str = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

/// No text brings the reader of a format down, and what it reads is written and read again as the same.
pub fn plain(text: &str, format: Format) {
    let Ok(tree) = format.read_plain(text) else { return };
    let Ok(written) = format.write_plain(&tree) else { return };
    let again = format.read_plain(&written).expect("what is written can be read");
    assert_eq!(*compact(&again), *compact(&tree));
}

/// No file brings the opening of encrypted files down, and none opens without a key of its own.
pub fn sealed(text: &str) {
    let mut nobody = Identities::of_text(&Secret::new(KEY), "a test").expect("it is a key");
    for format in [Format::Yaml, Format::Json, Format::Dotenv] {
        let _ = sops::about(text, format);
        let _ = sops::names(text, format);
        assert!(File::open(text, format, &mut nobody).is_err(), "it was never encrypted for that key");
    }
}
