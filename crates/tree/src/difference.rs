//! What has to be done so that a host has just the wanted files.

use std::collections::{BTreeMap, BTreeSet};

use crate::{FileDigest, Manifest};

/// What lies between a host and the wanted files; of [`Manifest::difference`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Files to send: new ones, and ones that are not on the host as they should be.
    pub send: BTreeSet<String>,
    /// Files that were shipped once and are wanted no more.
    pub delete: BTreeSet<String>,
}

impl Difference {
    /// Old files that must go before new ones can come: a file where a directory will be, a directory
    /// of old files where a file will be, a link where a file will be or the other way round.
    pub fn in_the_way(&self, found: &BTreeMap<String, FileDigest>, wanted: &Manifest) -> Vec<String> {
        let crossing = self
            .delete
            .iter()
            .filter(|old| self.send.iter().any(|new| is_above(old, new) || is_above(new, old)));
        let other_kind = self.send.iter().filter(|path| match (found.get(*path), wanted.files.get(*path)) {
            (Some(old), Some(new)) => old.is_link() != new.is_link(),
            _ => false,
        });
        crossing.chain(other_kind).cloned().collect()
    }
}

impl Manifest {
    /// What turns the host, where `self` was shipped last and `found` is there now, into `wanted`.
    pub fn difference(&self, found: &BTreeMap<String, FileDigest>, wanted: &Self) -> Difference {
        let send = wanted.files.iter().filter(|(path, file)| found.get(*path) != Some(file));
        let delete = self.files.keys().filter(|path| !wanted.files.contains_key(*path));
        Difference { send: send.map(|(path, _)| path.clone()).collect(), delete: delete.cloned().collect() }
    }

    /// Whether the wanted files can be laid over those of this manifest, of which `found` is there:
    /// not where a file takes the place of a directory or of a link, or the other way round.
    pub fn fits_under(&self, found: &BTreeMap<String, FileDigest>, wanted: &Self) -> bool {
        let crossing = self.files.keys().filter(|old| !wanted.files.contains_key(*old)).any(|old| {
            let inside = format!("{old}/");
            let after = wanted.files.range(inside..).next().is_some_and(|(new, _)| is_above(old, new));
            let below = old.match_indices('/').any(|(at, _)| wanted.files.contains_key(&old[..at]));
            after || below
        });
        let mut both = wanted.files.iter().filter_map(|(path, new)| Some((found.get(path)?, new)));
        !crossing && both.all(|(old, new)| old.is_link() == new.is_link())
    }
}

/// Whether the path `above` is a directory that `path` is in.
fn is_above(above: &str, path: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link_digest;

    fn set(paths: &[&str]) -> BTreeSet<String> {
        paths.iter().map(|path| (*path).to_owned()).collect()
    }

    fn manifest(paths: &[&str]) -> Manifest {
        let digest = FileDigest { sha256: "1".into(), mode: 0o644 };
        Manifest { files: paths.iter().map(|path| ((*path).to_owned(), digest.clone())).collect() }
    }

    #[test]
    fn what_is_in_the_way_goes_first() {
        let mut found = manifest(&["same"]).files;
        found.insert("link".to_owned(), link_digest("x"));
        let difference =
            Difference { delete: set(&["a", "b/c", "old"]), send: set(&["a/x", "b", "link", "same"]) };
        assert_eq!(difference.in_the_way(&found, &manifest(&["link", "same"])), ["a", "b/c", "link"]);
    }

    #[test]
    fn a_file_takes_no_directorys_place() {
        let none = BTreeMap::new();
        let fits = |last: &[&str], wanted: &[&str]| manifest(last).fits_under(&none, &manifest(wanted));
        assert!(fits(&["a", "b/c"], &["a", "b/d", "a-b"]));
        assert!(!fits(&["a"], &["a-b", "a/x"]));
        assert!(!fits(&["b/c/d"], &["b"]));
        let link = BTreeMap::from([("a".to_owned(), link_digest("x"))]);
        assert!(!manifest(&["a"]).fits_under(&link, &manifest(&["a"])));
    }
}
