//! No text brings the reader of YAML down, and what it reads is written and read again as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sops::{Format, compact};

fuzz_target!(|text: &str| {
    let Ok(tree) = Format::Yaml.read_plain(text) else { return };
    let Ok(written) = Format::Yaml.write_plain(&tree) else { return };
    let again = Format::Yaml.read_plain(&written).expect("what is written can be read");
    assert_eq!(*compact(&again), *compact(&tree));
});
