//! The files that were there before an imported project was applied for the first time: kept aside
//! until the stack is destroyed, and put back then.

use compose::layout::OURS;
use remote::{Command, Input, run_checked};
use tokio_util::sync::CancellationToken;

use crate::{error::Error, host::Host, kept_release::copy};

/// Where they are kept, below [`OURS`].
pub(crate) const BEFORE: &str = "before";

/// Moves what is kept back to its place in the directory `$1`, where nothing else is there by now; a
/// copy of what is there again goes. Removes the directories that are empty then.
const PUT_BACK: &str = r#"
cd -- "$1/.windlass/before" 2>/dev/null || exit 0
set -e
find . ! -type d -exec sh -c '
  for path; do
    if [ -e "$0/$path" ] || [ -L "$0/$path" ]; then
      cmp -s -- "$path" "$0/$path" && rm -f -- "$path"
      continue
    fi
    mkdir -p -- "$0/${path%/*}" && mv -- "$path" "$0/$path" || exit 255
  done' "$1" {} +
cd -- "$1/.windlass"
find before -depth -type d -exec rmdir -- {} + 2>/dev/null || :
cd .. && rmdir .windlass 2>/dev/null || :
"#;

/// Where the files in `root` are kept that were there before.
pub(crate) fn kept_in(root: &str) -> String {
    format!("{root}/{OURS}/{BEFORE}")
}

/// Keeps copies of `paths` (relative to `root`).
pub(crate) async fn keep(
    host: &Host,
    token: &CancellationToken,
    root: &str,
    paths: &[String],
) -> Result<(), Error> {
    let private = Command::new(["mkdir", "-p", "-m", "700", "--", &format!("{root}/{OURS}")]).privileged();
    run_checked(host.executor(), &private, Input::Nothing).await?;
    copy(host, token, (root, &kept_in(root)), root, paths.iter()).await
}

/// Puts back what is kept in `root`; nothing there is fine.
pub(crate) async fn put_back(host: &Host, root: &str) -> Result<(), Error> {
    let command = Command::new(["sh", "-c", PUT_BACK, "windlass-put-back", root]).privileged();
    run_checked(host.executor(), &command, Input::Nothing).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use remote::conformance::Tools;

    use super::*;

    #[test]
    fn what_was_there_comes_back_unless_something_else_is_there() {
        Tools::all().iter().for_each(comes_back_unless_something_else_is_there);
    }

    fn comes_back_unless_something_else_is_there(tools: &Tools) {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put(".windlass/before/.env", "A=1");
        put(".windlass/before/conf/odd\nname", "b");
        put(".windlass/before/taken", "old");
        put(".windlass/before/same", "s");
        put("same", "s");
        put("taken", "new");
        let run = || tools.run(PUT_BACK, &[dir.path()], b"").0;
        assert!(run(), "{tools:?}");
        let text = |path: &str| fs::read_to_string(dir.path().join(path)).ok();
        assert_eq!(text(".env").as_deref(), Some("A=1"));
        assert_eq!(text("conf/odd\nname").as_deref(), Some("b"));
        // What is in the way wins, and the old one is still to be had.
        assert_eq!(text("taken").as_deref(), Some("new"));
        assert_eq!(text(".windlass/before/taken").as_deref(), Some("old"));
        assert!(!dir.path().join(".windlass/before/conf").exists());
        assert!(!dir.path().join(".windlass/before/same").exists() && text("same").is_some());
        fs::remove_file(dir.path().join("taken")).unwrap();
        assert!(run() && run(), "{tools:?}");
        assert_eq!(text("taken").as_deref(), Some("old"));
        assert!(!dir.path().join(".windlass").exists());
    }
}
