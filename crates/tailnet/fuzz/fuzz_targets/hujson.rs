//! No text brings the reader of HuJSON down, and what it reads it prints and reads again as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tailnet::hujson;

fuzz_target!(|text: &str| {
    let Ok(value) = hujson::parse(text) else { return };
    let printed = hujson::pretty(&value);
    let again = hujson::parse(&printed).expect("what is printed can be read");
    assert_eq!(hujson::compact(&again), hujson::compact(&value));
});
