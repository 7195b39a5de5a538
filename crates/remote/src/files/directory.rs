//! Single directories.

use std::collections::BTreeMap;

use crate::{Command, Input};

use super::{
    FileError, Files, Kind, WriteOptions,
    archive::Archive,
    english,
    facts::{Facts, Hash},
    path,
    write::{PIPE, ownership, unpack_command},
};

/// Gives the directory `$1`, and no link to one, the owner `$2`, where one is named, and the mode `$3`.
const ADJUST: &str = r#"
export LC_ALL=C
if [ -L "$1" ] || [ ! -d "$1" ]; then
  printf '%s: Not a directory\n' "$1" >&2
  exit 1
fi
[ -z "$2" ] || chown -- "$2" "$1" && chmod -- "$3" "$1"
"#;

/// As [`ADJUST`] says.
fn adjust_command(path: &str, owner: Option<&str>, mode: u32) -> Command {
    // With five digits GNU chmod takes set-id bits away from a directory as well.
    let mode = format!("{mode:05o}");
    Command::new(["sh", "-c", ADJUST, "windlass-adjust", path, owner.unwrap_or_default(), &mode])
}

impl Files<'_> {
    /// Makes the directory at `path`, and those above it, unless it is there; then gives it owner and
    /// mode. Whether it was made. What is in it is not touched.
    ///
    /// # Errors
    /// [`FileError::Occupied`] when something else is at `path`; [`FileError::NotADirectory`],
    /// [`FileError::Denied`] and the others.
    pub async fn make_directory(&self, path: &str, options: &WriteOptions) -> Result<bool, FileError> {
        path::absolute(path)?;
        let ancestors: Vec<&str> = path::ancestors(path).collect();
        let wanted: Vec<&str> = std::iter::once(path).chain(ancestors.iter().copied()).collect();
        let facts = self.facts(&wanted, Hash::No).await?;
        let made = match facts.get(path).map(|facts| facts.kind) {
            Some(Kind::Directory) => false,
            Some(kind) => {
                return Err(FileError::Occupied { path: path.to_owned(), host: self.host(), kind });
            }
            None => {
                self.unpack_directory(path, &ancestors, &facts, options).await?;
                true
            }
        };
        let owner = ownership(options.owner.as_deref(), options.group.as_deref());
        let command = adjust_command(path, owner.as_deref(), options.mode);
        let output = self.run(command, Input::Nothing).await?;
        if output.success() {
            return Ok(made);
        }
        Err(FileError::from_output("set the owner and mode of", path, self.host(), &output))
    }

    async fn unpack_directory(
        &self,
        path: &str,
        ancestors: &[&str],
        facts: &BTreeMap<String, Facts>,
        options: &WriteOptions,
    ) -> Result<(), FileError> {
        let base = self.deepest_directory(ancestors, facts)?;
        let inside = path.strip_prefix(&base).unwrap_or(path).trim_start_matches('/');
        let above: Vec<&str> = path::ancestors(inside).collect();
        let (pipe, input) = tokio::io::duplex(PIPE);
        let make = async {
            let mut archive = Archive::new(pipe);
            for directory in above.iter().rev() {
                archive.directory(directory, options.directory_mode).await?;
            }
            archive.directory(inside, options.mode).await?;
            archive.finish().await
        };
        self.unpack(unpack_command(&base), path, input, make).await
    }

    /// The names of what is in the directory at `path`, sorted.
    ///
    /// # Errors
    /// [`FileError::Denied`] when it cannot be read, and the others.
    pub async fn entries(&self, path: &str) -> Result<Vec<String>, FileError> {
        let command = english(["find", path, "-mindepth", "1", "-maxdepth", "1", "-print0"]);
        let output = self.run(command, Input::Nothing).await?;
        if !output.success() {
            return Err(FileError::from_output("read", path, self.host(), &output));
        }
        let text = output.stdout_text();
        let name = |found: &str| found.rsplit('/').next().unwrap_or_default().to_owned();
        let mut names: Vec<String> = text.split_terminator('\0').map(name).collect();
        names.sort();
        Ok(names)
    }

    /// Removes the directory at `path`, which must be empty.
    ///
    /// # Errors
    /// [`FileError::Failed`] when it is not; [`FileError::Denied`] and the others.
    pub async fn remove_directory(&self, path: &str) -> Result<(), FileError> {
        let output = self.run(english(["rmdir", "--", path]), Input::Nothing).await?;
        if output.success() {
            return Ok(());
        }
        Err(FileError::from_output("remove", path, self.host(), &output))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Local;

    #[tokio::test]
    async fn a_directory_is_made_adjusted_and_removed_while_it_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::new();
        let files = Files::on(&local);
        let path = format!("{}/made here/odd\nname", dir.path().display());
        let options = |mode: u32| WriteOptions { mode, directory_mode: 0o750, ..WriteOptions::default() };
        assert!(files.make_directory(&path, &options(0o2770)).await.unwrap());
        assert!(!files.make_directory(&path, &options(0o700)).await.unwrap());
        let above = format!("{}/made here", dir.path().display());
        let facts = files.stat(&[&path, &above]).await.unwrap();
        assert_eq!((facts[&path].mode, facts[&above].mode), (0o700, 0o750));
        files.write(&format!("{path}/b"), "b", &WriteOptions::default()).await.unwrap();
        files.make_directory(&format!("{path}/a"), &options(0o755)).await.unwrap();
        assert_eq!(files.entries(&path).await.unwrap(), ["a", "b"]);
        assert!(files.remove_directory(&path).await.is_err());
        files.remove_directory(&format!("{path}/a")).await.unwrap();
        files.remove_file(&format!("{path}/b")).await.unwrap();
        files.remove_directory(&path).await.unwrap();
        assert!(files.kinds(&[&path]).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_is_no_directory_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let local = Local::new();
        let files = Files::on(&local);
        let at = |name: &str| format!("{}/{name}", dir.path().display());
        files.write(&at("file"), "x", &WriteOptions::default()).await.unwrap();
        std::os::unix::fs::symlink(dir.path(), at("link")).unwrap();
        for name in ["file", "link"] {
            let error = files.make_directory(&at(name), &WriteOptions::default()).await.unwrap_err();
            assert!(matches!(error, FileError::Occupied { .. }), "{error:?}");
        }
    }
}
