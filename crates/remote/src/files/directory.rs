//! Single directories.

use crate::{Command, Input};

use super::{FileError, Files, Kind, WriteOptions, english, facts::Hash, path, walk, write::ownership};

/// Makes the directory `$2` in the directory `$1` unless it is there, and gives it owner `$3` (where
/// there is one) and mode `$4`. `$5` is the mode of directories above it that are missing. Tells whether
/// it was made.
const MAKE: &str = r#"
go "$1" "$5"
told=there
if [ ! -e "./$2" ] && [ ! -L "./$2" ]; then
  mkdir -- "./$2" || exit
  told=made
fi
below "$2"
[ ! "$3" ] || chown -- "$3" . || exit
chmod -- "$4" . && echo "$told"
"#;

fn make_command(path: &str, owner: Option<&str>, options: &WriteOptions) -> Command {
    // With five digits GNU chmod takes set-id bits away from a directory as well.
    let (mode, directory_mode) = (format!("{:05o}", options.mode), format!("{:04o}", options.directory_mode));
    walk::command(MAKE, "windlass-directory")
        .args([path::parent(path), walk::name(path), owner.unwrap_or_default()])
        .args([mode, directory_mode])
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
        if let Some(kind) = facts.get(path).map(|facts| facts.kind).filter(|kind| *kind != Kind::Directory) {
            return Err(FileError::Occupied { path: path.to_owned(), host: self.host(), kind });
        }
        self.deepest_directory(&ancestors, &facts)?;
        let owner = ownership(options.owner.as_deref(), options.group.as_deref());
        let output = self.run(make_command(path, owner.as_deref(), options), Input::Nothing).await?;
        if output.success() {
            return Ok(output.stdout_text().trim() == "made");
        }
        Err(FileError::from_output("make or adjust", path, self.host(), &output))
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
        let name = format!("./{}", walk::name(path));
        let command = walk::in_directory(path::parent(path), ["rmdir", "--", &name]);
        let output = self.run(command, Input::Nothing).await?;
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
