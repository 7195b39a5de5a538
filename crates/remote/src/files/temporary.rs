//! The home directory, and private temporary ones.

use crate::{Command, Input};

use super::{CLEAN_UP_TIMEOUT, FileError, Files, english};

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
