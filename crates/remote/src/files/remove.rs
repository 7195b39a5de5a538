//! Removing known files.

use std::collections::BTreeSet;

use crate::{Command, Input};

use super::{FileError, Files, Kind, facts::Hash, in_groups, path};

/// The directory itself among paths that are relative to it.
const HERE: &str = ".";

/// What has been removed and what has not, relative to the directory that was given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// The files and links that are gone now.
    pub files: Vec<String>,
    /// The directories that had become empty and are gone now; `.` is the one that was given.
    pub directories: Vec<String>,
    /// The paths that were left alone because they are directories, or are reached only through
    /// something that is no directory (such as a symbolic link).
    pub left: Vec<String>,
}

/// Removes those of the paths that follow that are files, or directories that are empty when their turn
/// comes, naming each as it goes. None of them is followed when it is a symbolic link.
const SCRIPT: &str = r#"
export LC_ALL=C
is_empty() {
  set -- "$1"/* "$1"/.[!.]* "$1"/..?*
  for inside; do
    if [ -e "$inside" ] || [ -L "$inside" ]; then return 1; fi
  done
}
status=0
for path; do
  if [ ! -L "$path" ] && [ -d "$path" ]; then
    is_empty "$path" || continue
    rmdir -- "$path" || { status=1 && continue; }
  elif [ -e "$path" ] || [ -L "$path" ]; then
    rm -f -- "$path" || { status=1 && continue; }
  else
    continue
  fi
  printf '%s\0' "$path"
done
exit "$status"
"#;

/// As [`SCRIPT`] says.
fn remove_command(paths: &[String]) -> Command {
    Command::new(["sh", "-c", SCRIPT, "windlass-remove"]).args(paths.iter().cloned())
}

/// What is there of what may go.
#[derive(Default)]
struct Removable {
    files: BTreeSet<String>,
    directories: BTreeSet<String>,
    left: Vec<String>,
}

impl Files<'_> {
    /// Removes `paths` (files and links, relative to `dir`), then the directories they were in,
    /// up to `dir` itself, that are empty now. What is absent already is no error; nothing
    /// else is touched, and no link on the way is followed.
    ///
    /// # Errors
    /// [`FileError::Denied`] and the others; what is removed until then stays removed.
    pub async fn remove<S: AsRef<str> + Sync>(&self, dir: &str, paths: &[S]) -> Result<Removed, FileError> {
        path::absolute(dir)?;
        for path in paths {
            path::relative(path.as_ref())?;
        }
        let Removable { files, directories, left } = self.removable(dir, paths).await?;
        Ok(Removed {
            files: self.remove_all(dir, files.into_iter().collect()).await?,
            // A command of its own: a file that could not be removed has been reported by now.
            directories: self.remove_all(dir, deepest_first(&directories)).await?,
            left,
        })
    }

    /// Looks at what is there. A link where a directory should be is not looked through.
    async fn removable<S: AsRef<str> + Sync>(&self, dir: &str, paths: &[S]) -> Result<Removable, FileError> {
        let paths: Vec<&str> = paths.iter().map(AsRef::as_ref).collect();
        let parts: BTreeSet<&str> =
            paths.iter().flat_map(|path| path::ancestors(path).chain([*path])).collect();
        let wanted: Vec<String> =
            parts.iter().map(|part| path::join(dir, part)).chain([dir.to_owned()]).collect();
        let facts = self.facts(&wanted, Hash::No).await?;
        let kind = |path: &str| facts.get(&path::join(dir, path)).map(|facts| facts.kind);
        let is_directory = |path: &str| kind(path) == Some(Kind::Directory);
        let dir_is_one = facts.get(dir).is_some_and(|facts| facts.kind == Kind::Directory);
        let reached = |path: &str| dir_is_one && path::ancestors(path).all(is_directory);

        let mut removable = Removable::default();
        for path in &paths {
            match kind(path) {
                None => {}
                Some(kind) if kind != Kind::Directory && reached(path) => {
                    removable.files.insert((*path).to_owned());
                }
                Some(_) => removable.left.push((*path).to_owned()),
            }
        }
        let above: BTreeSet<&str> = paths.iter().flat_map(|path| path::ancestors(path)).collect();
        let above = above.into_iter().filter(|path| is_directory(path) && reached(path));
        removable.directories = above.map(str::to_owned).collect();
        if dir_is_one && !paths.is_empty() {
            removable.directories.insert(HERE.to_owned());
        }
        Ok(removable)
    }

    /// Removes `paths` as far as they are files or empty directories and returns which those were.
    async fn remove_all(&self, dir: &str, paths: Vec<String>) -> Result<Vec<String>, FileError> {
        let at = |path: &String| if path == HERE { dir.to_owned() } else { path::join(dir, path) };
        let targets: Vec<String> = paths.iter().map(at).collect();
        let mut gone = BTreeSet::new();
        for group in in_groups(&targets) {
            let output = self.run(remove_command(group), Input::Nothing).await?;
            if !output.success() {
                return Err(FileError::from_output("remove files below", dir, self.host(), &output));
            }
            gone.extend(output.stdout_text().split_terminator('\0').map(str::to_owned));
        }
        let removed = paths.into_iter().zip(&targets).filter(|(_, target)| gone.contains(*target));
        Ok(removed.map(|(path, _)| path).collect())
    }
}

/// Every directory before the one it is in, [`HERE`] as the last.
fn deepest_first(directories: &BTreeSet<String>) -> Vec<String> {
    // What is in a directory sorts after it, and HERE before nearly everything.
    let (here, below): (Vec<_>, Vec<_>) = directories.iter().rev().cloned().partition(|path| path == HERE);
    below.into_iter().chain(here).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_directories_go_first() {
        let directories = ["-x", ".", "a", "a-b", "a/b"].map(String::from).into();
        assert_eq!(deepest_first(&directories), ["a/b", "a-b", "a", "-x", "."]);
    }
}
