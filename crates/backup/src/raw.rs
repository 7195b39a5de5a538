//! Names as the host has them, which need not be UTF-8, in a document that has to be.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize, de::Error as _};

/// A path, where a link leads, or the name or the value of an attribute: any bytes, which are never NUL but in the last.
///
/// In JSON it is a string; where it is not UTF-8, an object `{"base64": "…"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawPath(pub Vec<u8>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Encoded {
    base64: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Spelling {
    Text(String),
    Encoded(Encoded),
}

/// For people: what is not UTF-8, or would break a line, is replaced.
impl fmt::Display for RawPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in String::from_utf8_lossy(&self.0).chars() {
            if c.is_control() { write!(f, "{}", c.escape_default())? } else { write!(f, "{c}")? }
        }
        Ok(())
    }
}

impl From<&str> for RawPath {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl Serialize for RawPath {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => Encoded { base64: STANDARD.encode(&self.0) }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for RawPath {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Spelling::deserialize(deserializer)? {
            Spelling::Text(text) => Ok(Self(text.into_bytes())),
            Spelling::Encoded(Encoded { base64 }) => {
                STANDARD.decode(base64).map(Self).map_err(D::Error::custom)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_are_read_as_they_were_written() {
        for bytes in [&b"a/b"[..], b"line\nbreak", "é".as_bytes(), b"\xff\xfe", b"a\xe9b"] {
            let json = serde_json::to_string(&RawPath(bytes.to_vec())).unwrap();
            assert_eq!(serde_json::from_str::<RawPath>(&json).unwrap().0, bytes, "{json}");
        }
        assert_eq!(serde_json::to_string(&RawPath(vec![0xff])).unwrap(), r#"{"base64":"/w=="}"#);
        assert_eq!(RawPath(b"a\nb\xff".to_vec()).to_string(), "a\\nb\u{fffd}");
    }
}
