//! What snapshots are called: `snapshot-<name>-<UTC time>-<short hash>`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de::Error as _};
use sha2::{Digest as _, Sha256};

use crate::moment::Moment;

const PREFIX: &str = "snapshot-";

/// How many characters a name may have: with what is around it, an id stays below the 100 that some
/// stores allow a folder.
const LONGEST_NAME: usize = 63;

/// How many hexadecimal digits of its hash an id shows.
const HASH_LENGTH: usize = 8;

/// Why a text is no name or no id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is no name of a corpus.
    #[error(
        "{0:?} is not a valid name: one has 1 to 63 lower-case letters, digits, `.`, `_` and `-`, and begins with a letter or a digit"
    )]
    Name(String),
    /// It is no id of a snapshot.
    #[error("{0:?} is not the id of a snapshot, which looks like snapshot-prod-20261129T163200Z-1a2b3c4d")]
    Id(String),
}

/// The name of a corpus: whose snapshots are whose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let fits = text.len() <= LONGEST_NAME
            && text.starts_with(plain)
            && text.chars().all(|c| plain(c) || "._-".contains(c));
        if fits { Ok(Self(text.to_owned())) } else { Err(NameError::Name(text.to_owned())) }
    }
}

/// The id of a snapshot, which is the name of its folder in a store as well.
///
/// Ids of one name sort by their time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotId {
    name: Name,
    moment: Moment,
    hash: String,
}

impl SnapshotId {
    /// The id of a snapshot of `name` that is taken at `moment`; `nonce` tells it from another one
    /// that is taken in the same second.
    pub fn new(name: &Name, moment: Moment, nonce: &str) -> Self {
        let digest = Sha256::digest(format!("{name}\0{moment}\0{nonce}"));
        let hash = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { name: name.clone(), moment, hash: hash[..HASH_LENGTH].to_owned() }
    }

    /// Whose snapshot it is.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// When it was begun.
    pub fn moment(&self) -> Moment {
        self.moment
    }
}

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}-{}-{}", self.name, self.moment.compact(), self.hash)
    }
}

impl FromStr for SnapshotId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let parse = || {
            let (rest, hash) = text.strip_prefix(PREFIX)?.rsplit_once('-')?;
            let (name, moment) = rest.rsplit_once('-')?;
            let is_hash = hash.len() == HASH_LENGTH
                && hash.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
            let moment = Moment::from_compact(moment)?;
            is_hash.then_some(Self { name: name.parse().ok()?, moment, hash: hash.to_owned() })
        };
        parse().ok_or_else(|| NameError::Id(text.to_owned()))
    }
}

impl Serialize for SnapshotId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SnapshotId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written() {
        let moment = Moment::from_compact("20261129T163200Z").unwrap();
        for name in ["prod", "prod-corpus", "a", "0.b_c-20261129-1a2b3c4d"] {
            let id = SnapshotId::new(&name.parse().unwrap(), moment, "x");
            assert_eq!(id.to_string().parse::<SnapshotId>().unwrap(), id);
            assert_eq!((id.name().as_str(), id.moment()), (name, moment));
            assert!(id.to_string().starts_with(&format!("snapshot-{name}-20261129T163200Z-")));
        }
    }

    #[test]
    fn what_is_no_id_is_none() {
        for text in [
            "",
            "snapshot-prod",
            "snapshot-20261129T163200Z-1a2b3c4d",
            "snapshot-prod-20261129T163200Z-1A2B3C4D",
            "snapshot-prod-20261329T163200Z-1a2b3c4d",
            "snapshot-prod-20261129T163200Z-1a2b3c4d.partial",
            "snapshot-../x-20261129T163200Z-1a2b3c4d",
            "snapshot-Prod-20261129T163200Z-1a2b3c4d",
        ] {
            assert!(text.parse::<SnapshotId>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_of_a_name_sort_by_time_and_differ_within_a_second() {
        let name: Name = "prod".parse().unwrap();
        let at = |text| Moment::from_compact(text).unwrap();
        let early = SnapshotId::new(&name, at("20260131T235959Z"), "1");
        let late = SnapshotId::new(&name, at("20260201T000000Z"), "2");
        assert!(early < late && early.to_string() < late.to_string());
        assert_ne!(early, SnapshotId::new(&name, early.moment(), "2"));
    }
}
