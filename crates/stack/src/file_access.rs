//! What can be told of files that could not be read, and what can be done to files.
//!
//! "Not allowed" is not "not there": a container may have made a shipped directory its own, and a login
//! without root's rights then sees neither the files in it nor that they exist.

use std::collections::BTreeSet;

use remote::{
    Command, Executor, Input,
    collect::{Limits, run_checked_with},
};
use tokio_util::sync::CancellationToken;
use tree::null_separated;

use crate::error::Error;

/// Tells of each path that comes by stdin (NUL behind each), relative to the directory `$1`, what is
/// the matter with it: `a`, it is absent; `h`, it may not be looked at; `k`, it cannot be removed. Of
/// others it tells nothing. An `x` comes first where the directory is there.
const SCRIPT: &str = r#"
export LC_ALL=C
cd -- "$1" 2>/dev/null || exit 0
printf 'x\0x\0'
xargs -0 sh -c '
  for path; do
    if [ -e "$path" ] || [ -L "$path" ]; then
      if [ -f "$path" ] && [ ! -r "$path" ]; then printf "h\0%s\0" "$path"; fi
      if [ ! -w "${path%/*}" ]; then printf "k\0%s\0" "$path"; fi
    else
      up=${path%/*}
      while [ "$up" != . ] && [ ! -e "$up" ]; do up=${up%/*}; done
      if [ -d "$up" ] && [ ! -x "$up" ]; then printf "h\0%s\0k\0%s\0" "$path" "$path"
      else printf "a\0%s\0" "$path"; fi
    fi
  done' look
exit 0
"#;

/// What is the matter with some paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileAccess {
    /// They are not there.
    pub(crate) absent: BTreeSet<String>,
    /// They may not be looked at: whether they are there, or what is in them.
    pub(crate) hidden: BTreeSet<String>,
    /// They cannot be removed.
    pub(crate) stuck: BTreeSet<String>,
}

/// How much the host may tell: each path once or twice.
const CAP: usize = 1 << 30;

/// Looks at `paths`, relative to `directory`, until `token` ends it; asks nobody where there are none.
pub(crate) async fn inspect<'p>(
    executor: &dyn Executor,
    token: &CancellationToken,
    directory: &str,
    paths: impl Iterator<Item = &'p String>,
) -> Result<FileAccess, Error> {
    let paths: BTreeSet<&String> = paths.collect();
    if paths.is_empty() {
        return Ok(FileAccess::default());
    }
    let list = null_separated(paths.iter().map(|path| path.as_str()));
    let command = Command::new(["sh", "-c", SCRIPT, "windlass-access", directory]).privileged().timeout(None);
    let limits = Limits { cap: CAP, ..Limits::cancelled_by(token) };
    let output = run_checked_with(executor, &command, Input::bytes(list), &limits).await?;
    let text = output.stdout_text();
    if text.is_empty() {
        return Ok(FileAccess { absent: paths.into_iter().cloned().collect(), ..FileAccess::default() });
    }
    Ok(parse(&text))
}

fn parse(text: &str) -> FileAccess {
    let fields: Vec<&str> = text.split_terminator('\0').collect();
    let mut access = FileAccess::default();
    for record in fields.chunks_exact(2) {
        let path = record[1].trim_start_matches("./").to_owned();
        match record[0] {
            "a" => drop(access.absent.insert(path)),
            "h" => drop(access.hidden.insert(path)),
            "k" => drop(access.stuck.insert(path)),
            _ => {}
        }
    }
    access
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, process::Command as Process};

    use remote::conformance::Tools;

    use super::*;

    fn set(paths: &[&str]) -> BTreeSet<String> {
        paths.iter().map(|path| (*path).to_owned()).collect()
    }

    fn mode(path: &std::path::Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    async fn look(tools: &Tools, directory: &str, paths: &[String]) -> Result<FileAccess, Error> {
        inspect(tools, &CancellationToken::new(), directory, paths.iter()).await
    }

    #[tokio::test]
    async fn only_what_is_not_there_is_absent() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "").unwrap();
        std::os::unix::fs::symlink("nowhere", dir.path().join("link")).unwrap();
        let paths = ["a", "link", "b\nc", "d/e", "a/f"].map(str::to_owned);
        for tools in Tools::all() {
            let found = look(&tools, dir.path().to_str().unwrap(), &paths).await.unwrap();
            let expected = FileAccess { absent: set(&["b\nc", "d/e", "a/f"]), ..FileAccess::default() };
            assert_eq!(found, expected, "{tools:?}");
            let nowhere = look(&tools, "/no/such/directory", &paths).await.unwrap();
            assert_eq!(nowhere.absent.len(), paths.len());
        }
    }

    /// As root nothing is hidden: the script runs as somebody else.
    #[test]
    fn what_is_not_permitted_is_not_absent() {
        let dir = tempfile::tempdir().unwrap();
        let at = |path: &str| dir.path().join(path);
        for folder in ["closed/deep", "others"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        for file in ["secret", "closed/deep/x", "others/y"] {
            fs::write(at(file), "").unwrap();
        }
        mode(&at("secret"), 0o600);
        mode(&at("closed"), 0o700);
        mode(dir.path(), 0o777);
        let list = dir.path().join("list");
        fs::write(
            &list,
            null_separated(["secret", "closed/deep/x", "closed/none", "others/y", "no"].into_iter()),
        )
        .unwrap();
        let is_root =
            fs::metadata("/proc/self").is_ok_and(|facts| std::os::unix::fs::MetadataExt::uid(&facts) == 0);
        if !is_root {
            // A user who is not root cannot hide a file from themselves but by taking all rights away.
            mode(&at("secret"), 0);
            mode(&at("closed"), 0);
            mode(&at("others"), 0o555);
        }
        let mut command = if is_root {
            let mut command = Process::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", SCRIPT, "look"]);
            command
        } else {
            let mut command = Process::new("sh");
            command.args(["-c", SCRIPT, "look"]);
            command
        };
        let output = command.arg(dir.path()).stdin(fs::File::open(&list).unwrap()).output().unwrap();
        if !is_root {
            mode(&at("closed"), 0o700);
        }
        let found = parse(&String::from_utf8(output.stdout).unwrap());
        assert_eq!(found.absent, set(&["no"]));
        assert_eq!(found.hidden, set(&["secret", "closed/deep/x", "closed/none"]));
        assert_eq!(found.stuck, set(&["closed/deep/x", "closed/none", "others/y"]));
    }
}
