//! The manifest of a snapshot: what it is of, what its parts are, and what is in it.
//!
//! It is the last file that is written, and it vouches for the others: a folder in a store without a
//! valid manifest is no snapshot. `manifest.schema.json` beside this crate describes it to others.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    attributes::Attributes,
    holes::{self, Hole},
    moment::Moment,
    name::SnapshotId,
    raw::RawPath,
};

/// What it is called in the folder of its snapshot.
pub const MANIFEST: &str = "snapshot.manifest.json";

/// The version of the format that is written here.
pub const FORMAT_VERSION: u32 = 1;

/// Why a manifest is none.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It cannot be read as one.
    #[error("the manifest cannot be read")]
    Malformed(#[source] serde_json::Error),
    /// It is of a newer format.
    #[error("the manifest has format version {0}, and {FORMAT_VERSION} is the newest that is known")]
    Newer(u64),
    /// It has been changed since it was written.
    #[error("the manifest has been changed since it was written: its seal does not fit")]
    Seal,
    /// It says something that cannot be.
    #[error("the manifest contradicts itself: {0}")]
    Contradiction(String),
}

/// What is known about a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of this format.
    pub format_version: u32,
    /// The snapshot's id, which is the name of its folder.
    pub snapshot: SnapshotId,
    /// The snapshot that was the newest of its name when this one was taken: that it is gone can be noticed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous: Option<SnapshotId>,
    /// Which corpus it is of.
    pub source: Source,
    /// Where that was.
    pub host: Host,
    /// When the copy began.
    pub started_at: Moment,
    /// When all parts were stored.
    pub finished_at: Moment,
    /// When all parts were read back from the store and had their hashes; nothing where nobody has
    /// looked.
    pub verified_at: Option<Moment>,
    /// No prune removes it before that.
    pub keep_until: Option<Moment>,
    /// The programs that made it, and their versions.
    pub tools: BTreeMap<String, String>,
    /// How the archive is packed.
    pub format: Format,
    /// SHA-256 of the archive as it is stored: all parts, one after another.
    pub sha256: String,
    /// The files that the archive is made of, in order.
    pub parts: Vec<Part>,
    /// The sums of what is in it.
    pub totals: Totals,
    /// What is in it, in the archive's order; nothing where that is encrypted.
    pub entries: Vec<Entry>,
    /// Who can open it; nothing where everybody can. The parts, and their sizes and hashes, are encrypted ones then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub encryption: Option<Encryption>,
    /// SHA-256 of this document, written without spaces and with an empty text in this place.
    pub seal: String,
}

/// Which corpus a snapshot is of; in JSON its `kind` is one of its fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// A directory on a host.
    Path {
        /// Where it is.
        path: String,
        /// What was left out.
        exclude: Vec<String>,
    },
    /// A Docker volume on a host.
    Volume {
        /// Its name.
        volume: String,
        /// What was left out.
        exclude: Vec<String>,
    },
    /// A database of a Postgres.
    Postgres {
        /// The container that it runs in; nothing where it is somewhere else, and is reached by a URI.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        container: Option<String>,
        /// The database.
        database: String,
        /// Whether roles and tablespaces were stored with it.
        globals: bool,
        /// What the database is made with, before anything is in it.
        facts: DatabaseFacts,
    },
    /// What a command in a container wrote.
    Exec {
        /// The container.
        container: String,
        /// The command.
        command: Vec<String>,
    },
    /// A file that something else has made, and that was brought here.
    Adopted {
        /// What it was called.
        artefact: String,
        /// What is in it.
        holds: Holds,
    },
}

/// What is in a file that was brought here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// An archive of files.
    Files,
    /// A dump of a Postgres database, in the custom format of `pg_dump`.
    Database,
}

/// What a database is made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseFacts {
    /// How its characters are encoded, such as `UTF8`.
    pub encoding: String,
    /// By which locale it sorts.
    pub collate: String,
    /// Whose letters and cases it knows.
    pub ctype: String,
    /// The role that owns it.
    pub owner: String,
}

impl Source {
    /// What kind it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Path { .. } => "a directory",
            Self::Volume { .. } => "a volume",
            Self::Postgres { .. } | Self::Adopted { holds: Holds::Database, .. } => "a Postgres database",
            Self::Adopted { holds: Holds::Files, .. } => "an archive of files",
            Self::Exec { .. } => "the stream of a command",
        }
    }

    /// Whether it is made of files, and so comes back as a directory or as a volume alike.
    pub fn has_files(&self) -> bool {
        matches!(self, Self::Path { .. } | Self::Volume { .. } | Self::Adopted { holds: Holds::Files, .. })
    }
}

/// The host that a corpus was on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// How it was reached, without secrets.
    pub name: String,
    /// The machine itself.
    pub machine_id: String,
}

/// How an archive is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// tar in Zstandard.
    #[default]
    #[serde(rename = "tar.zst")]
    TarZst,
    /// tar in gzip.
    #[serde(rename = "tgz")]
    Tgz,
    /// tar alone.
    #[serde(rename = "tar")]
    Tar,
    /// What `pg_dump` writes in its custom format, which is packed already.
    #[serde(rename = "pg_dump")]
    PgDump,
    /// What a command writes, in Zstandard.
    #[serde(rename = "zst")]
    Zst,
    /// What a command writes, as it is.
    #[serde(rename = "raw")]
    Raw,
}

impl Format {
    /// All that archives of files may have.
    pub const ARCHIVES: [Self; 3] = [Self::TarZst, Self::Tgz, Self::Tar];

    /// Its word, which is the ending of the archive's name as well.
    pub fn word(self) -> &'static str {
        match self {
            Self::TarZst => "tar.zst",
            Self::Tgz => "tgz",
            Self::Tar => "tar",
            Self::PgDump => "pg_dump",
            Self::Zst => "zst",
            Self::Raw => "raw",
        }
    }

    /// The one of archives with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ARCHIVES.into_iter().find(|format| format.word() == word)
    }
}

/// A file of the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Its name in the snapshot's folder.
    pub file: String,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of it.
    pub sha256: String,
}

/// Who can open a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encryption {
    /// age recipients and SSH public keys.
    pub recipients: Vec<String>,
    /// The key of the snapshot (an identity of age), as an age file for them, in Base64.
    pub envelope: String,
    /// The list of entries in JSON, packed by Zstandard, as an age file for that key, in Base64.
    pub entries: String,
}

/// Sums over a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// Regular files; a further name of one counts.
    pub files: u64,
    /// Directories, the corpus itself among them.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// The bytes in all files.
    pub size_bytes: u64,
    /// The bytes of all parts.
    pub stored_bytes: u64,
}

/// What is in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its path in the corpus; `.` is the corpus itself.
    pub path: RawPath,
    /// What it is.
    pub kind: EntryKind,
    /// Its permission bits in octal, such as `0640`.
    pub mode: String,
    /// The number of its owner.
    pub uid: u64,
    /// The number of its group.
    pub gid: u64,
    /// When it was changed, in seconds since 1970 began.
    pub mtime: i64,
    /// Its size in bytes; of regular files alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub size: Option<u64>,
    /// SHA-256 of its content; of regular files alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256: Option<String>,
    /// Where a sparse file has holes, which are read as zeros; of regular files alone.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub holes: Vec<Hole>,
    /// Where a symbolic link leads; the path in the corpus of the file that a hard link is a further
    /// name of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<RawPath>,
    /// Extended attributes and access control lists, where it has some; those of a file that has more names are with
    /// the first of them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attributes: Option<Box<Attributes>>,
}

/// What a part of a corpus is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A further name of a regular file.
    Hardlink,
}

/// How a document ends: the seal is its last field, and in JSON as it is.
fn sealed_end(seal: &str) -> String {
    format!("\"seal\":{}}}", serde_json::Value::from(seal))
}

/// The seal of a document without its end: the hash of it with an empty text in that place.
fn seal_of(unsealed: &[u8]) -> String {
    let hasher = Sha256::new_with_prefix(unsealed).chain_update(sealed_end(""));
    secret::hex(&hasher.finalize())
}

impl Entry {
    /// What of it contradicts the rest of it, if something does.
    pub(crate) fn contradiction(&self) -> Option<&'static str> {
        if !holes::fit(&self.holes, self.size.unwrap_or_default()) {
            return Some("a file has holes that cannot be in it");
        }
        let fit = |attributes: &Attributes| match self.kind {
            EntryKind::Directory => attributes.fit(true),
            EntryKind::File | EntryKind::Symlink => attributes.fit(false),
            EntryKind::Hardlink => false,
        };
        let do_fit = self.attributes.as_deref().is_none_or(fit);
        (!do_fit).then_some("something has attributes that it cannot have")
    }
}

impl Totals {
    /// The sums of `entries` and `parts`.
    pub fn of(entries: &[Entry], parts: &[Part]) -> Self {
        let mut totals = Self { stored_bytes: parts.iter().map(|part| part.size).sum(), ..Self::default() };
        for entry in entries {
            let count = match entry.kind {
                EntryKind::File | EntryKind::Hardlink => &mut totals.files,
                EntryKind::Directory => &mut totals.directories,
                EntryKind::Symlink => &mut totals.symlinks,
            };
            *count += 1;
            totals.size_bytes += entry.size.unwrap_or_default();
        }
        totals
    }
}

impl Manifest {
    /// The document, sealed.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, ManifestError> {
        let mut document = self.unsealed()?;
        let seal = seal_of(&document);
        document.extend_from_slice(sealed_end(&seal).as_bytes());
        Ok(document)
    }

    /// The manifest in a document, if it is a valid one.
    ///
    /// # Errors
    /// When it is not.
    pub fn from_json(document: &[u8]) -> Result<Self, ManifestError> {
        /// What every version has.
        #[derive(Deserialize)]
        struct Version {
            format_version: u64,
        }
        let Version { format_version } =
            serde_json::from_slice(document).map_err(ManifestError::Malformed)?;
        if format_version > FORMAT_VERSION.into() {
            return Err(ManifestError::Newer(format_version));
        }
        let manifest: Self = serde_json::from_slice(document).map_err(ManifestError::Malformed)?;
        if manifest.seal != manifest.seal()? {
            return Err(ManifestError::Seal);
        }
        manifest.check()?;
        Ok(manifest)
    }

    /// The same with its seal.
    ///
    /// # Errors
    /// When it contradicts itself, or cannot be written as JSON.
    pub(crate) fn sealed(self) -> Result<Self, ManifestError> {
        self.check()?;
        let seal = self.seal()?;
        Ok(Self { seal, ..self })
    }

    fn seal(&self) -> Result<String, ManifestError> {
        Ok(seal_of(&self.unsealed()?))
    }

    /// The document without its end, which is the seal. Nothing is copied for it: that of many files is large.
    fn unsealed(&self) -> Result<Vec<u8>, ManifestError> {
        let mut document = serde_json::to_vec(self).map_err(ManifestError::Malformed)?;
        document.truncate(document.len().saturating_sub(sealed_end(&self.seal).len()));
        Ok(document)
    }

    /// Checks what the parts of the document say of each other.
    fn check(&self) -> Result<(), ManifestError> {
        let says = |what: &str| Err(ManifestError::Contradiction(what.to_owned()));
        let stored = Totals::of(&self.entries, &self.parts);
        let is_sum = match &self.encryption {
            None => self.totals == stored,
            // The rest is known to who can open it.
            Some(_) => self.entries.is_empty() && self.totals.stored_bytes == stored.stored_bytes,
        };
        if !is_sum {
            return says("its totals are not the sums of what it lists");
        }
        if self.parts.is_empty() {
            return says("it has no parts");
        }
        if let Some(what) = self.entries.iter().find_map(Entry::contradiction) {
            return says(what);
        }
        // A part is a file in the snapshot's own folder, and not the manifest.
        let plain = |file: &str| {
            !file.is_empty() && !file.contains('/') && !file.starts_with('.') && file != MANIFEST
        };
        if !self.parts.iter().all(|part| plain(&part.file)) {
            return says("a part has a name that none can have");
        }
        Ok(())
    }
}
