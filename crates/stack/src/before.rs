//! The files that were there before an imported project was applied for the first time: kept aside
//! until the stack is destroyed, and put back then.

use compose::layout::OURS;
use remote::{
    Command, Input,
    files::{copying_script, random_name},
    run_checked,
};
use tokio_util::sync::CancellationToken;

use crate::{error::Error, host::Host, kept_release::copy_aside};

/// Where they are kept, below [`OURS`].
pub(crate) const BEFORE: &str = "before";

/// Moves what is kept back to its place in the directory `$1`, where nothing else is there by now; a
/// copy of what is there again goes. Removes the directories that are empty then. `$2` is a name for what
/// is staged.
pub(crate) const PUT_BACK: &str = r#"
[ -x "$1/.windlass" ] || exit 0
set -e
go "$1" ''
exec 8<.
[ ! -L ./.windlass ] || exit 0
own .windlass
if [ -d ./before ] && [ ! -L ./before ]; then
  exec 9<./before
  (cd ./before && find . ! -type d -print0) | xargs -0 -r sh -c "$functions$3" windlass-put-back "$2"
  find before -depth -type d -exec rmdir -- {} + 2>/dev/null || :
fi
cd -P /proc/self/fd/8
rmdir ./.windlass 2>/dev/null || :
"#;

/// Does so with the paths that follow the name.
pub(crate) const EACH: &str = r#"
begin_placing "$1"
shift
for path; do
  reach "$path" 755
  there=./${path##*/} kept=/proc/self/fd/9/$path
  if [ -L "$there" ]; then
    if [ -L "$kept" ] && [ "$(readlink -- "$there")" = "$(readlink -- "$kept")" ]; then rm -f -- "$kept"; fi
  elif [ -e "$there" ]; then
    if [ -f "$there" ] && [ ! -L "$kept" ] && cmp -s -- "$kept" "$there"; then rm -f -- "$kept"; fi
  else
    give "$path" || exit 255
    [ "$put" = direct ] || rm -f -- "$kept" || exit 255
  fi
done
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
    copy_aside(host, token, root, BEFORE, paths.iter()).await
}

/// Puts back what is kept in `root`; nothing there is fine.
pub(crate) async fn put_back(host: &Host, root: &str) -> Result<(), Error> {
    let staging = format!(".windlass-{}.staging", random_name()?);
    let command =
        Command::new(["sh", "-c", &copying_script(PUT_BACK), "windlass-put-back", root, &staging, EACH]);
    run_checked(host.executor(), &command.privileged(), Input::Nothing).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, fs};

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
        let words = [dir.path().as_os_str(), OsStr::new(".staging"), OsStr::new(EACH)];
        let run = || tools.run(&copying_script(PUT_BACK), &words, b"").0;
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
