//! Snapshots in a repository of restic, by the restic of the host that the corpus is on.
//!
//! A repository holds what has changed since the last snapshot and nothing else, so that a large corpus of which little
//! changes costs little. What is in it is restic's: encrypted, hashed, and readable by every restic that has the
//! password, without Windlass. So a repository that is there already is used as it is, whoever made it; what is ours
//! there has a tag with the corpus' name, and nothing else is ever let go.
//!
//! restic runs on the host, as root where the connection has that, and goes from there to the repository by itself.
//! Its password reaches it in a file, that of nobody else, for as long as it runs (`restic/run.sh`).

mod answers;
mod commands;
mod locks;
mod restore;
mod run;
mod take;
#[cfg(test)]
mod tests;

pub use answers::{Progress, ResticSnapshot};
pub use restore::{Chosen, RestoringResticSnapshot};
pub use take::{Check as ResticCheck, TakenByRestic, TakingWithRestic};
