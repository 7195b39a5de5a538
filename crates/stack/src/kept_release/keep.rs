//! Keeping a release on the host, and bringing files from one place to another there.

use std::collections::BTreeMap;

use compose::layout::{GENERATIONS, GOOD, OURS};
use remote::{
    Command, Input,
    collect::{Limits, run_with},
    files::{Entry, EntryContent, FileError, TreeOptions, copying_script, random_name},
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

use super::generation::{self, NotMade, SWAP};

/// Copies the files whose paths come by stdin (each begins with `./` and ends with NUL) from below
/// the directory `$1` to the same places below `$2` in our folder there, so that each of them changes
/// as a whole. Large ones are linked where that can be done. Modes, owners and times are kept, symbolic
/// links stay links. `$3` is a name for what is staged.
pub(super) const ASIDE: &str = r#"
set -e
go "$1" ''
exec 8<.
own .windlass
trap 'rm -r -f -- ./taken ./copies' EXIT
rm -r -f -- ./taken ./copies
mkdir -- ./taken
exec 9<./taken
take no
settle ./taken ./copies
find ./copies -type d -exec chmod 755 {} +
case $2 in */*) room "${2%/*}" ;; esac
[ ! -L "./$2" ] || rm -f -- "./$2"
if [ -e "./$2" ]; then
  exec 8<"./$2" 9<./copies
  place_all "$3"
else
  mv -- ./copies "./$2"
fi
"#;

/// As [`ASIDE`] the other way: from below `$2` in our folder to below `$1`. `$2` may be a link of ours.
pub(super) const BACK: &str = r#"
set -e
go "$1" ''
exec 6<.
own .windlass
exec 7<.
from=$2
[ ! -L "./$from" ] || from=$(readlink -- "./$from")
below "$from"
exec 8<.
cd -P /proc/self/fd/7
trap 'rm -r -f -- ./taken ./copies' EXIT
rm -r -f -- ./taken ./copies
mkdir -- ./taken
exec 9<./taken
take no
settle ./taken ./copies
exec 8<&6 9<./copies
place_all "$3"
"#;

/// Lets the link `$3` in our folder below the directory `$1` lead to `$2`, and removes what is beside that.
const TURN: &str = r#"
set -e
go "$1" ''
own .windlass
"#;

/// Removes what follows the directory `$1` from our folder in it.
const REMOVE: &str = r#"
[ -d "$1/.windlass" ] || exit 0
go "$1" ''
own .windlass
shift
for name; do
  rm -r -f -- "./$name" || exit
done
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
    copy_aside(host, token, root, &target, files.keys()).await?;
    swap(host, token, root, &target).await
}

/// Lets the link lead to `target`, and removes what was kept before.
async fn swap(host: &Host, token: &CancellationToken, root: &str, target: &str) -> Result<(), Error> {
    let command = Command::new(["sh", "-c", &turn_script(), "windlass-keep", root, target, GOOD]);
    run(host, token, command, Vec::new(), "keep the last good state in", root).await
}

/// Removes what is kept for the stack in `root`.
async fn remove(host: &Host, root: &str) -> Result<(), Error> {
    remove_all(host, root, &[GOOD, GENERATIONS]).await
}

/// Removes folders of ours in `root` with all that is in them.
pub(crate) async fn remove_all(host: &Host, root: &str, names: &[&str]) -> Result<(), Error> {
    let command = Command::new(["sh", "-c", &copying_script(REMOVE), "windlass-remove", root]);
    let command = command.args(names.iter().copied());
    run(host, &CancellationToken::new(), command, Vec::new(), "remove what is kept in", root).await
}

/// Copies `paths`, relative to the stack's directory `root`, to below `to` in our folder there.
pub(crate) async fn copy_aside(
    host: &Host,
    token: &CancellationToken,
    root: &str,
    to: &str,
    paths: impl Iterator<Item = &String>,
) -> Result<(), Error> {
    copy(host, token, (ASIDE, "copy files of"), (root, to), paths).await
}

/// Copies `paths`, relative to `from` in our folder in the stack's directory `root`, to below that directory.
pub(super) async fn copy_back(
    host: &Host,
    token: &CancellationToken,
    root: &str,
    from: &str,
    paths: impl Iterator<Item = &String>,
) -> Result<(), Error> {
    copy(host, token, (BACK, "copy files to"), (root, from), paths).await
}

async fn copy(
    host: &Host,
    token: &CancellationToken,
    (script, operation): (&str, &'static str),
    (root, folder): (&str, &str),
    paths: impl Iterator<Item = &String>,
) -> Result<(), Error> {
    let list = null_separated(paths.map(String::as_str));
    let staging = format!(".windlass-{}.staging", random_name()?);
    let words = ["sh", "-c", &copying_script(script), "windlass-copy", root, folder, &staging];
    let command = Command::new(words).timeout(None);
    run(host, token, command, list, operation, root).await
}

fn turn_script() -> String {
    copying_script(&format!("{TURN}{SWAP}"))
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
#[path = "keep_tests.rs"]
pub(super) mod tests;
