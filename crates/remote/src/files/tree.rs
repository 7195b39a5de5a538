//! Uploading many files at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Command, collect::last_lines};

use super::{
    Entry, EntryContent, Facts, FileError, Files, Kind, PUT,
    archive::{Archive, Failure},
    facts::Hash,
    moving, path,
    place::PLACE,
    unique_name, walk,
    write::{PIPE, ownership},
};

/// What uploaded files shall be like beside their own modes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeOptions {
    /// The permission bits of directories that have to be made and have no entry of their own.
    pub directory_mode: u32,
    /// The owner of everything that is uploaded; the one who uploads if absent.
    pub owner: Option<String>,
    /// The group of everything that is uploaded.
    pub group: Option<String>,
}

impl Default for TreeOptions {
    fn default() -> Self {
        Self { directory_mode: 0o755, owner: None, group: None }
    }
}

/// Unpacks a tree from stdin into the directory `$2` in `$1`, gives everything in it the owner `$3` (where
/// there is one), and has the script `$4` move its parts, which are listed beside it, into their places.
const UPLOAD: &str = r#"
go "$1" ''
exec 8<.
stage "$2"
trap 'rm -r -f -- ./tree ./moves; cd -P .. && rmdir -- "./$stage"' EXIT
tar -x -m -o -p -f - || exit
[ ! "$3" ] || chown -R -h -- "$3" ./tree || exit
exec 9<./tree
xargs -0 sh -c "$4" windlass-move "$2" <moves
"#;

/// Moves the parts that are its arguments, but the first, which is the name of what is staged.
const MOVE: &str = r#"
stage=$1
shift
place "$stage" '' "$@"
"#;

fn move_script() -> String {
    walk::script(&format!("{PUT}{PLACE}{MOVE}"))
}

fn upload_command(base: &str, staging: &str, owner: Option<&str>) -> Command {
    walk::command(UPLOAD, "windlass-upload")
        .args([base, staging, owner.unwrap_or_default(), &move_script()])
        .timeout(None)
}

/// Where things go.
struct Plan<'a> {
    /// The deepest directory that is there: the tree's own, or one above it.
    base: String,
    /// The tree's directory relative to `base`, with a slash at its end, or empty.
    prefix: String,
    /// The entries, parents before what is in them.
    entries: Vec<&'a Entry>,
    /// Every directory of the archive without an entry of its own, relative to `base`.
    directories: BTreeSet<String>,
    /// What is moved, relative to `base`: whole directories that are not there yet, and files.
    moves: Vec<String>,
}

impl Files<'_> {
    /// Puts `entries` below `dir`: one stream into a staging directory on the same file system,
    /// then a rename for each file, or for each directory that is not there yet.
    ///
    /// A transfer that fails changes nothing. Each file is replaced as a whole; when a rename
    /// fails in the middle, [`FileError::Partial`] says what is in place. Modes of directories
    /// that are there already stay as they are, and so does everything that is not in `entries`.
    ///
    /// # Errors
    /// [`FileError::Occupied`] when a directory or special file is where a file goes, a symbolic
    /// link where a file or directory goes, or a file where a directory goes (remove it first
    /// with [`Files::remove`] if it may go); [`FileError::Conflict`] when entries exclude one
    /// another; [`FileError::NoSpace`], [`FileError::Denied`] and the others.
    pub async fn upload_tree(
        &self,
        dir: &str,
        entries: &[Entry],
        options: &TreeOptions,
    ) -> Result<(), FileError> {
        path::absolute(dir)?;
        let entries = ordered(entries)?;
        let mut plan = self.plan_tree(dir, &entries).await?;
        loop {
            let Err(error) = self.carry_out(dir, &plan, options).await else { return Ok(()) };
            // A directory that was to be moved there as a whole may be there meanwhile: two trees
            // beside each other, uploaded at the same time, both bring the one above them.
            match self.plan_tree(dir, &entries).await {
                Ok(again) if again.base != plan.base => plan = again,
                _ => return Err(error),
            }
        }
    }

    /// Looks at what is there and decides what goes where.
    async fn plan_tree<'a>(&self, dir: &str, entries: &[&'a Entry]) -> Result<Plan<'a>, FileError> {
        let facts = self.facts(&paths_of(dir, entries), Hash::No).await?;
        self.nothing_in_the_way(dir, entries, &facts)?;
        let ancestors: Vec<&str> = std::iter::once(dir).chain(path::ancestors(dir)).collect();
        let base = self.deepest_directory(&ancestors, &facts)?;
        Ok(plan(dir, base, entries.to_vec(), &facts))
    }

    /// Stages what the plan names and moves it into place; what is left of a failure is removed.
    async fn carry_out(&self, dir: &str, plan: &Plan<'_>, options: &TreeOptions) -> Result<(), FileError> {
        if plan.moves.is_empty() {
            return Ok(());
        }
        let staging = unique_name(".staging")?;
        let placed = self.place(dir, plan, &staging, options).await;
        if placed.is_err() {
            self.unstage(&plan.base, &staging).await;
        }
        placed
    }

    /// Refuses to replace anything but a file by a file, or a file or link by a link.
    fn nothing_in_the_way(
        &self,
        dir: &str,
        entries: &[&Entry],
        facts: &BTreeMap<String, Facts>,
    ) -> Result<(), FileError> {
        let occupied =
            |path: &str, kind| Err(FileError::Occupied { path: path.to_owned(), host: self.host(), kind });
        let directories = entries.iter().flat_map(|entry| path::ancestors(&entry.path));
        let directories = directories.map(|directory| path::join(dir, directory));
        for directory in std::iter::once(dir.to_owned()).chain(directories) {
            match facts.get(&directory).map(|facts| facts.kind) {
                None | Some(Kind::Directory) => {}
                Some(kind) => return occupied(&directory, kind),
            }
        }
        for entry in entries {
            let target = path::join(dir, &entry.path);
            let Some(kind) = facts.get(&target).map(|facts| facts.kind) else { continue };
            let fits = match entry.content {
                EntryContent::Directory => kind == Kind::Directory,
                EntryContent::Symlink(_) => matches!(kind, Kind::File | Kind::Symlink),
                EntryContent::Bytes(_) | EntryContent::File(_) => kind == Kind::File,
            };
            if !fits {
                return occupied(&target, kind);
            }
        }
        Ok(())
    }

    /// Sends everything and has it moved into place.
    async fn place(
        &self,
        dir: &str,
        plan: &Plan<'_>,
        staging: &str,
        options: &TreeOptions,
    ) -> Result<(), FileError> {
        let length = plan.entries.iter().map(|entry| entry.content.length()).sum();
        let owner = ownership(options.owner.as_deref(), options.group.as_deref());
        let command = moving(upload_command(&plan.base, staging, owner.as_deref()), length);
        let (pipe, input) = tokio::io::duplex(PIPE);
        let make = write_archive(plan, options.directory_mode, pipe);
        let output = self.unpacked(command, dir, input, make).await?;
        let stdout = output.stdout_text();
        let moved: Vec<String> = stdout.split_terminator('\0').map(str::to_owned).collect();
        if output.success() && moved.len() == plan.moves.len() {
            return Ok(());
        }
        Err(match moved.is_empty() {
            true => FileError::from_output("write the files of", dir, self.host(), &output),
            false => FileError::Partial {
                path: dir.to_owned(),
                host: self.host(),
                moved,
                of: plan.moves.len(),
                stderr: last_lines(&output.stderr_text(), 3),
            },
        })
    }
}

/// The entries sorted by path (so that a directory comes before what is in it), each once, none
/// of them below one that is no directory.
fn ordered(entries: &[Entry]) -> Result<Vec<&Entry>, FileError> {
    let mut by_path = BTreeMap::new();
    for entry in entries {
        path::relative(&entry.path)?;
        if by_path.insert(entry.path.as_str(), entry).is_some() {
            return Err(FileError::Conflict { path: entry.path.clone() });
        }
    }
    for path in by_path.keys() {
        let above = path::ancestors(path).filter_map(|above| by_path.get(above));
        if let Some(entry) = above.into_iter().find(|entry| !matches!(entry.content, EntryContent::Directory))
        {
            return Err(FileError::Conflict { path: entry.path.clone() });
        }
    }
    Ok(by_path.into_values().collect())
}

/// Every path whose facts matter: the entries, the directories they are in, and all above.
fn paths_of(dir: &str, entries: &[&Entry]) -> Vec<String> {
    let mut paths: BTreeSet<String> = path::ancestors(dir).map(str::to_owned).collect();
    paths.insert(dir.to_owned());
    for entry in entries {
        paths.insert(path::join(dir, &entry.path));
        paths.extend(path::ancestors(&entry.path).map(|above| path::join(dir, above)));
    }
    paths.into_iter().collect()
}

fn plan<'a>(dir: &str, base: String, entries: Vec<&'a Entry>, facts: &BTreeMap<String, Facts>) -> Plan<'a> {
    let below = dir.strip_prefix(&base).unwrap_or(dir).trim_start_matches('/');
    let prefix = if below.is_empty() { String::new() } else { format!("{below}/") };
    let is_there = |path: &str| facts.contains_key(&path::join(&base, path));
    let mut directories: BTreeSet<String> = path::ancestors(&prefix).map(str::to_owned).collect();
    let mut moves = BTreeSet::new();
    for entry in &entries {
        let inside = format!("{prefix}{}", entry.path);
        directories.extend(path::ancestors(&inside).map(str::to_owned));
        // The highest directory that is not there takes everything below it along.
        let missing = path::ancestors(&inside).filter(|above| !is_there(above)).last();
        match missing {
            Some(directory) => moves.insert(directory.to_owned()),
            None if matches!(entry.content, EntryContent::Directory) && is_there(&inside) => false,
            None => moves.insert(inside),
        };
    }
    for entry in &entries {
        directories.remove(&format!("{prefix}{}", entry.path));
    }
    Plan { base, prefix, entries, directories, moves: moves.into_iter().collect() }
}

async fn write_archive(
    plan: &Plan<'_>,
    directory_mode: u32,
    pipe: impl tokio::io::AsyncWrite + Unpin,
) -> Result<(), Failure> {
    let mut archive = Archive::new(pipe);
    archive.directory(STAGED, 0o700).await?;
    for directory in &plan.directories {
        archive.directory(&path::join(STAGED, directory), directory_mode).await?;
    }
    for entry in &plan.entries {
        let inside = format!("{STAGED}/{}{}", plan.prefix, entry.path);
        archive.entry(&inside, entry).await?;
    }
    let mut list = plan.moves.join("\0").into_bytes();
    list.push(0);
    archive.file("moves", 0o600, list.into(), |_| {}).await?;
    archive.finish().await
}

/// What the tree is called within the staging directory.
const STAGED: &str = "tree";

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Entry {
        Entry { path: path.into(), mode: 0o644, content: EntryContent::Bytes("x".into()) }
    }

    fn directory() -> Facts {
        let root = || "root".to_owned();
        let (kind, mode) = (Kind::Directory, 0o755);
        Facts { kind, mode, owner: root(), group: root(), uid: 0, gid: 0, size: 0, sha256: None, link: None }
    }

    fn moves(dir: &str, base: &str, entries: &[Entry], there: &[&str]) -> Vec<String> {
        let facts = there.iter().map(|path| ((*path).to_owned(), directory())).collect();
        plan(dir, base.to_owned(), entries.iter().collect(), &facts).moves
    }

    #[test]
    fn a_new_tree_is_one_move() {
        let entries = [file("a"), file("b/c")];
        assert_eq!(moves("/srv/x/web", "/srv", &entries, &["/srv"]), ["x"]);
    }

    #[test]
    fn in_a_tree_that_is_there_files_and_new_directories_move() {
        let entries = [file("a"), file("b/c"), file("n/d/e"), file("n/f")];
        assert_eq!(moves("/web", "/web", &entries, &["/web", "/web/b"]), ["a", "b/c", "n"]);
    }

    #[test]
    fn the_command_is_exact() {
        let command = upload_command("/w x", ".s", Some("app"));
        let (upload, move_all) = (walk::script(UPLOAD), move_script());
        assert_eq!(command.words(), ["sh", "-c", &upload, "windlass-upload", "/w x", ".s", "app", &move_all]);
    }

    #[test]
    fn entries_that_exclude_one_another_are_refused() {
        for entries in [[file("a"), file("a")], [file("a"), file("a/b")], [file("a/b/c"), file("a/b")]] {
            assert!(matches!(ordered(&entries), Err(FileError::Conflict { .. })), "{entries:?}");
        }
        assert!(ordered(&[file("a/b"), file("a-b"), file("ab")]).is_ok());
        assert!(matches!(ordered(&[file("../a")]), Err(FileError::Path { .. })));
    }
}
