//! What was done for a corpus, by whatever engine.

use std::collections::BTreeMap;

use backup::Quiesce;
use serde::Serialize;

use super::settings::CorpusSettings;
use super::target::Target;
use crate::exit::Failure;
use crate::machine::Machine;
use crate::units::bytes;

/// What was done for a corpus, as it is printed.
#[derive(Serialize)]
pub struct Done {
    /// Whose.
    pub corpus: String,
    /// Its id.
    pub snapshot: String,
    /// Where it is.
    pub store: String,
    /// The bytes in its files.
    pub size_bytes: u64,
    /// What it takes there.
    pub stored_bytes: u64,
    /// Its files.
    pub file_count: u64,
    /// Of its archive, where it is one.
    pub sha256: Option<String>,
    /// When it was read back.
    pub verified_at: Option<String>,
    /// The same of its copies, by their stores.
    pub copies_verified_at: BTreeMap<String, String>,
    /// Older snapshots that a store of copies did not have.
    pub copied_again: Vec<String>,
    /// What the retention did not keep.
    pub removed: Vec<String>,
    /// What went wrong once the snapshot was there.
    pub failed: Option<String>,
}

impl Done {
    /// It in words.
    pub fn told(&self) -> String {
        let mut text = format!(
            "{}  {} files, {} stored  {}",
            self.snapshot,
            self.file_count,
            bytes(self.stored_bytes),
            self.store
        );
        for copy in self.copies_verified_at.keys() {
            text += &format!("\n  copied to {copy}");
        }
        for copied in &self.copied_again {
            text += &format!("\n  was missing, and copied: {copied}");
        }
        for removed in &self.removed {
            text += &format!("\n  removed {removed}");
        }
        text
    }
}

/// That no snapshot was taken.
pub fn not_taken(target: &Target<'_>) -> Failure {
    Failure::new(format!("Could not back up the corpus {:?}", target.name.as_str()))
}

/// What of the corpus' host holds still meanwhile.
///
/// # Errors
/// When Docker there does not answer, or a setting means nothing.
pub async fn quiesce(
    machine: &Machine,
    target: &Target<'_>,
    known: &CorpusSettings,
) -> Result<Option<Quiesce>, Failure> {
    let Some(quiesce) = &known.quiesce else { return Ok(None) };
    let stacks = machine.for_stacks().await.map_err(|error| not_taken(target).because(&error))?;
    quiesce.quiesce(target.name.as_str(), stacks).map(Some)
}
