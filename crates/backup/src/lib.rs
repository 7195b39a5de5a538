//! Snapshots of what a product cannot lose, and how they come back.
//!
//! A snapshot is a folder in a [`Store`], named by its [`SnapshotId`]: an archive and a [`Manifest`]
//! that vouches for every byte of it. [`Taking`] makes one of a directory on a host, [`Restoring`]
//! brings it back, [`verify()`] proves that the store still has it, and a [`Retention`] says which ones
//! may go.

mod acl;
mod adopt;
mod archive;
mod attributes;
mod audit;
mod compress;
mod copy;
mod corpus;
mod crypt;
mod error;
mod exec;
mod fetch;
mod gather;
mod heartbeat;
mod helper;
mod holes;
mod host_tar;
mod manifest;
mod members;
mod moment;
mod name;
mod owner;
mod pack;
mod pipe;
mod place;
mod postgres;
mod prune;
mod quiesce;
mod raw;
mod repeats;
mod replicate;
mod repository;
mod restic;
mod restic_error;
mod restore;
mod retention;
mod stage;
pub mod store;
mod subject;
mod take;
mod transform;
mod turn;
mod verify;
mod vet;
mod volume;
mod wanted;

pub use acl::{Acl, NoAcl};
pub use adopt::{Adopting, Artefact};
pub use archive::ArchiveError;
pub use attributes::{Attribute, Attributes};
pub use audit::{Expected, Finding, Stored, inspect, judge, judge_copy, roughly};
pub use compress::Compress;
pub use corpus::Corpus;
pub use crypt::SnapshotKey;
pub use error::Error;
pub use exec::Exec;
pub use heartbeat::{HeartbeatError, heartbeat};
pub use helper::Docker;
pub use holes::Hole;
pub use host_tar::check_pattern;
pub use manifest::{
    DatabaseFacts, Encryption, Entry, EntryKind, FORMAT_VERSION, Format, Holds, Host, MANIFEST, Manifest,
    ManifestError, Part, Source, Totals,
};
pub use moment::Moment;
pub use name::{Name, NameError, SnapshotId};
pub use owner::{Owner, OwnerError};
pub use place::{Restored, Unset};
pub use postgres::{
    Check, Network, Postgres, Proof, Sections, ServerUri, Tools, USER as POSTGRES_USER, UriError,
};
pub use prune::{Pruned, candidates, expired, prune, remove_all};
pub use quiesce::{Mode, Quiesce};
pub use raw::RawPath;
pub use repeats::{Repeats, judge_repeats, repeats};
pub use replicate::{check_places, missing_copies, rekey, replicate};
pub use repository::{Repository, RepositoryPlace};
pub use restic::{
    Chosen, Progress, ResticCheck, ResticSnapshot, RestoringResticSnapshot, TakenByRestic, TakingWithRestic,
};
pub use restic_error::ResticError;
pub use restore::{Restoring, latest, snapshot};
pub use retention::{Candidate, Retention};
pub use stage::Overwrite;
pub use store::Store;
pub use subject::Subject;
pub use take::Taking;
pub use verify::{check_parts, prove, verify};
pub use vet::{Links, Refusal, Why};
pub use volume::Volume;
pub use wanted::{Container, Database, Server, Stream, Wanted};
