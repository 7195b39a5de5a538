//! The home directory, and private temporary ones.

use crate::{Command, Input, Output};

use super::{CLEAN_UP_TIMEOUT, Entry, FileError, Files, archive, english, moving, path, random_name};

/// Says where the user is at home.
const HOME: &str = r#"printf '%s\n' "$HOME""#;

/// Makes a private directory named `$2` and something of its own in `$1`, without links on the way
/// there; in the place for temporary files where `$1` is empty or cannot be written to. Those that were
/// made a day ago are of calls that were cut off, and go.
const MAKE: &str = r#"
umask 077
[ "$1" ] && cd -P -- "$1" 2>/dev/null && [ -w . ] || cd -P -- "${TMPDIR:-/tmp}" || exit 1
find . -maxdepth 1 -type d -user "$(id -u)" -name "$2-??????????" -mtime +0 -exec rm -rf -- {} + 2>/dev/null
exec mktemp -d "${PWD%/}/$2-XXXXXXXXXX"
"#;

/// Makes the private directory `$2` in `$1`, unpacks stdin in it, and runs the words that follow. Nothing
/// is made where `$1` is reached by a link, or is not the user's to write in.
const FILL: &str = r#"
umask 077
cd -P -- "$1" 2>/dev/null && [ "$PWD" = "$1" ] && [ -w . ] && mkdir -- "$2" && cd -- "$2" || exit 114
tar -x -f - -p -m -o || exit 114
shift 2
exec "$@"
"#;

/// From how many bytes on unpacking has no time limit.
const LARGE: usize = 1 << 20;

/// How [`FILL`] ends when it has not come to the words that follow.
const NOT_FILLED: u32 = 114;

/// Runs the words that follow the directory, and removes that, and those beside it that were made a day
/// ago, of calls that were cut off.
const LAST: &str = r#"
used=$1
shift
"$@"
status=$?
rm -r -f -- "$used"
name=${used##*/}
find "${used%/*}/" -maxdepth 1 -type d -name "${name%-*}-??????????" -mtime +0 -exec rm -r -f -- {} + 2>/dev/null
exit "$status"
"#;

/// A directory on the host that only its owner can look into.
///
/// It is removed by [`TempDir::remove`], which every path through its user must reach: a value
/// that is dropped can run no command.
#[derive(Debug)]
#[must_use = "the directory stays on the host until it is removed"]
pub struct TempDir<'a> {
    files: Files<'a>,
    path: String,
}

/// Removes the directory that follows with all that is in it, but nothing that is mounted there.
const REMOVE: &str = r#"
export LC_ALL=C
find "$1" -xdev ! -type d -exec rm -f -- {} + && find "$1" -depth -xdev -type d -exec rmdir -- {} +
[ ! -d "$1" ]
"#;

/// Removes `directory` with all that is in it, but nothing that is mounted there.
pub fn remove_all_command(directory: &str) -> Command {
    Command::new(["sh", "-c", REMOVE, "windlass-remove", directory])
}

impl TempDir<'_> {
    /// Its absolute path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Makes it, puts `entries` below `dir` in it and runs `command`: all that by one command. `None`
    /// where it cannot be made at its path; what is there of it then [can be removed](Self::remove).
    ///
    /// # Errors
    /// When the host cannot be asked, or an entry not be read.
    pub async fn fill(
        &self,
        dir: &str,
        entries: &[Entry],
        command: &Command,
    ) -> Result<Option<Output>, FileError> {
        let inside = dir.strip_prefix(&self.path).unwrap_or_default().trim_start_matches('/');
        let place = |path: &str| if inside.is_empty() { path.to_owned() } else { path::join(inside, path) };
        let entries = entries.iter().map(|entry| Entry { path: place(&entry.path), ..entry.clone() });
        let bytes = archive(&entries.collect::<Vec<_>>()).await?;
        let (parent, name) = self.path.rsplit_once('/').unwrap_or_default();
        let fill = Command::new(["sh", "-c", FILL, "windlass-fill", parent, name]).args(command.words());
        // What takes its time on the way has more than the command alone.
        let limit = command.time_limit().filter(|_| bytes.len() < LARGE);
        let fill = moving(fill.timeout(limit), bytes.len() as u64);
        let output = self.files.run(fill, Input::bytes(bytes)).await?;
        Ok(Some(output).filter(|output| output.status != NOT_FILLED))
    }

    /// `command` as the last one that needs the directory: it is gone after that, however that ends.
    pub fn last(&self, command: &Command) -> Command {
        Command::new(["sh", "-c", LAST, "windlass-last", &self.path])
            .args(command.words())
            .timeout(command.time_limit())
    }

    /// Removes it with all that is in it, also when its user was cancelled.
    ///
    /// # Errors
    /// When the host does not do it; the directory is still there then.
    pub async fn remove(self) -> Result<(), FileError> {
        let command = remove_all_command(&self.path).timeout(Some(CLEAN_UP_TIMEOUT));
        let files = Files { cancel: None, ..self.files };
        let output = files.run(command, Input::Nothing).await?;
        if output.success() {
            return Ok(());
        }
        Err(FileError::from_output("remove", &self.path, files.host(), &output))
    }
}

impl<'a> Files<'a> {
    /// The home directory of the user who is logged in.
    ///
    /// # Errors
    /// When the login has none.
    pub async fn home(&self) -> Result<String, FileError> {
        // Not privileged even where the others are: sudo would say where root is at home.
        let unprivileged = Files { privileged: false, ..self.clone() };
        let output = unprivileged.run(Command::new(["sh", "-c", HOME]), Input::Nothing).await?;
        let text = output.stdout_text();
        let home = text.strip_suffix('\n').unwrap_or(&text);
        if output.success() && home.starts_with('/') {
            return Ok(home.to_owned());
        }
        Err(FileError::from_output("find the home directory", "$HOME", self.host(), &output))
    }

    /// A directory in `parent`, called `name` and something of its own, that is yet to be made, by
    /// [`TempDir::fill`].
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn unmade_dir_in(&self, parent: &str, name: &str) -> Result<TempDir<'a>, FileError> {
        let own = random_name()?;
        // As long as those that `mktemp` makes: what is left of calls that were cut off goes with theirs.
        Ok(TempDir { files: self.clone(), path: format!("{parent}/{name}-{}", &own[..10]) })
    }

    /// Makes a directory with mode 0700 in the host's place for temporary files.
    ///
    /// # Errors
    /// [`FileError::NoSpace`], [`FileError::Denied`] and the others.
    pub async fn temp_dir(&self) -> Result<TempDir<'a>, FileError> {
        self.temp_dir_in("", "windlass").await
    }

    /// Makes a directory with mode 0700 in `parent`, called `name` and something of its own. What is
    /// in it is nobody else's business also where `parent` is gone or is not the user's: then it is
    /// made in the host's place for temporary files.
    ///
    /// # Errors
    /// As [`Files::temp_dir`].
    pub async fn temp_dir_in(&self, parent: &str, name: &str) -> Result<TempDir<'a>, FileError> {
        let command = english(["sh", "-c", MAKE, "windlass-temporary", parent, name]);
        let output = self.run(command, Input::Nothing).await?;
        let text = output.stdout_text();
        let path = text.strip_suffix('\n').unwrap_or(&text);
        if output.success() && path.starts_with('/') {
            return Ok(TempDir { files: self.clone(), path: path.to_owned() });
        }
        let parent = if parent.is_empty() { "/tmp" } else { parent };
        Err(FileError::from_output("make a directory in", parent, self.host(), &output))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Executor as _, conformance::Tools, files::EntryContent, run};

    #[tokio::test]
    async fn one_command_fills_a_directory_and_another_ends_it() {
        for tools in Tools::all() {
            let home = tempfile::tempdir().unwrap();
            let home = home.path().canonicalize().unwrap();
            let parent = home.to_str().unwrap();
            let files = Files::on(&tools);
            let directory = files.unmade_dir_in(parent, "plan").unwrap();
            let dir = format!("{}/_/srv/web", directory.path());
            let entry = |path: &str| Entry {
                path: path.to_owned(),
                mode: 0o600,
                content: EntryContent::Bytes(path.to_owned().into_bytes().into()),
            };
            let show = Command::new(["cat", &format!("{dir}/a"), &format!("{dir}/b/c")]);
            let entries = [entry("a"), entry("b/c")];
            let told = directory.fill(&dir, &entries, &show).await.unwrap().unwrap();
            assert_eq!(told.stdout_text(), "ab/c", "{tools:?} {}", told.stderr_text());
            // It is there by now.
            assert_eq!(directory.fill(&dir, &entries, &show).await.unwrap(), None);
            let last = directory.last(&Command::new(["sh", "-c", "cat \"$1/a\"; exit 3", "x", &dir]));
            let ended = run(&tools, &last, Input::Nothing).await.unwrap();
            assert_eq!((ended.stdout_text().as_str(), ended.status), ("a", 3), "{tools:?}");
            assert!(!std::path::Path::new(directory.path()).exists());
            directory.remove().await.unwrap();

            std::os::unix::fs::symlink(&home, home.join("link")).unwrap();
            let linked = files.unmade_dir_in(&format!("{parent}/link"), "plan").unwrap();
            assert_eq!(linked.fill(linked.path(), &entries, &show).await.unwrap(), None, "{}", tools.name());
            linked.remove().await.unwrap();
        }
    }
}
