//! Texts near HuJSON: what the fuzz target does without end, done a few thousand times in every run.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "support/invariants.rs"]
mod invariants;

use proptest::prelude::*;
use tailnet::hujson;

const CORPUS: [&str; 3] = [
    "// who may\n{\n  \"groups\": {\"group:ops\": [\"ann@example.org\",],},\n  /* all */ \"acls\": [{\"n\": -1.5e3, \"t\": true,},],\n}\n",
    "[null, \"\\u00e9\\ud83d\\ude00 // no comment\", {\"a\": {\"b\": [[[]]]}}, 0]",
    "\t{\"a\":1//\n,/**/\"b\":\"/*\"}\r\n",
];

/// What is put into a text.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\\[\\]{}:,\"\\\\/*\\-+.0eE \n\r\t]{1,6}",
        Just("/*".to_owned()),
        Just("//".to_owned()),
        Just("[".repeat(2000)),
        Just("\u{0}\u{feff}\u{2028}".to_owned()),
        "\\PC{1,4}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_brings_the_reader_down(
        text in prop::sample::select(CORPUS.to_vec()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>(), piece()), 0..6),
    ) {
        let changed = changes.iter().fold(text.to_owned(), |text, (at, is_cut, piece)| {
            let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let (before, after) = text.split_at(*at.get(&ends));
            let after = if *is_cut { after.chars().skip(1).collect() } else { after.to_owned() };
            format!("{before}{piece}{after}")
        });
        invariants::check(&changed);
    }
}

#[test]
fn the_corpus_is_hujson() {
    CORPUS.iter().for_each(|text| assert!(hujson::parse(text).is_ok(), "{text}"));
}
