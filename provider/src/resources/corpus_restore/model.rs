//! The attributes of `windlass_corpus_restore`.

use std::collections::BTreeMap;

use backup::{Overwrite, SnapshotId};
use framework::{Attribute, Field, Model, Schema, Timeouts, Type};

use crate::{
    corpora::{links_attribute, name_attribute, store_attribute},
    host_path::check_path,
};

/// The word for the newest snapshot.
pub(super) const LATEST: &str = "latest";

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct RestoreModel {
    pub(crate) host: Field<String>,
    pub(crate) store: Field<String>,
    pub(crate) name: Field<String>,
    pub(crate) snapshot: Field<String>,
    pub(crate) path: Field<String>,
    pub(crate) overwrite: Field<bool>,
    pub(crate) confirm: Field<String>,
    pub(crate) links: Field<String>,
    pub(crate) triggers: Field<BTreeMap<String, String>>,
    pub(crate) snapshot_id: Field<String>,
    pub(crate) restored_at: Field<String>,
    pub(crate) file_count: Field<u64>,
    pub(crate) size_bytes: Field<u64>,
    pub(crate) duration_seconds: Field<u64>,
}

/// The schema.
pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A snapshot that comes back as a directory on a host: after a disaster, for a drill on another machine, or to \
             seed a machine for tests. It is read from the store, compared with its manifest, part by part and file by file, and \
             extracted beside its place; only when all of it has its hashes, it takes that place. What was there \
             goes after that, so whatever fails leaves it as it was. \
             \n\nWhat comes out of the store is not trusted: paths that leave the directory, devices, files with set-user-id, \
             links that lead out, and whatever the manifest does not list are refused before `tar` on the host sees them. \
             \n\nFrom then on the data are the product's. Plans do not look at them, and **destroying the resource deletes \
             nothing**. It is restored again when `snapshot` or `triggers` change, over data only with `overwrite`.",
        )
        .attributes(what())
        .attributes(place())
        .attributes(outputs())
        .timeouts(Timeouts::new().create(120).update(120).delete(5).read(5))
}

fn what() -> [Attribute; 5] {
    [
        store_attribute("Where the snapshot is"),
        name_attribute("Whose snapshot it is: the `name` of the windlass_corpus_backup that took it."),
        Attribute::string("snapshot")
            .default(LATEST)
            .check(|text: &String| match text.as_str() {
                LATEST => Ok(()),
                id => id.parse::<SnapshotId>().map(drop).map_err(|error| format!("must be `latest` or an id: {error}")),
            })
            .describe(
                "The id of the snapshot, or `latest` (default): the newest one of this name, as of when it is restored. A \
                 newer one that comes later changes nothing.",
            ),
        links_attribute("it is not restored"),
        Attribute::map("triggers", Type::String)
            .describe("Values of your choice: when one changes, it is restored again, `latest` as of then."),
    ]
}

fn place() -> [Attribute; 3] {
    [
        Attribute::string("path").required().requires_replace().check(|path: &String| check_path(path)).describe(
            "Absolute path of the directory on the host that the snapshot becomes, with the owner and mode that it had. \
             Those above it are made where they are missing, with mode 0755. Another path is another restore; the \
             data at the old one stay. It cannot be a place that something is mounted on, but one below it.",
        ),
        Attribute::bool("overwrite").default(false).describe(
            "Whether data that are at `path` may go for it. Default: `false`, which takes an empty directory, or none.",
        ),
        Attribute::string("confirm").describe("With `overwrite`: the same as `path`, so that nobody overwrites by copying a line."),
    ]
}

fn outputs() -> [Attribute; 5] {
    [
        Attribute::string("snapshot_id").computed().describe("The id of the snapshot that was restored."),
        Attribute::string("restored_at").computed().describe("When it was in its place, in RFC 3339."),
        Attribute::number("file_count")
            .computed()
            .describe("How many files it has; further names of one count."),
        Attribute::number("size_bytes").computed().describe("The bytes in its files."),
        Attribute::number("duration_seconds").computed().describe("How long it took."),
    ]
}

impl RestoreModel {
    /// The path, or nothing while it is unknown.
    pub(super) fn path(&self) -> &str {
        self.path.as_str().unwrap_or_default()
    }

    /// Whether data may go for it.
    pub(super) fn overwrite(&self) -> Overwrite {
        if self.overwrite.is_true() { Overwrite::Yes } else { Overwrite::Never }
    }

    /// Whether it is to be restored again.
    pub(super) fn is_another(&self, prior: &Self) -> bool {
        (&self.name, &self.snapshot, &self.triggers) != (&prior.name, &prior.snapshot, &prior.triggers)
    }

    /// What restoring decides is not known.
    pub(super) fn expect_restore(&mut self) {
        (self.snapshot_id, self.restored_at) = (Field::Unknown, Field::Unknown);
        (self.file_count, self.size_bytes, self.duration_seconds) =
            (Field::Unknown, Field::Unknown, Field::Unknown);
    }

    /// What the last restore decided stays.
    pub(super) fn keep_restore(&mut self, prior: &Self) {
        let old = prior.clone();
        (self.snapshot_id, self.restored_at) = (old.snapshot_id, old.restored_at);
        (self.file_count, self.size_bytes, self.duration_seconds) =
            (old.file_count, old.size_bytes, old.duration_seconds);
    }
}
