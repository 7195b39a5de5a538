//! Whether archives of all the data store the same again and again. Pure, but for reading manifests.

use std::collections::BTreeSet;

use crate::{
    manifest::Manifest,
    name::Name,
    store::{Store, StoreError, manifest_of, snapshots_of},
};

/// How many snapshots in a row have to be alike.
const ROW: usize = 3;

/// How large each of them is at least, as it is stored: of less, little can be saved.
const SMALLEST: u64 = 64 << 20;

/// How much of each has to be in the one before it, in percent.
const ALIKE: u64 = 90;

/// Snapshots that hardly differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeats {
    /// How many of a snapshot's files are in the one before it, in percent of all: of the two that differ most.
    pub percent: u64,
    /// What the newest takes in its store, in bytes.
    pub stored_bytes: u64,
}

/// Whether the last snapshots of `name` hardly differ. What is encrypted tells nothing of that.
///
/// # Errors
/// When the store cannot be asked.
pub async fn repeats(store: &dyn Store, name: &Name) -> Result<Option<Repeats>, StoreError> {
    let mut newest = Vec::new();
    for id in snapshots_of(store, name).await?.iter().take(ROW) {
        newest.push(manifest_of(store, id).await?);
    }
    Ok(judge_repeats(&newest))
}

/// The same of manifests, newest first. Files count by their content: each content once, whatever its size.
pub fn judge_repeats(newest_first: &[Manifest]) -> Option<Repeats> {
    let row = newest_first.get(..ROW)?;
    let is_small = |manifest: &Manifest| manifest.totals.stored_bytes < SMALLEST;
    if row.iter().any(is_small) || row.iter().any(|manifest| !manifest.source.has_files()) {
        return None;
    }
    let contents: Vec<BTreeSet<&str>> = row.iter().map(contents).collect();
    let shares = contents.windows(2).map(|pair| share(&pair[0], &pair[1]));
    let percent = shares.min().filter(|percent| *percent > ALIKE)?;
    Some(Repeats { percent, stored_bytes: row.first()?.totals.stored_bytes })
}

/// The hashes of all files.
fn contents(manifest: &Manifest) -> BTreeSet<&str> {
    manifest.entries.iter().filter_map(|entry| entry.sha256.as_deref()).collect()
}

/// How many of both are in both, in whole percent of the larger one.
fn share(one: &BTreeSet<&str>, other: &BTreeSet<&str>) -> u64 {
    let (shared, all) = (one.intersection(other).count() as u64, one.len().max(other.len()) as u64);
    (100 * shared).checked_div(all).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        manifest::{Entry, EntryKind, Format, Holds, Host, Part, Source, Totals},
        moment::Moment,
        name::SnapshotId,
    };

    /// A snapshot whose files have these contents, and that takes so many bytes.
    fn manifest(contents: std::ops::Range<u32>, stored_bytes: u64) -> Manifest {
        let snapshot = SnapshotId::new(&"prod".parse().unwrap(), Moment::now(), "x");
        let entry = |content: u32| Entry {
            path: format!("file-{content}").as_str().into(),
            kind: EntryKind::File,
            mode: "0644".into(),
            uid: 0,
            gid: 0,
            mtime: 0,
            size: Some(1),
            sha256: Some(format!("{content:064x}")),
            holes: Vec::new(),
            target: None,
            attributes: None,
        };
        Manifest {
            format_version: 1,
            snapshot,
            previous: None,
            source: Source::Path { path: "/srv".into(), exclude: Vec::new() },
            host: Host { name: "h".into(), machine_id: "1".into() },
            started_at: Moment::now(),
            finished_at: Moment::now(),
            verified_at: None,
            keep_until: None,
            tools: Default::default(),
            format: Format::Tar,
            sha256: String::new(),
            parts: vec![Part { file: "p".into(), size: stored_bytes, sha256: String::new() }],
            totals: Totals { stored_bytes, ..Totals::default() },
            entries: contents.map(entry).collect(),
            encryption: None,
            seal: String::new(),
        }
    }

    const LARGE: u64 = 512 << 20;

    #[test]
    fn three_in_a_row_that_share_more_than_nine_tenths_are_told() {
        let row = |a, b, c| judge_repeats(&[manifest(a, LARGE), manifest(b, LARGE), manifest(c, LARGE)]);
        assert_eq!(row(0..100, 0..100, 0..100), Some(Repeats { percent: 100, stored_bytes: LARGE }));
        assert_eq!(row(0..100, 5..105, 10..110).map(|told| told.percent), Some(95));
        // Ten of a hundred are others, once; one has a few more files, the other all of its own.
        assert_eq!(row(0..100, 10..110, 10..110), None);
        assert_eq!(row(0..100, 0..100, 0..120), None);
        assert_eq!(row(0..100, 0..100, 500..600), None);
        assert_eq!(row(0..0, 0..0, 0..0), None, "what is in it is not known");
    }

    #[test]
    fn two_are_no_row_and_what_is_small_costs_little() {
        let [a, b, c] = [0, 1, 2].map(|_| manifest(0..100, LARGE));
        assert_eq!(judge_repeats(&[a.clone(), b.clone()]), None);
        assert_eq!(judge_repeats(&[a.clone(), b.clone(), manifest(0..100, SMALLEST - 1)]), None);
        let source = Source::Adopted { artefact: "x.dump".into(), holds: Holds::Database };
        assert_eq!(judge_repeats(&[a, b, Manifest { source, ..c }]), None);
    }
}
