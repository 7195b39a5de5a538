//! Putting what was restored into the place of a directory, which may be that of a volume.

use std::fmt;

use remote::Executor;
use tokio_util::sync::CancellationToken;

use crate::{
    corpus::Corpus,
    error::Error,
    owner::Owner,
    quiesce::{Quiesce, quiesced},
    stage::{Overwrite, Stage},
    transform::{Place, transform},
    turn::Turn,
    volume::Volume,
};

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Where the data are that were there before, if they are still on the host.
    pub replaced_left_at: Option<String>,
    /// Whose all of it is now, although it was not: the login is not root, who alone gives files to others.
    pub all_owned_by: Option<Owner>,
    /// Which extended attributes and access control lists are lost.
    pub unset: Option<Unset>,
}

/// Extended attributes and access control lists that were not set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unset {
    /// All of so many files and directories.
    All {
        /// How many had some.
        count: u64,
        /// What does not set them.
        by: String,
    },
    /// Some.
    Some {
        /// What tar said.
        said: String,
    },
}

/// A sentence.
impl fmt::Display for Unset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All { count: 1, by } => {
                write!(f, "One file or directory had extended attributes or ACLs, which {by} does not set.")
            }
            Self::All { count, by } => {
                write!(
                    f,
                    "{count} files and directories had extended attributes or ACLs, which {by} does not set."
                )
            }
            Self::Some { said } => {
                write!(f, "There are extended attributes or ACLs that tar could not set. It said: {said}")
            }
        }
    }
}

/// How a directory takes the place of another one.
pub(crate) struct Placing<'a> {
    pub(crate) exec: &'a dyn Executor,
    pub(crate) corpus: &'a Corpus,
    /// The volume that the directory is of, which nothing may use then.
    pub(crate) volume: Option<&'a Volume>,
    pub(crate) overwrite: Overwrite,
    /// The words of a command that changes the data before.
    pub(crate) transform: &'a [String],
    /// What holds still meanwhile.
    pub(crate) quiesce: Option<&'a Quiesce>,
    /// That nobody else restores to the same place.
    pub(crate) turn: &'a Turn,
    pub(crate) cancel: &'a CancellationToken,
}

impl Placing<'_> {
    /// Has `fill` fill a directory beside `path`, which says what it could not set, and puts that into its place.
    pub(crate) async fn place<F>(&self, path: &str, fill: impl FnOnce(String) -> F) -> Result<Restored, Error>
    where
        F: Future<Output = Result<Option<Unset>, Error>>,
    {
        let stage = Stage::make(self.exec, path, self.overwrite, (self.corpus.subject(), self.turn)).await?;
        let place = stage.place();
        let filling = fill(place.clone());
        let swapping = async {
            let unset = filling.await?;
            transform(self.exec, self.transform, Place::Directory(&place), self.cancel).await?;
            let swapping = async {
                // One may have been started meanwhile.
                if let Some(volume) = self.volume {
                    volume.check_unused().await?;
                }
                stage.swap(self.overwrite).await
            };
            quiesced(self.quiesce, self.corpus, self.cancel, swapping).await?;
            Ok(unset)
        };
        let swapped = swapping.await;
        let left = match &swapped {
            // It holds the only copy of what was there.
            Err(Error::Swap { stranded_at: Some(_), .. }) => None,
            _ => stage.remove().await,
        };
        Ok(Restored { unset: swapped?, replaced_left_at: left, all_owned_by: None })
    }
}
