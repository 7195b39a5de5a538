//! Which Headscale it is.

use serde::Deserialize;

use crate::Error;

/// A version whose interface is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// 0.28.
    V28,
    /// 0.29, which can also check a policy without taking it.
    V29,
}

#[derive(Deserialize)]
struct Told {
    version: String,
}

/// Reads the answer of `/version`. A build of somebody's own calls itself `dev` and is taken for
/// the newest that is known; what it does not have is told when it is needed.
pub(super) fn read(body: &[u8]) -> Result<Release, Error> {
    let unsupported = |what: String| Error::Unsupported { what };
    let told: Told = serde_json::from_slice(body).map_err(|_| {
        unsupported(
            "what answers is not Headscale 0.28 or 0.29: it does not tell its version as they do".to_owned(),
        )
    })?;
    let numbers: Vec<&str> = told.version.trim_start_matches('v').split('.').collect();
    match numbers.as_slice() {
        ["0", "28", ..] => Ok(Release::V28),
        ["0", "29", ..] | ["dev"] => Ok(Release::V29),
        _ => Err(unsupported(format!("this is Headscale {}; 0.28 and 0.29 are supported", told.version))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_apart_and_others_named() {
        let read = |version: &str| read(format!(r#"{{"version":"{version}","commit":"x"}}"#).as_bytes());
        assert_eq!(read("v0.28.0").unwrap(), Release::V28);
        assert_eq!(read("0.29.3").unwrap(), Release::V29);
        assert_eq!(read("dev").unwrap(), Release::V29);
        for (version, part) in [("v0.27.1", "0.27.1"), ("v0.30.0", "0.30.0"), ("v1.0.0", "1.0.0")] {
            let error = read(version).unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("0.28 and 0.29 are supported"), "{error}");
        }
        assert!(super::read(b"404 page not found").unwrap_err().to_string().contains("not Headscale"));
    }
}
