//! Removing known files.

use std::collections::BTreeSet;

use crate::{Command, Input};

use super::{FileError, Files, Kind, facts::Hash, path, walk};

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

/// Has the script `$2` remove what is listed on stdin, below the directory `$1`.
const REMOVE: &str = r#"
go "$1" ''
exec 8<.
exec xargs -0 sh -c "$2" windlass-remove
"#;

/// Removes what its arguments name below the directory that is open as 8: `f`, a path, one that is no
/// directory; `d`, a path, a directory that is empty when its turn comes. Names each as it goes.
const EACH: &str = r#"
at=.
for item; do
  path=${item#?}
  up=.
  case $path in */*) up=${path%/*} ;; esac
  if [ "$up" != "$at" ]; then
    cd -P /proc/self/fd/8 || exit 255
    case $up in .) ;; *) below "$up" ;; esac
    at=$up
  fi
  name=${path##*/}
  case $item in
    f*)
      if [ -d "./$name" ] && [ ! -L "./$name" ]; then continue; fi
      rm -f -- "./$name" || exit 255 ;;
    *)
      if [ "$name" = . ]; then
        cd -P /proc/self/fd/8 || exit 255
        name=${PWD##*/}
        cd -P /proc/self/fd/8/.. || exit 255
        at=
      fi
      if [ -L "./$name" ] || [ "$(ls -A -- "./$name")" ]; then continue; fi
      rmdir -- "./$name" || exit 255 ;;
  esac
  printf '%s\0' "$item"
done
"#;

fn remove_command(dir: &str) -> Command {
    walk::command(REMOVE, "windlass-remove").args([dir, &walk::script(EACH)]).timeout(None)
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
        let files = files.into_iter().map(|path| format!("f{path}"));
        // All files before them: one that could not be removed has been reported by then.
        let directories = deepest_first(&directories).into_iter().map(|path| format!("d{path}"));
        let items: Vec<String> = files.chain(directories).collect();
        let mut removed = Removed { left, ..Removed::default() };
        if items.is_empty() {
            return Ok(removed);
        }
        let list = items.join("\0") + "\0";
        let output = self.run(remove_command(dir), Input::bytes(list)).await?;
        if !output.success() {
            return Err(FileError::from_output("remove files below", dir, self.host(), &output));
        }
        for item in output.stdout_text().split_terminator('\0') {
            match item.split_at_checked(1) {
                Some(("f", path)) => removed.files.push(path.to_owned()),
                Some((_, path)) => removed.directories.push(path.to_owned()),
                None => {}
            }
        }
        Ok(removed)
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
    fn the_command_is_exact() {
        let (remove, each) = (walk::script(REMOVE), walk::script(EACH));
        assert_eq!(remove_command("/w x").words(), ["sh", "-c", &remove, "windlass-remove", "/w x", &each]);
    }

    #[test]
    fn the_deepest_directories_go_first() {
        let directories = ["-x", ".", "a", "a-b", "a/b"].map(String::from).into();
        assert_eq!(deepest_first(&directories), ["a/b", "a-b", "a", "-x", "."]);
    }
}
