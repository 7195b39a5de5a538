//! A snapshot of a repository that comes back.

use std::str::FromStr;

use remote::{Command, Executor, Input, collect::run_checked_with, files::walking_script};
use tokio_util::sync::CancellationToken;

use super::{answers::ResticSnapshot, commands, run::Restic, take::not_files};
use crate::{
    corpus::Corpus,
    error::Error,
    name::Name,
    owner::Owner,
    place::{Placing, Restored},
    quiesce::Quiesce,
    repository::Repository,
    restic_error::ResticError,
    stage::Overwrite,
    turn::Turn,
    volume::{Volume, Way},
};

/// Makes of what restic has extracted at its old path `$2` below `$1/new` what `$1/new` is.
const LIFT: &str = r#"
go "$1" ''
mv -T -- "./new$2" ./lifted
rm -r -f -- ./new
mv -T -- ./lifted ./new
"#;

/// The fewest digits of an id that name a snapshot.
const FEWEST: usize = 8;

/// Which snapshot of a repository is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// The newest one of the name.
    Latest,
    /// This one, whoever took it: its id, or the beginning of it.
    Id(String),
}

impl FromStr for Chosen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_id = (FEWEST..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        match text {
            "latest" => Ok(Self::Latest),
            id if is_id => Ok(Self::Id(id.to_owned())),
            _ => Err("the id of a snapshot of restic has 8 to 64 hexadecimal digits"),
        }
    }
}

/// A snapshot of a repository on its way back.
pub struct RestoringResticSnapshot<'a> {
    /// The host, whose restic brings it.
    pub exec: &'a dyn Executor,
    /// Where it is.
    pub repository: &'a Repository,
    /// Whose it is.
    pub name: &'a Name,
    /// Which one it is.
    pub chosen: &'a Chosen,
    /// What on the host it becomes: a directory or a volume.
    pub corpus: &'a Corpus,
    /// Whether something else may go for it.
    pub overwrite: Overwrite,
    /// Whose all of it becomes; nobody means those whose it was.
    pub owner: Option<Owner>,
    /// The words of a command on the host that changes the data before they take their place.
    pub transform: &'a [String],
    /// What holds still while the data change places.
    pub quiesce: Option<&'a Quiesce>,
    /// Stops it.
    pub cancel: CancellationToken,
}

impl RestoringResticSnapshot<'_> {
    /// Restores it: which one it was, and what became of the target. When that fails, the target is as it was.
    ///
    /// # Errors
    /// Those of the host, and [`Error::Restic`].
    pub async fn restore(&self) -> Result<(ResticSnapshot, Restored), Error> {
        let restic = self.restic();
        restic.open(false).await?;
        let found = self.find(&restic).await?;
        let [path] = &found.paths[..] else {
            let (id, paths) = (found.id.clone(), found.paths.join(", "));
            return Err(ResticError::SeveralPaths { id, paths }.into());
        };
        let turn = Turn::take(self.exec, self.corpus, &self.cancel).await?;
        let restored = self.restore_alone((&found.id, path), &turn).await;
        turn.end().await;
        Ok((found, restored?))
    }

    async fn restore_alone(&self, from: (&str, &str), turn: &Turn) -> Result<Restored, Error> {
        match self.corpus {
            Corpus::Path(target) => self.directory(target, None, from, turn).await,
            Corpus::Volume(volume) => self.volume(volume, from, turn).await,
            Corpus::Postgres(_) | Corpus::Exec(_) => Err(not_files(self.corpus, self.exec.name().to_owned())),
        }
    }

    async fn find(&self, restic: &Restic<'_>) -> Result<ResticSnapshot, Error> {
        let (found, id) = match self.chosen {
            Chosen::Latest => {
                (restic.snapshots(Some(&commands::tag(self.name)), &[]).await?, format!("of {}", self.name))
            }
            // The repository may have snapshots that others took, and one that is named by its id is meant.
            Chosen::Id(id) => {
                let all = restic.snapshots(None, &[]).await?;
                (all.into_iter().filter(|one| one.id.starts_with(id)).collect(), id.clone())
            }
        };
        let repository = self.repository.place.to_string();
        found.into_iter().next().ok_or_else(|| ResticError::NoSnapshot { id, repository }.into())
    }

    async fn volume(&self, volume: &Volume, from: (&str, &str), turn: &Turn) -> Result<Restored, Error> {
        let is_new = volume.make().await?;
        let restoring = async {
            if self.quiesce.is_none() {
                volume.check_unused().await?;
            }
            match volume.way(self.exec).await? {
                Way::Directory(target) => self.directory(&target, Some(volume), from, turn).await,
                Way::Container(helper) => {
                    helper.remove().await;
                    Err(not_files(self.corpus, self.exec.name().to_owned()))
                }
            }
        };
        let restored = restoring.await;
        if restored.is_err()
            && is_new
            && let Err(error) = volume.unmake().await
        {
            tracing::warn!(volume = volume.name, %error, "could not remove what is left of a restore");
        }
        restored
    }

    async fn directory(
        &self,
        target: &str,
        volume: Option<&Volume>,
        (id, path): (&str, &str),
        turn: &Turn,
    ) -> Result<Restored, Error> {
        let placing = Placing {
            exec: self.exec,
            corpus: self.corpus,
            volume,
            overwrite: self.overwrite,
            transform: self.transform,
            quiesce: self.quiesce,
            turn,
            cancel: &self.cancel,
        };
        placing.place(target, |place| async move { self.fill(place, id, path).await.map(|()| None) }).await
    }

    /// Extracts `path` of a snapshot to `place`, which is a directory `new` in another one.
    async fn fill(&self, place: String, id: &str, path: &str) -> Result<(), Error> {
        self.restic().done(commands::restore(id, path, &place), "restore the snapshot").await?;
        let stage = place.trim_end_matches("/new");
        let path = path.trim_end_matches('/');
        if !path.is_empty() {
            self.run(Command::new(["sh", "-c", &walking_script(LIFT), "windlass-lift", stage, path])).await?;
        }
        if let Some(owner) = self.owner {
            self.run(Command::new(["chown", "-R", "-h", "--", &owner.to_string(), &place])).await?;
        }
        Ok(())
    }

    async fn run(&self, command: Command) -> Result<(), Error> {
        let limits = remote::collect::Limits::cancelled_by(&self.cancel);
        run_checked_with(self.exec, &command.timeout(None).privileged(), Input::Nothing, &limits).await?;
        Ok(())
    }

    fn restic(&self) -> Restic<'_> {
        Restic { exec: self.exec, repository: self.repository, cancel: &self.cancel }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_the_newest_or_has_an_id() {
        assert_eq!("latest".parse(), Ok(Chosen::Latest));
        for id in ["0123abcd".to_owned(), "f".repeat(64)] {
            assert_eq!(id.parse(), Ok(Chosen::Id(id.clone())));
        }
        for text in
            ["", "Latest", "0123abc", "0123ABCD", "snapshot-a-20261129T163200Z-1a2b3c4d", &"f".repeat(65)]
        {
            text.parse::<Chosen>().unwrap_err();
        }
    }
}
