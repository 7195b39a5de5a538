//! Keeping a release on the host, and bringing files from one place to another there.

use std::collections::BTreeMap;

use compose::layout::{GENERATIONS, GOOD, OURS};
use remote::{
    Command, Input,
    collect::{Limits, run_with},
    files::{Entry, EntryContent, FileError, TreeOptions, random_name},
};
use tokio_util::sync::CancellationToken;
use tree::{FileDigest, Manifest, null_separated};

use crate::{
    error::Error,
    host::Host,
    host_state::HostState,
    release::{FILE, Release},
};

/// Copies the files whose paths come by stdin (each begins with `./` and ends with NUL) from below
/// the directory `$1` to the same places below `$2`, by way of the directory `$3`, so that each of
/// them changes as a whole. Large ones are linked where that can be done. Modes, owners and times
/// are kept, symbolic links stay links.
const COPY: &str = r#"
set -e
umask 022
export LC_ALL=C
trap 'rm -rf -- "$3"' EXIT
rm -rf -- "$3"
mkdir -m 700 -- "$3"
mkdir -- "$3/tree"
cat > "$3/list"
cd -- "$1"
pick() { xargs -0 -r -a "$list" sh -c 'find -P "$@" -maxdepth 0 ! -type d '"$1"' -print0' find; }
list=$3/list
pick '-type f -size +512' > "$list.large"
pick '\( ! -type f -o ! -size +512 \)' > "$list.small"
xargs -0 -r -a "$list.small" cp -a --parents -t "$3/tree" --
xargs -0 -r -a "$list.large" cp -a -l --parents -t "$3/tree" -- 2> /dev/null ||
  xargs -0 -r -a "$list.large" cp -a --remove-destination --parents -t "$3/tree" --
mkdir -p -- "$2"
cd -- "$3/tree"
find . ! -type d -print0 | xargs -0 -r sh -c \
  'for path; do mkdir -p -- "$0/${path%/*}" && mv -f -T -- "$path" "$0/$path" || exit 255; done' "$2"
"#;

/// Lets the link `$2` in the directory `$1` lead to `$3`, and removes what is beside that. Before
/// that, what comes by stdin is written to the file `$4`, where there is one: in `$3`, which nobody
/// looks into yet.
const SWAP: &str = r#"
set -e
cd -- "$1"
[ -z "$4" ] || (umask 077 && cat > "$4")
ln -s -f -n -- "$3" "$2.new"
mv -f -T -- "$2.new" "$2"
find "${3%/*}" -mindepth 1 -maxdepth 1 ! -name "${3##*/}" -exec rm -r -f -- {} +
"#;

/// The files of ours that are kept.
const OUR_FILES: [&str; 6] = ["override.json", "manifest.json", "source.json", "record.json", "files", "key"];

/// Keeps what `state` says lies in `root` as the last good release, in the place of the one that
/// is kept. When that fails, none is kept: an old one is not what was good last.
pub(crate) async fn keep(
    host: &Host,
    token: &CancellationToken,
    root: &str,
    release: &Release,
    state: &HostState,
) -> Result<(), Error> {
    let kept = put(host, token, root, release, state).await;
    or_none(host, root, kept).await
}

/// As [`keep`], for `files` below `root` that are not ours: what was started by hand. There is
/// nothing beside them but their list.
pub(crate) async fn keep_foreign(
    host: &Host,
    token: &CancellationToken,
    root: &str,
    release: &Release,
    files: &BTreeMap<String, FileDigest>,
) -> Result<(), Error> {
    let kept = put_foreign(host, token, root, release, files).await;
    or_none(host, root, kept).await
}

/// Sees to it that nothing is kept where keeping failed.
async fn or_none(host: &Host, root: &str, kept: Result<(), Error>) -> Result<(), Error> {
    if kept.is_err()
        && let Err(error) = remove(host, root).await
    {
        tracing::warn!(host = host.name(), ?error, "could not remove what was kept before");
    }
    kept
}

async fn put(
    host: &Host,
    token: &CancellationToken,
    root: &str,
    release: &Release,
    state: &HostState,
) -> Result<(), Error> {
    let target = format!("{GENERATIONS}/{}", random_name()?);
    let to = format!("{root}/{OURS}/{target}");
    let ours: Vec<String> = OUR_FILES.iter().map(|name| format!("{OURS}/{name}")).collect();
    let mut paths = state.paths();
    paths.retain(|path| !state.unknown.contains(path));
    copy(host, token, (root, &to), root, paths.iter().chain(&ours)).await?;
    let file = format!("{target}/{OURS}/{FILE}");
    swap(host, token, root, (&target, &file), release.to_json()).await
}

async fn put_foreign(
    host: &Host,
    token: &CancellationToken,
    root: &str,
    release: &Release,
    files: &BTreeMap<String, FileDigest>,
) -> Result<(), Error> {
    let target = format!("{GENERATIONS}/{}", random_name()?);
    let place = format!("{OURS}/{target}");
    let our = |name: &str, bytes: Vec<u8>| {
        let path = format!("{place}/{OURS}/{name}");
        Entry { path, mode: 0o600, content: EntryContent::Bytes(bytes.into()) }
    };
    let entries = [
        Entry { path: OURS.to_owned(), mode: 0o700, content: EntryContent::Directory },
        our("manifest.json", Manifest { files: files.clone() }.to_json()),
        our("files", null_separated(files.keys().map(String::as_str))),
        our(FILE, release.to_json()),
    ];
    host.files().upload_tree(root, &entries, &TreeOptions::default()).await?;
    copy(host, token, (root, &format!("{root}/{place}")), root, files.keys()).await?;
    swap(host, token, root, (&target, ""), Vec::new()).await
}

/// Lets the link lead to `target`, and removes what was kept before. `content` goes to `file`, which is
/// below `target`, or to nowhere.
async fn swap(
    host: &Host,
    token: &CancellationToken,
    root: &str,
    (target, file): (&str, &str),
    content: Vec<u8>,
) -> Result<(), Error> {
    let ours = format!("{root}/{OURS}");
    let command = Command::new(["sh", "-c", SWAP, "windlass-keep", &ours, GOOD, target, file]);
    run(host, token, command, content, "keep the last good state in", root).await
}

/// Removes what is kept for the stack in `root`.
pub(crate) async fn remove(host: &Host, root: &str) -> Result<(), Error> {
    remove_all(host, root, &[GOOD, GENERATIONS]).await
}

/// Removes folders of ours in `root` with all that is in them.
pub(crate) async fn remove_all(host: &Host, root: &str, names: &[&str]) -> Result<(), Error> {
    let paths = names.iter().map(|name| format!("{root}/{OURS}/{name}"));
    let command = Command::new(["rm", "-r", "-f", "--"]).args(paths);
    run(host, &CancellationToken::new(), command, Vec::new(), "remove what is kept in", root).await
}

/// Copies `paths` from below one directory of the host to below another, both in or below the
/// stack's directory `root`.
pub(crate) async fn copy(
    host: &Host,
    token: &CancellationToken,
    (from, to): (&str, &str),
    root: &str,
    paths: impl Iterator<Item = &String>,
) -> Result<(), Error> {
    let list = null_separated(paths.map(String::as_str));
    let staging = format!("{root}/{OURS}/copying");
    let command = Command::new(["sh", "-c", COPY, "windlass-copy", from, to, &staging]).timeout(None);
    run(host, token, command, list, "copy files to", to).await
}

async fn run(
    host: &Host,
    token: &CancellationToken,
    command: Command,
    input: Vec<u8>,
    operation: &'static str,
    path: &str,
) -> Result<(), Error> {
    let executor = host.executor();
    let limits = Limits::cancelled_by(token);
    let output = run_with(executor, &command.privileged(), Input::bytes(input), &limits).await?;
    if output.success() {
        return Ok(());
    }
    Err(FileError::from_output(operation, path, executor.name().to_owned(), &output).into())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::MetadataExt as _, path::Path, process::Stdio};

    use super::*;

    fn run(script: &str, words: &[&Path], input: &[u8]) -> bool {
        use std::io::Write as _;
        let mut command = std::process::Command::new("sh");
        command.args(["-c", script, "test"]).args(words).stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait().unwrap().success()
    }

    #[test]
    fn small_files_are_copied_large_ones_linked_and_links_stay_links() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("a/to"));
        fs::create_dir_all(from.join("b c")).unwrap();
        fs::write(from.join("b c/-small"), "1").unwrap();
        fs::write(from.join("large"), vec![7; 600 << 10]).unwrap();
        std::os::unix::fs::symlink("b c/-small", from.join("link")).unwrap();
        fs::create_dir_all(&to).unwrap();
        fs::write(to.join("large"), "in the way").unwrap();
        fs::write(to.join("other"), "stays").unwrap();
        let list = null_separated(["b c/-small", "large", "link"].into_iter());
        let staging = dir.path().join("staging");
        assert!(run(COPY, &[&from, &to, &staging], &list));
        let inode = |path: &Path| fs::symlink_metadata(path).unwrap().ino();
        assert_eq!(fs::read_to_string(to.join("b c/-small")).unwrap(), "1");
        assert_ne!(inode(&to.join("b c/-small")), inode(&from.join("b c/-small")));
        assert_eq!(inode(&to.join("large")), inode(&from.join("large")));
        assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("b c/-small"));
        assert!(to.join("other").is_file() && !staging.exists());
        assert!(!run(COPY, &[&from, &to, &staging], &null_separated(["absent"].into_iter())));
        assert!(!staging.exists());
    }

    #[test]
    fn the_link_leads_to_the_new_one_and_the_others_go() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["one", "two", "half"] {
            fs::create_dir_all(dir.path().join("generations").join(name)).unwrap();
        }
        for target in ["generations/one", "generations/two"] {
            fs::create_dir_all(dir.path().join(target)).unwrap();
            let file = format!("{target}/release.json");
            let words = [dir.path(), Path::new("good"), Path::new(target), Path::new(&file)];
            assert!(run(SWAP, &words, target.as_bytes()));
            assert_eq!(fs::read_to_string(dir.path().join("good/release.json")).unwrap(), target);
            assert_eq!(fs::read_link(dir.path().join("good")).unwrap(), Path::new(target));
            let left: Vec<_> = fs::read_dir(dir.path().join("generations")).unwrap().collect();
            assert_eq!(left.len(), 1);
        }
    }
}
