//! Keeping a release on the host, and bringing files from one place to another there.

use std::collections::BTreeMap;

use compose::layout::{GENERATIONS, GOOD, OURS};
use remote::{
    Command, Input,
    collect::{Limits, run_with},
    files::{Entry, EntryContent, FileError, PUT, TreeOptions, random_name},
};
use tokio_util::sync::CancellationToken;
use tree::{FileDigest, Manifest, null_separated};

use crate::{
    error::Error,
    host::Host,
    host_state::HostState,
    record::Record,
    release::{FILE, Release},
};

use super::generation::{self, NotMade};

/// Copies the files whose paths come by stdin (each begins with `./` and ends with NUL) from below
/// the directory `$1` to the same places below `$2`, by way of the directory `$3`, so that each of
/// them changes as a whole. Large ones are linked where that can be done. Modes, owners and times
/// are kept, symbolic links stay links. `$4` defines `put`.
const COPY: &str = r#"
set -e
umask 022
export LC_ALL=C
trap 'rm -rf -- "$3"' EXIT
rm -rf -- "$3"
mkdir -m 700 -- "$3"
mkdir -- "$3/tree"
cat >"$3/list"
cd -- "$1"
list=$3/list
pick() { xargs -0 -r sh -c 'find "$@" -maxdepth 0 ! -type d '"$1"' -print0' find <"$list"; }
pick '-type f -size +512' >"$list.large"
pick '\( ! -type f -o ! -size +512 \)' >"$list.small"
# The paths of one directory after another, by one command for each.
each='
  to=$0 link=$1
  shift
  while [ $# -gt 0 ]; do
    in=${1%/*} count=0 words=
    for path; do
      [ "${path%/*}" = "$in" ] || break
      count=$((count + 1)) words="$words \"\${$count}\""
    done
    mkdir -p -- "$to/$in" || exit 255
    if [ -z "$link" ] || ! eval "ln -- $words \"\$to/\$in/\"" 2>/dev/null; then
      [ -z "$link" ] || eval "(cd -- \"\$to\" && rm -f -- $words)"
      eval "cp -a -- $words \"\$to/\$in/\"" || exit 255
    fi
    shift "$count"
  done'
xargs -0 -r sh -c "$each" "$3/tree" "" <"$list.small"
xargs -0 -r sh -c "$each" "$3/tree" link <"$list.large"
mkdir -p -- "$2"
cd -- "$3/tree"
find . ! -type d -print0 | xargs -0 -r sh -c "$4"'
  for path; do
    [ -d "$0/${path%/*}" ] || mkdir -p -- "$0/${path%/*}" || exit 255
    put "$path" "$0/$path" || exit 255
  done' "$2"
"#;

/// Lets the link `$2` in the directory `$1` lead to `$3`, and removes what is beside that.
const SWAP: &str = r#"
set -e
cd -- "$1"
ln -s -f -n -- "$3" "$2.new"
put "$2.new" "$2"
find "${3%/*}" -mindepth 1 -maxdepth 1 ! -name "${3##*/}" -exec rm -r -f -- {} +
"#;

/// The files of ours that are kept.
const OUR_FILES: [&str; 6] = ["override.json", "manifest.json", "source.json", "record.json", "files", "key"];

/// Keeps what `state` says lies in `root` as the last good release, in the place of the one that
/// is kept, and leaves `record` before that. When it fails, none is kept: an old one is not what was
/// good last.
pub(crate) async fn keep(
    host: &Host,
    token: &CancellationToken,
    root: &str,
    (release, record): (&Release, Option<&Record>),
    state: &HostState,
) -> Result<(), NotMade> {
    let ours = OUR_FILES.iter().map(|name| format!("{OURS}/{name}"));
    let mut paths = state.paths();
    paths.retain(|path| !state.unknown.contains(path));
    paths.extend(ours);
    let texts = (release.to_json(), record.map(Record::to_json));
    let made = generation::make(host, token, root, &paths, texts).await;
    if made.is_err() {
        nothing(host, root).await;
    }
    made
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
    if kept.is_err() {
        nothing(host, root).await;
    }
    kept
}

/// Sees to it that nothing is kept.
async fn nothing(host: &Host, root: &str) {
    if let Err(error) = remove(host, root).await {
        tracing::warn!(host = host.name(), ?error, "could not remove what was kept before");
    }
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
    swap(host, token, root, &target).await
}

/// Lets the link lead to `target`, and removes what was kept before.
async fn swap(host: &Host, token: &CancellationToken, root: &str, target: &str) -> Result<(), Error> {
    let ours = format!("{root}/{OURS}");
    let script = format!("{PUT}{SWAP}");
    let command = Command::new(["sh", "-c", &script, "windlass-keep", &ours, GOOD, target]);
    run(host, token, command, Vec::new(), "keep the last good state in", root).await
}

/// Removes what is kept for the stack in `root`.
async fn remove(host: &Host, root: &str) -> Result<(), Error> {
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
    let words = ["sh", "-c", COPY, "windlass-copy", from, to, &staging, PUT];
    let command = Command::new(words).timeout(None);
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
    use std::{ffi::OsStr, fs, os::unix::fs::MetadataExt as _, path::Path};

    use remote::conformance::Tools;

    use super::*;

    #[test]
    fn small_files_are_copied_large_ones_linked_and_links_stay_links() {
        for tools in Tools::all() {
            let dir = tempfile::tempdir().unwrap();
            let (from, to) = (dir.path().join("from"), dir.path().join("a/to"));
            fs::create_dir_all(from.join("b c")).unwrap();
            for path in ["b c/-small", "b c/$x\n\"'", "z"] {
                fs::write(from.join(path), path).unwrap();
            }
            for path in ["large", "b c/large"] {
                fs::write(from.join(path), vec![7; 600 << 10]).unwrap();
            }
            std::os::unix::fs::symlink("b c/-small", from.join("link")).unwrap();
            fs::create_dir_all(to.join("b c")).unwrap();
            fs::write(to.join("large"), "in the way").unwrap();
            std::os::unix::fs::symlink("b c", to.join("z")).unwrap();
            fs::write(to.join("other"), "stays").unwrap();
            let list = ["b c/$x\n\"'", "b c/-small", "b c/large", "large", "link", "z"];
            let staging = dir.path().join("staging");
            let copy = |list: &[&str]| {
                let words = [from.as_os_str(), to.as_os_str(), staging.as_os_str(), OsStr::new(PUT)];
                tools.run(COPY, &words, &null_separated(list.iter().copied())).0
            };
            assert!(copy(&list), "{tools:?}");
            let inode = |path: &Path| fs::symlink_metadata(path).unwrap().ino();
            for path in ["b c/-small", "b c/$x\n\"'", "z"] {
                assert_eq!(fs::read_to_string(to.join(path)).unwrap(), path, "{tools:?}");
                assert_ne!(inode(&to.join(path)), inode(&from.join(path)));
            }
            for path in ["large", "b c/large"] {
                assert_eq!(inode(&to.join(path)), inode(&from.join(path)), "{tools:?}");
            }
            assert_eq!(fs::read_link(to.join("link")).unwrap(), Path::new("b c/-small"));
            assert!(to.join("other").is_file() && !staging.exists());
            assert!(!copy(&["absent"]) && !staging.exists(), "{tools:?}");
        }
    }

    #[test]
    fn the_link_leads_to_the_new_one_and_the_others_go() {
        for tools in Tools::all() {
            let dir = tempfile::tempdir().unwrap();
            for name in ["one", "two", "half"] {
                fs::create_dir_all(dir.path().join("generations").join(name)).unwrap();
            }
            for target in ["generations/one", "generations/two"] {
                fs::create_dir_all(dir.path().join(target)).unwrap();
                let words = [dir.path(), Path::new("good"), Path::new(target)];
                assert!(tools.run(&format!("{PUT}{SWAP}"), &words, b"").0, "{tools:?}");
                assert_eq!(fs::read_link(dir.path().join("good")).unwrap(), Path::new(target));
                let left: Vec<_> = fs::read_dir(dir.path().join("generations")).unwrap().collect();
                assert_eq!(left.len(), 1);
            }
        }
    }
}
