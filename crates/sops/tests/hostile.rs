//! Texts that were made to do harm: what the fuzz targets do without end, done a few thousand times in every
//! run. Small files are changed at random, and what must be so of any text must be so of these.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "support/invariants.rs"]
mod invariants;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sops::{File, Format, Recipient, Rules};

const JSON: &[&str] = &[
    r#"{"a":1,"b":[1.5e3,-0,"x\u00e9\ud83d\ude00"],"c":{"d":null,"e":true}}"#,
    r#"{"a":{"a":{"a":{"a":[[[[]]]]}}},"n":9223372036854775807,"f":0.1}"#,
];
const YAML: &[&str] = &[
    "# note\na: &x {b: [1, t]}\nc: *x\nd: |\r\n  one\r\n  two\r\n",
    "a: 0x1F\nb: 2024-01-01\nc: !!str 12\nd: >-\n  folded\n   more\n'e f': \"\\x41\\u00e9\"\nl:\n- - 1\n  - ~\n",
];
const DOTENV: &[&str] = &["# note\nA=x\nB=two\\nlines\nC=\n", "A=\"q\"\nexport B=1\n=\n\u{feff}C=ü\n"];

/// What is put into a text.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\\[\\]{}:,\"'\\\\&*#!|>%@`=\\-+.0e~ \n\r\t]{1,6}",
        Just("sops".to_owned()),
        Just("ENC[AES256_GCM,data:,iv:,tag:,type:str]".to_owned()),
        Just("[".repeat(600)),
        Just("\u{0}\u{feff}\u{2028}".to_owned()),
        "\\PC{1,4}",
    ]
}

/// Texts near one of these: pieces put in, taken out and doubled.
fn near(corpus: Vec<String>) -> impl Strategy<Value = String> {
    let change = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..3_u8, piece());
    (prop::sample::select(corpus), prop::collection::vec(change, 0..6)).prop_map(|(text, changes)| {
        changes.iter().fold(text, |text, (from, to, kind, piece)| {
            let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let (one, other) = (*from.get(&ends), *to.get(&ends));
            let (from, to) = (one.min(other), one.max(other));
            match kind {
                0 => format!("{}{piece}{}", &text[..from], &text[from..]),
                1 => format!("{}{}", &text[..from], &text[to..]),
                _ => format!("{}{}{}", &text[..to], &text[from..to], &text[to..]),
            }
        })
    })
}

fn every(corpus: &[&str], cases: u32, check: impl Fn(&str)) {
    let corpus: Vec<String> = corpus.iter().map(|text| (*text).to_owned()).collect();
    // The corpus itself has to be read, or else nothing near it is tested.
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&near(corpus), |text| {
        check(&text);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn no_text_brings_a_reader_down() {
    for (corpus, format) in [(JSON, Format::Json), (YAML, Format::Yaml), (DOTENV, Format::Dotenv)] {
        for text in corpus {
            assert!(format.read_plain(text).is_ok(), "{text}");
        }
        every(corpus, 2000, |text| invariants::plain(text, format));
    }
}

#[test]
fn no_file_that_was_changed_opens_without_its_key() {
    let recipient: Recipient = age::x25519::Identity::generate().to_public().to_string().parse().unwrap();
    let of = |format: Format, text: &str| {
        let mut file = File::new(format, std::slice::from_ref(&recipient), Rules::default()).unwrap();
        file.write(&format.read_plain(text).unwrap()).unwrap()
    };
    let corpus = [of(Format::Json, JSON[0]), of(Format::Yaml, YAML[0]), of(Format::Dotenv, DOTENV[0])];
    let corpus: Vec<&str> = corpus.iter().map(String::as_str).collect();
    every(&corpus, 400, invariants::sealed);
}
