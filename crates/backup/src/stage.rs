//! The place beside a target where a snapshot is extracted, and how the two change places.

use remote::{
    Command, Executor, Input, Output,
    files::{random_name, remove_all_command, walking_script},
    run,
};

use crate::{error::Error, subject::Subject, turn::Turn};

/// What such places are called, each with the mark of its target and something of its own behind it.
const PREFIX: &str = ".windlass-restore-";

/// Looks at the target `$2` in the directory that the script has gone to; `$3` is what may go for it.
const CHECK: &str = r#"
check() {
  if [ -L "./$1" ]; then exit 103; fi
  [ -e "./$1" ] || return 0
  [ -d "./$1" ] || exit 103
  ! mountpoint -q "./$1" 2>/dev/null || exit 106
  [ "$2" = overwrite ] || [ -z "$(ls -A "./$1")" ] || exit 104
}
"#;

/// Makes the stage `$4` beside the target `$2` in `$1`. Others of this target, whose names begin with `$5`,
/// are of calls that were cut off, and so are all that are a day old: they go, unless they hold what was to be
/// replaced.
const MAKE: &str = r#"
go "$1" 755
check "$2" "$3"
for other in ./.windlass-restore-*; do
  if [ -d "$other" ] && [ ! -L "$other" ] && [ ! -e "$other/old" ]; then
    if [ -n "$5" ] && [ "${other#"./$5"}" != "$other" ]; then rm -r -f -- "$other"; continue; fi
    find "$other" -maxdepth 0 -mtime +0 -exec rm -r -f -- {} +
  fi
done
mkdir -m 700 -- "./$4" && mkdir -m 700 -- "./$4/new"
"#;

/// Puts what was extracted into its place, and what was there into the stage. Where the second step
/// fails, the first one is taken back; where that fails too, the status says so.
const SWAP: &str = r#"
go "$1" ''
check "$2" "$3"
sync
if [ -e "./$2" ]; then mv -T -- "./$2" "./$4/old" || exit 1; fi
mv -T -- "./$4/new" "./$2" && exit 0
[ ! -e "./$4/old" ] || mv -T -- "./$4/old" "./$2" || exit 105
exit 1
"#;

/// The target is no directory.
const OCCUPIED: u32 = 103;
/// There is something in the target.
const NOT_EMPTY: u32 = 104;
/// What was there is in the stage.
const STRANDED: u32 = 105;
/// Something is mounted on the target: such a directory cannot change places. Where nothing tells that, the swap
/// fails instead.
const MOUNTED: u32 = 106;

/// Whether data that are in the target may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// The target is not there, or is an empty directory.
    #[default]
    Never,
    /// What is in it goes, once what comes in its place is complete.
    Yes,
}

/// A place beside a target.
pub(crate) struct Stage<'a> {
    exec: &'a dyn Executor,
    /// The directory that the target is in, and its name there.
    parent: String,
    name: String,
    stage: String,
    /// What the names of others of this target begin with, while nobody else restores to it.
    others: String,
    subject: Subject,
}

impl<'a> Stage<'a> {
    /// Makes one beside `path`, whose `turn` it is, if a snapshot may be restored there.
    pub(crate) async fn make(
        exec: &'a dyn Executor,
        path: &str,
        overwrite: Overwrite,
        (subject, turn): (Subject, &Turn),
    ) -> Result<Self, Error> {
        let (parent, name) = path.trim_end_matches('/').rsplit_once('/').unwrap_or_default();
        let parent = if parent.is_empty() { "/" } else { parent };
        let stage = Self {
            exec,
            parent: parent.to_owned(),
            name: name.to_owned(),
            stage: format!("{PREFIX}{}-{}", turn.mark, random_name()?),
            others: if turn.is_alone() { format!("{PREFIX}{}-", turn.mark) } else { String::new() },
            subject,
        };
        let (command, output) = stage.run(MAKE, overwrite).await?;
        stage.refused(&output).await?;
        remote::checked(exec, &command, &output)?;
        Ok(stage)
    }

    /// Where the snapshot is extracted.
    pub(crate) fn place(&self) -> String {
        format!("{}/new", self.path())
    }

    /// Puts what is there into its place.
    pub(crate) async fn swap(&self, overwrite: Overwrite) -> Result<(), Error> {
        let (_, output) = self.run(SWAP, overwrite).await?;
        self.refused(&output).await?;
        if output.success() {
            return Ok(());
        }
        let mut said = output.stderr_text().trim().to_owned();
        let stranded_at = (output.status == STRANDED).then(|| format!("{}/old", self.path()));
        if let Some(place) = &stranded_at {
            said.push_str(&format!(" (what was there is in {place} now)"));
        }
        Err(Error::Swap { path: self.target(), host: self.exec.name().to_owned(), said, stranded_at })
    }

    /// Removes it with what is in it; where it stays, it says where.
    pub(crate) async fn remove(&self) -> Option<String> {
        let path = self.path();
        match run(self.exec, &remove_all_command(&path).timeout(None).privileged(), Input::Nothing).await {
            Ok(output) if output.success() => None,
            Ok(output) => {
                tracing::warn!(
                    path,
                    said = output.stderr_text(),
                    "could not remove what is left of a restore"
                );
                Some(path)
            }
            Err(error) => {
                tracing::warn!(path, %error, "could not remove what is left of a restore");
                Some(path)
            }
        }
    }

    async fn run(&self, body: &str, overwrite: Overwrite) -> Result<(Command, Output), Error> {
        let script = walking_script(&format!("{CHECK}{body}"));
        let overwrite = if overwrite == Overwrite::Yes { "overwrite" } else { "" };
        let command = Command::new(["sh", "-c", &script, "windlass-restore", &self.parent])
            .args([&self.name, overwrite, &self.stage, &self.others])
            .timeout(None)
            .privileged();
        let output = run(self.exec, &command, Input::Nothing).await?;
        Ok((command, output))
    }

    /// What is in the way, if something is.
    async fn refused(&self, output: &Output) -> Result<(), Error> {
        let (path, host) = (self.target(), self.exec.name().to_owned());
        match output.status {
            OCCUPIED => Err(Error::NotDirectory { path, host, kind: "something else".to_owned() }),
            NOT_EMPTY => Err(Error::NotEmpty { subject: self.subject.clone(), host }),
            MOUNTED => {
                let said = "something is mounted on it".to_owned();
                Err(Error::Swap { path, host, said, stranded_at: None })
            }
            _ => Ok(()),
        }
    }

    fn target(&self) -> String {
        join(&self.parent, &self.name)
    }

    fn path(&self) -> String {
        join(&self.parent, &self.stage)
    }
}

fn join(parent: &str, name: &str) -> String {
    format!("{}/{name}", parent.trim_end_matches('/'))
}
