//! What the product or a person has written into shipped files, kept aside before it is overwritten.

use compose::layout::OURS;
use remote::{
    Command, Input,
    collect::{Limits, run_with},
    files::{FileError, copying_script},
};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use tree::null_separated;

use crate::{error::Error, host::Host};

/// The folder of it, below [`OURS`].
pub(crate) const REPLACED: &str = "replaced";
/// For how many times it is kept; the oldest goes first.
pub const KEPT_TIMES: usize = 10;

/// Copies the paths that come by stdin (NUL behind each), relative to the directory `$1`, to the same
/// places below `.windlass/replaced/$2`, and lets no more than `$3` such folders be. What may not be
/// read is moved.
pub(crate) const SCRIPT: &str = r#"
set -e
go "$1" ''
exec 8<.
own .windlass
room replaced
trap 'rm -r -f -- ./taken' EXIT
rm -r -f -- ./taken
mkdir -- ./taken
exec 9<./taken
take move
to=replaced/$2
mkdir -- "$to"
cp -a -- ./taken/. "$to/" 2>/dev/null || { rm -r -f -- "$to" && mv -- ./taken "$to"; }
rm -r -f -- ./taken
cd ./replaced
most=$3
set -- *
while [ $# -gt "$most" ]; do
  rm -r -f -- "$1"
  shift
done
"#;

/// Keeps what `paths` hold now, relative to `root`; where it is. Nothing is done where there are none.
pub(crate) async fn set_aside(
    host: &Host,
    token: &CancellationToken,
    root: &str,
    paths: &[String],
) -> Result<Option<String>, Error> {
    if paths.is_empty() {
        return Ok(None);
    }
    let (name, most) = (name_of(OffsetDateTime::now_utc()), KEPT_TIMES.to_string());
    let command =
        Command::new(["sh", "-c", &copying_script(SCRIPT), "windlass-set-aside", root, &name, &most]);
    let list = Input::bytes(null_separated(paths.iter().map(String::as_str)));
    let executor = host.executor();
    let output =
        run_with(executor, &command.timeout(None).privileged(), list, &Limits::cancelled_by(token)).await?;
    if !output.success() {
        let host = executor.name().to_owned();
        return Err(FileError::from_output("keep changed files aside in", root, host, &output).into());
    }
    Ok(Some(format!("{root}/{OURS}/{REPLACED}/{name}")))
}

/// The name of the folder for this moment: names sort as times do.
fn name_of(now: OffsetDateTime) -> String {
    let (year, month, day) = (now.year(), u8::from(now.month()), now.day());
    let (hour, minute, second, milli) = (now.hour(), now.minute(), now.second(), now.millisecond());
    format!("{year}-{month:02}-{day:02}T{hour:02}-{minute:02}-{second:02}.{milli:03}Z")
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsStr, fs};

    use remote::conformance::Tools;

    use super::*;

    #[test]
    fn folders_are_named_by_the_time() {
        let time = OffsetDateTime::from_unix_timestamp(1_700_000_000).unwrap();
        assert_eq!(name_of(time), "2023-11-14T22-13-20.000Z");
    }

    #[test]
    fn what_was_there_is_kept_and_the_oldest_goes() {
        for tools in Tools::all() {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir_all(dir.path().join("acme")).unwrap();
            let path = dir.path().join("acme/a\nb.json");
            for (index, name) in ["1", "2", "3"].into_iter().enumerate() {
                fs::write(&path, index.to_string()).unwrap();
                let words = [dir.path().as_os_str(), OsStr::new(name), OsStr::new("2")];
                assert!(tools.run(&copying_script(SCRIPT), &words, b"./acme/a\nb.json\0").0, "{tools:?}");
            }
            let kept = dir.path().join(".windlass/replaced");
            let mut names: Vec<_> =
                fs::read_dir(&kept).unwrap().map(|one| one.unwrap().file_name()).collect();
            names.sort();
            assert_eq!(names, ["2", "3"], "{tools:?}");
            assert_eq!(fs::read_to_string(kept.join("2/acme/a\nb.json")).unwrap(), "1");
            assert_eq!(fs::read_to_string(&path).unwrap(), "2");
        }
    }
}
