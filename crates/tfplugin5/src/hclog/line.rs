//! One log line.

use std::{error::Error, fmt};

use serde_json::{Map, Value};
use time::OffsetDateTime;
use tracing::field::{Field, Visit};

use crate::error_chain::error_chain;

/// The core splits lines of 64 KiB and more; the newline counts.
const LONGEST_LINE: usize = 60 * 1024;
/// Bytes that one text may have before escaping; halved until the line is short enough.
const LONGEST_TEXT: usize = 16 * 1024;
const SHORTEST_TEXT: usize = 64;

/// The message and the fields of a span or an event, in JSON.
#[derive(Debug, Default)]
pub(super) struct Fields {
    message: String,
    values: Map<String, Value>,
}

impl Fields {
    /// Adds the fields of `other`, which win over those of the same name.
    pub fn extend(&mut self, other: &Self) {
        for (name, value) in &other.values {
            self.values.insert(name.clone(), value.clone());
        }
    }

    /// Leaves the fields only.
    pub fn forget_message(&mut self) {
        self.message.clear();
    }

    fn set(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            ("message", other) => self.message = other.to_string(),
            (name, value) => {
                // Keys with @ belong to the format.
                self.values.insert(name.replace('@', "_"), value);
            }
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        let number = serde_json::Number::from_f64(value);
        self.set(field, number.map_or_else(|| value.to_string().into(), Value::Number));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.set(field, error_chain(value).into());
    }
}

/// The whole line with its newline, below 64 KiB: long texts are cut, and if that is not
/// enough, the fields are left out.
pub(super) fn format(level: &str, target: &str, now: OffsetDateTime, fields: Fields) -> String {
    let mut limit = LONGEST_TEXT;
    loop {
        let line = with_limit(level, target, now, &fields, limit, true);
        if line.len() <= LONGEST_LINE {
            return line;
        }
        if limit <= SHORTEST_TEXT {
            return with_limit(level, target, now, &fields, limit, false);
        }
        limit /= 2;
    }
}

fn with_limit(
    level: &str,
    target: &str,
    now: OffsetDateTime,
    fields: &Fields,
    limit: usize,
    with_fields: bool,
) -> String {
    let mut object = Map::new();
    if with_fields {
        for (name, value) in &fields.values {
            let value = match value {
                Value::String(text) => cut(text, limit).into(),
                other => other.clone(),
            };
            object.insert(name.clone(), value);
        }
    }
    object.insert("@level".to_owned(), level.into());
    object.insert("@message".to_owned(), cut(&fields.message, limit).into());
    object.insert("@module".to_owned(), cut(&target.replace("::", "."), limit).into());
    object.insert("@timestamp".to_owned(), timestamp(now).into());
    let mut line = Value::Object(object).to_string();
    line.push('\n');
    line
}

/// RFC 3339 in UTC with exactly six digits after the second, or the core cannot read it.
fn timestamp(at: OffsetDateTime) -> String {
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second(),
        at.microsecond(),
    )
}

/// At most `limit` bytes of `text`, with a note of what is missing.
fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(limit);
    format!("{} [{} bytes cut]", &text[..end], text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_timestamp_has_six_digits() {
        let start = OffsetDateTime::UNIX_EPOCH;
        assert_eq!(timestamp(start), "1970-01-01T00:00:00.000000Z");
        let later = start + time::Duration::nanoseconds(1_700_000_000_000_042_999);
        assert_eq!(timestamp(later), "2023-11-14T22:13:20.000042Z");
    }

    #[test]
    fn a_cut_says_how_much_is_missing_and_keeps_characters_whole() {
        assert_eq!(cut("short", 5), "short");
        assert_eq!(cut("ééé", 3), "é [4 bytes cut]");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_line_is_one_short_json_object(
            message in "\\PC{0,40}|[\\x00-\\x1f\"\\\\]{0,40}",
            name in "[a-z@]{1,8}",
            text in "(\\PC|[\\x00-\\x1f]){0,40}",
            times in 1_usize..5000,
            count in 1_usize..200,
        ) {
            let values = (0..count)
                .map(|i| (format!("{name}{i}"), text.repeat(times / count + 1).into()))
                .collect();
            let fields = Fields { message: message.repeat(times), values };
            let line = format("info", "a::b", OffsetDateTime::UNIX_EPOCH, fields);
            prop_assert!(line.len() < 64 * 1024);
            prop_assert_eq!(line.matches('\n').count(), 1);
            prop_assert!(line.ends_with('\n'));
            let object: Value = serde_json::from_str(&line).unwrap();
            for key in ["@level", "@message", "@module", "@timestamp"] {
                prop_assert!(object[key].is_string());
            }
        }
    }
}
