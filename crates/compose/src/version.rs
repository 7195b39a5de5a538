//! Versions of Compose, and the oldest that will do.

use std::fmt;

use serde::Deserialize;

use docker::Error;

/// The oldest Compose that we build on: 2.24 takes an override of services that come from an
/// `include`, and knows `pull --policy`; 2.24.4 knows `!override`.
pub const OLDEST: ComposeVersion = ComposeVersion { major: 2, minor: 24, patch: 4 };

/// A version of Compose, without what distributions add to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct ComposeVersion {
    pub major: u32,
    pub minor: u32,
    pub patch: u32,
}

impl fmt::Display for ComposeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl ComposeVersion {
    /// Reads `2.26.1-4`, `v2.27.0`, `2.40.3-desktop.1`; `None` for texts that begin otherwise.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('v').unwrap_or(text);
        let digits = |part: &str| {
            let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..end].parse().ok()
        };
        let mut parts = text.splitn(3, '.');
        let major = digits(parts.next()?)?;
        let minor = digits(parts.next()?)?;
        let patch = parts.next().and_then(digits).unwrap_or(0);
        Some(Self { major, minor, patch })
    }
}

/// Reads what `docker compose version --format json` wrote.
pub fn parse_json(json: &[u8]) -> Result<ComposeVersion, Error> {
    #[derive(Deserialize)]
    struct Raw {
        version: String,
    }
    let unreadable =
        |source| Error::Parse { what: "the output of \"docker compose version\"".to_owned(), source };
    let raw: Raw = serde_json::from_slice(json).map_err(|err| unreadable(err.into()))?;
    ComposeVersion::parse(&raw.version)
        .ok_or_else(|| unreadable(format!("{:?} is not a valid version", raw.version).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_distributions_make_of_it() {
        for (text, expected) in [
            ("2.26.1-4", Some((2, 26, 1))),
            ("v2.27.0", Some((2, 27, 0))),
            ("2.40.3-desktop.1\n", Some((2, 40, 3))),
            ("5.0", Some((5, 0, 0))),
            ("2.24.0+ds1", Some((2, 24, 0))),
            ("dev", None),
            ("", None),
        ] {
            let expected = expected.map(|(major, minor, patch)| ComposeVersion { major, minor, patch });
            assert_eq!(ComposeVersion::parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn versions_compare_by_number() {
        let version = |text| ComposeVersion::parse(text).unwrap();
        assert!(version("2.9.0") < OLDEST && version("2.24.4") >= OLDEST && version("10.0.0") > OLDEST);
        assert_eq!(parse_json(br#"{"version":"2.26.1-4"}"#).unwrap().to_string(), "2.26.1");
        assert!(parse_json(b"Docker Compose").is_err());
    }
}
