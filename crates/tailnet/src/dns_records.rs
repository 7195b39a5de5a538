//! The file of names beside those of machines that Headscale watches (`dns.extra_records_path`). Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A name and its address.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Record {
    /// The whole name.
    pub name: String,
    /// `A` or `AAAA`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The address.
    pub value: String,
}

/// The file, a record a line: the same records are the same text.
pub fn text(records: &BTreeSet<Record>) -> String {
    let lines: Vec<String> = records
        .iter()
        .filter_map(|record| serde_json::to_string(record).ok())
        .map(|line| format!("  {line}"))
        .collect();
    if lines.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", lines.join(",\n")) }
}

/// The records in a file, however somebody has formatted it; `None` where it is none that Headscale
/// would read.
pub fn parse(text: &str) -> Option<BTreeSet<Record>> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, kind: &str, value: &str) -> Record {
        Record { name: name.into(), kind: kind.into(), value: value.into() }
    }

    #[test]
    fn the_same_records_are_the_same_text_and_come_back() {
        let records: BTreeSet<Record> =
            [record("b.example.org", "A", "100.64.0.2"), record("a.example.org", "AAAA", "fd7a::1")].into();
        let expected = "[\n  {\"name\":\"a.example.org\",\"type\":\"AAAA\",\"value\":\"fd7a::1\"},\n  \
                        {\"name\":\"b.example.org\",\"type\":\"A\",\"value\":\"100.64.0.2\"}\n]\n";
        assert_eq!(text(&records), expected);
        assert_eq!(parse(&text(&records)), Some(records));
        assert_eq!((text(&BTreeSet::new()).as_str(), parse("[]\n")), ("[]\n", Some(BTreeSet::new())));
        assert_eq!(parse("records:"), None);
    }
}
