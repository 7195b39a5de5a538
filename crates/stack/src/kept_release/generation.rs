//! Making a generation of what is kept: one command leaves the record of an apply, copies what belongs to
//! it, and lets what is kept be that.

use compose::layout::{GENERATIONS, GOOD, OURS};
use remote::{
    Command, Input,
    collect::{Limits, run_with},
    files::{Entry, EntryContent, FileError, archive, copying_script, random_name},
};
use tokio_util::sync::CancellationToken;
use tree::null_separated;

use crate::{error::Error, host::Host, release::FILE};

/// Unpacks stdin in our folder below the directory `$1`. A new record that came with it takes its place,
/// which is said. The files that the list in the generation `$2` names (as `xargs` reads it) are copied to
/// it; then the link `$3` leads to it, and what is beside it goes. Large files are linked where that can be
/// done. Modes, owners and times are kept, symbolic links stay links, and a directory is none of ours.
///
/// Links change the time of the last change of what they lead to, by which a look knows whether its answer is
/// still the one of before. The answer outlives that where nothing else about the files is otherwise.
const MAKE: &str = r#"
set -e
go "$1" ''
exec 8<.
own .windlass
room generations
tar -x -f - -p -m -o
if [ -f record.new ]; then
  sync -- record.new
  put record.new record.json
  echo recorded
fi
trap '! [ -e ./taken ] || rm -r -f -- ./taken; rm -f -- "./$new" "./$new".*' EXIT
! [ -e ./taken ] && ! [ -L ./taken ] || rm -r -f -- ./taken
mkdir -- ./taken
exec 9<./taken
(before) 2>/dev/null || true
take no <"./$2/.windlass/list"
settle ./taken "./$2"
rm -f -- "./$2/.windlass/list"
(after) 2>/dev/null || true
"#;

/// Around what changes times: what `stat` tells before, and the answer for what it tells then. What somebody changes
/// in the meantime has another time of its content as well; what they change then has another time of the last
/// change, where that is told in fractions of seconds.
const REMEMBERING: &str = r#"
before() {
  [ -s stat ] && true >"$new" || return
  case $(stat -c %z -- "$new") in *.*[1-9]*) facts ;; esac
}

after() {
  [ -s "$new" ] && remembered && is_of_new && told >"$new.told" || return
  otherwise=$(but_the_last_change)
  sleep 0.1 || sleep 1
  true >"$new" && facts
  [ "$otherwise" = "$(but_the_last_change)" ] && leave
}

but_the_last_change() { cut -d ' ' -f 2-7,11- -- "$new" | sha256sum; }
"#;

/// Lets the link `$3` lead to `$2`, and removes what is beside that.
pub(super) const SWAP: &str = r#"
ln -s -f -n -- "$2" "$3.new"
put "$3.new" "$3"
for other in "${2%/*}"/*; do
  [ "$other" = "$2" ] || rm -r -f -- "$other"
done
"#;

/// How a look remembers its answer.
const REMEMBERED: &str = include_str!("../host_state/remembered.sh");

/// What the script says once the record is in its place.
const RECORDED: &str = "recorded\n";

fn make_script() -> String {
    copying_script(&format!("{REMEMBERED}{REMEMBERING}{MAKE}{SWAP}"))
}

/// Why there is no new generation.
pub(crate) struct NotMade {
    /// Whether the record that was to come with it is in its place.
    pub(crate) recorded: bool,
    pub(crate) error: Error,
}

/// Keeps the files `paths` below `root`, with `release` telling of them; `record` takes the place of the
/// record before that.
pub(crate) async fn make(
    host: &Host,
    token: &CancellationToken,
    root: &str,
    paths: &[String],
    (release, record): (Vec<u8>, Option<Vec<u8>>),
) -> Result<(), NotMade> {
    let not_made = |error: Error| NotMade { recorded: false, error };
    let name = random_name().map_err(|error| not_made(error.into()))?;
    let target = format!("{GENERATIONS}/{name}");
    let file = |path: String, bytes: Vec<u8>| Entry {
        path,
        mode: 0o600,
        content: EntryContent::Bytes(bytes.into()),
    };
    let list = null_separated(paths.iter().map(String::as_str));
    let mut entries =
        vec![file(format!("{target}/{OURS}/{FILE}"), release), file(format!("{target}/{OURS}/list"), list)];
    entries.extend(record.map(|record| file("record.new".to_owned(), record)));
    let bytes = archive(&entries).await.map_err(|error| not_made(error.into()))?;
    let command = Command::new(["sh", "-c", &make_script(), "windlass-keep", root, &target, GOOD]);
    let command = command.timeout(None).privileged();
    let executor = host.executor();
    let output = run_with(executor, &command, Input::bytes(bytes), &Limits::cancelled_by(token)).await;
    let output = output.map_err(|error| not_made(error.into()))?;
    if output.success() {
        return Ok(());
    }
    let name = executor.name().to_owned();
    let error = FileError::from_output("keep the last good state in", root, name, &output).into();
    Err(NotMade { recorded: output.stdout_text() == RECORDED, error })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        fs,
        os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
        path::Path,
    };

    use remote::conformance::Tools;

    use super::*;

    pub(crate) async fn make_by(tools: &Tools, root: &Path, name: &str, paths: &[&str]) -> (bool, String) {
        let file = |path: String, bytes: &[u8]| Entry {
            path,
            mode: 0o600,
            content: EntryContent::Bytes(bytes.to_vec().into()),
        };
        let entries = [
            file(format!("generations/{name}/.windlass/generation.json"), name.as_bytes()),
            file(format!("generations/{name}/.windlass/list"), &null_separated(paths.iter().copied())),
            file("record.new".into(), b"record"),
        ];
        let bytes = archive(&entries).await.unwrap();
        let (root, target) = (root.to_str().unwrap(), format!("generations/{name}"));
        tools.run(&make_script(), &[root, &target, "good"], &bytes)
    }

    #[tokio::test]
    async fn what_is_named_is_kept_and_what_was_kept_goes() {
        for tools in Tools::all() {
            let dir = tempfile::tempdir().unwrap();
            let root = dir.path();
            for folder in ["b c", ".windlass", "folder"] {
                fs::create_dir(root.join(folder)).unwrap();
            }
            for path in ["a", "b c/-x", "b c/$y\n\"'", ".windlass/key"] {
                fs::write(root.join(path), path).unwrap();
            }
            fs::set_permissions(root.join("a"), fs::Permissions::from_mode(0o755)).unwrap();
            symlink("nowhere", root.join("link")).unwrap();
            let small = ["a", "b c/-x", "b c/$y\n\"'", "link", "folder", ".windlass/key"];
            assert_eq!(make_by(&tools, root, "1", &small).await, (true, RECORDED.into()), "{tools:?}");
            let kept = root.join(".windlass/good");
            assert_eq!(fs::read_to_string(root.join(".windlass/record.json")).unwrap(), "record");
            assert_eq!(fs::read_to_string(kept.join(".windlass/generation.json")).unwrap(), "1");
            for path in ["a", "b c/-x", "b c/$y\n\"'", ".windlass/key"] {
                assert_eq!(fs::read_to_string(kept.join(path)).unwrap(), path, "{tools:?}");
            }
            assert_eq!(fs::metadata(kept.join("a")).unwrap().mode() & 0o7777, 0o755);
            assert_eq!(fs::read_link(kept.join("link")).unwrap(), Path::new("nowhere"));
            assert!(!kept.join("folder").exists() && !kept.join(".windlass/list").exists());

            fs::write(root.join("b c/large"), vec![7; 600 << 10]).unwrap();
            assert_eq!(make_by(&tools, root, "2", &["a", "b c/large"]).await.1, RECORDED, "{tools:?}");
            let inode = |path: &Path| fs::metadata(path).unwrap().ino();
            assert_eq!(inode(&kept.join("b c/large")), inode(&root.join("b c/large")), "{tools:?}");
            assert_ne!(inode(&kept.join("a")), inode(&root.join("a")));
            assert_eq!(fs::read_dir(root.join(".windlass/generations")).unwrap().count(), 1);

            // What is missing is no generation, but the record is there.
            fs::remove_file(root.join("a")).unwrap();
            assert_eq!(make_by(&tools, root, "3", &["a"]).await, (false, RECORDED.into()), "{tools:?}");
            assert_eq!(fs::read_link(&kept).unwrap(), Path::new("generations/2"));
        }
    }
}
