//! The attributes of `windlass_corpus_backup`, and how a snapshot becomes attributes.

use std::collections::BTreeMap;

use backup::{Check, Compress, Format, Manifest, Moment, Proof, ResticCheck, Retention, TakenByRestic};
use framework::{Field, Model};
use secret::Secret;

use crate::corpora::{ExecModel, PostgresModel, QuiesceModel, SectionsModel};

/// What a new snapshot is taken for when it changes, beside the engine.
pub(super) const CAUSES: [&str; 10] =
    ["host", "path", "volume", "postgres", "exec", "exclude", "store", "format", "links", "triggers"];

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct BackupModel {
    pub(crate) host: Field<String>,
    pub(crate) name: Field<String>,
    pub(crate) path: Field<String>,
    pub(crate) volume: Field<String>,
    pub(crate) exclude: Field<Vec<String>>,
    pub(crate) if_missing: Field<String>,
    pub(crate) store: Field<String>,
    pub(crate) copies: Field<Vec<String>>,
    pub(crate) engine: Field<String>,
    pub(crate) format: Field<String>,
    pub(crate) compress: Field<String>,
    pub(crate) links: Field<String>,
    pub(crate) triggers: Field<BTreeMap<String, String>>,
    pub(crate) encrypt_to: Field<Vec<String>>,
    pub(crate) keep_for: Field<String>,
    pub(crate) postgres: Option<PostgresModel>,
    pub(crate) exec: Option<ExecModel>,
    pub(crate) quiesce: Option<QuiesceModel>,
    pub(crate) verify: Field<String>,
    pub(crate) server_args: Field<Vec<String>>,
    pub(crate) check: Field<Vec<CheckModel>>,
    pub(crate) sections: Option<SectionsModel>,
    pub(crate) retention: Option<RetentionModel>,
    pub(crate) max_age: Field<String>,
    pub(crate) heartbeat_url_wo: Field<Secret>,
    pub(crate) on_destroy: Field<String>,
    pub(crate) snapshot: Field<String>,
    pub(crate) created_at: Field<String>,
    pub(crate) size_bytes: Field<u64>,
    pub(crate) stored_bytes: Field<u64>,
    pub(crate) file_count: Field<u64>,
    pub(crate) sha256: Field<String>,
    pub(crate) location: Field<String>,
    pub(crate) verified_at: Field<String>,
    pub(crate) copies_verified_at: Field<BTreeMap<String, String>>,
}

/// How many snapshots stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct RetentionModel {
    pub(crate) last: Field<u64>,
    pub(crate) daily: Field<u64>,
    pub(crate) weekly: Field<u64>,
    pub(crate) monthly: Field<u64>,
    pub(crate) yearly: Field<u64>,
}

/// A question to a database that was restored for a proof.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct CheckModel {
    pub(crate) sql: Field<String>,
    pub(crate) expect: Field<String>,
}

impl BackupModel {
    /// What a snapshot has to be once it is restored, where it is.
    pub(super) fn proof(&self) -> Option<Proof> {
        let text = |field: &Field<String>| field.as_str().unwrap_or_default().to_owned();
        let check = |check: &CheckModel| Check { sql: text(&check.sql), expect: text(&check.expect) };
        (self.verify.as_str() == Some("restore")).then(|| Proof {
            checks: self.check.known().into_iter().flatten().map(check).collect(),
            sections: self.sections.as_ref().map(SectionsModel::sections),
            server_args: self.server_args.clone().known_or_default(),
        })
    }

    /// Whether restic takes the snapshots.
    pub(super) fn uses_restic(&self) -> bool {
        self.engine.as_str() == Some("restic")
    }

    /// Whether another engine takes them than before. A state of a time without engines has archives.
    pub(super) fn is_by_another_engine(&self, prior: &Self) -> bool {
        self.engine.is_unknown() || self.uses_restic() != prior.uses_restic()
    }

    /// How much of a repository is read back.
    pub(super) fn check(&self) -> ResticCheck {
        if self.verify.as_str() == Some("restore") { ResticCheck::All } else { ResticCheck::Some }
    }

    /// How the archive is packed.
    pub(super) fn format(&self) -> Format {
        self.format.as_str().and_then(Format::of_word).unwrap_or_default()
    }

    /// Where that is done.
    pub(super) fn compress(&self) -> Compress {
        self.compress.as_str().and_then(Compress::of_word).unwrap_or_default()
    }

    /// How many snapshots stay; without a block, all do.
    pub(super) fn retention(&self) -> Retention {
        let count =
            |field: &Field<u64>| field.known().and_then(|count| u32::try_from(*count).ok()).unwrap_or(0);
        let Some(RetentionModel { last, daily, weekly, monthly, yearly }) = &self.retention else {
            return Retention::default();
        };
        Retention {
            last: count(last),
            daily: count(daily),
            weekly: count(weekly),
            monthly: count(monthly),
            yearly: count(yearly),
        }
    }

    /// When the snapshot was taken, if there is one.
    pub(super) fn created_at(&self) -> Option<Moment> {
        self.created_at.as_str().and_then(Moment::parse)
    }

    /// The stores that copies go to.
    pub(super) fn copies(&self) -> Vec<String> {
        self.copies.clone().known_or_default()
    }

    /// Whether the last snapshot is in all of them and in no other, as far as is known.
    pub(super) fn has_its_copies(&self, prior: &Self) -> bool {
        if self.copies.is_unknown() {
            return false;
        }
        let (copies, made) = (self.copies(), prior.copies_verified_at.clone().known_or_default());
        prior.snapshot.is_null()
            || (made.len() == copies.len() && copies.iter().all(|copy| made.contains_key(copy)))
    }

    /// When copies were made is not known, where there will be some.
    pub(super) fn expect_copies(&mut self) {
        let will_be = self.copies.is_unknown() || !self.copies().is_empty();
        self.copies_verified_at = if will_be { Field::Unknown } else { Field::Null };
    }

    /// What a new snapshot decides is not known.
    pub(super) fn expect_snapshot(&mut self) {
        self.expect_copies();
        self.put(Field::Unknown, Field::Unknown, Field::Unknown, || Field::Unknown);
    }

    /// What the prior snapshot decided stays.
    pub(super) fn keep_snapshot(&mut self, prior: &Self) {
        let old = prior.clone();
        self.put(old.size_bytes, old.stored_bytes, old.file_count, || Field::Null);
        (self.snapshot, self.created_at, self.sha256) = (old.snapshot, old.created_at, old.sha256);
        (self.location, self.verified_at) = (old.location, old.verified_at);
        self.copies_verified_at = old.copies_verified_at;
    }

    /// What is known of a snapshot; nothing where there is none to be taken.
    pub(super) fn set_snapshot(&mut self, taken: Option<(&Manifest, String)>) {
        self.copies_verified_at = Field::Null;
        let Some((manifest, store)) = taken else {
            return self.put(Field::Null, Field::Null, Field::Null, || Field::Null);
        };
        let id = manifest.snapshot.to_string();
        self.location = Field::Known(format!("{store}/{id}"));
        self.snapshot = Field::Known(id);
        self.created_at = Field::Known(manifest.started_at.to_string());
        self.size_bytes = Field::Known(manifest.totals.size_bytes);
        self.stored_bytes = Field::Known(manifest.totals.stored_bytes);
        self.file_count = Field::Known(manifest.totals.files);
        self.sha256 = Field::Known(manifest.sha256.clone());
        self.verified_at = Field::from(manifest.verified_at.map(|moment| moment.to_string()));
    }

    /// What is known of a snapshot in a repository.
    pub(super) fn set_taken(&mut self, taken: &TakenByRestic, repository: &str) {
        self.copies_verified_at = Field::Null;
        self.location = Field::Known(format!("{repository}/{}", taken.id));
        self.snapshot = Field::Known(taken.id.clone());
        self.created_at = Field::Known(taken.started_at.to_string());
        self.size_bytes = Field::Known(taken.size_bytes);
        self.stored_bytes = Field::Known(taken.stored_bytes);
        self.file_count = Field::Known(taken.files);
        self.sha256 = Field::Null;
        self.verified_at = Field::Known(taken.verified_at.to_string());
    }

    fn put(&mut self, size: Field<u64>, stored: Field<u64>, files: Field<u64>, text: fn() -> Field<String>) {
        (self.size_bytes, self.stored_bytes, self.file_count) = (size, stored, files);
        for field in [
            &mut self.snapshot,
            &mut self.created_at,
            &mut self.sha256,
            &mut self.location,
            &mut self.verified_at,
        ] {
            *field = text();
        }
    }
}
