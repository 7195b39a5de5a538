//! The `tar` of a host: which one it is, and the commands that it understands.

use remote::{Command, Executor, Input, files::walking_script, run};

/// It says its version; BusyBox's, which does not know that option, says what it is and all that it knows.
const ABOUT: [&str; 2] = ["tar", "--version"];

/// Goes to the directory `$1`, led by no link that others may have put there, and becomes the words
/// that follow.
const IN: &str = r#"
go "$1" ''
shift
exec "$@"
"#;

/// The same for GNU tar, and with the time of each file in its header alone, where that has room for all of them: an
/// extended header, in which there is also a fraction of a second, doubles what is read of a small file. There is none
/// for times before 1970 and from 2242 on.
const WRITE: &str = r#"
go "$1" ''
shift
odd=$(find . '(' ! -newermt @0 -o -newermt @8589934591 ')' -print -quit 2>/dev/null) || odd=.
[ "$odd" ] || set -- "$@" --pax-option=delete=mtime
exec "$@" .
"#;

/// The first version of GNU tar that keeps extended attributes and access control lists.
const WITH_ATTRIBUTES: (u32, u32) = (1, 27);

/// What has GNU tar write extended attributes, and access control lists by numbers: in its own text of them, users and
/// groups have names. The extended headers have a name without the number of a process in it.
const ATTRIBUTES: [&str; 5] = [
    "--format=posix",
    "--pax-option=exthdr.name=attributes,delete=atime,delete=ctime",
    "--xattrs",
    "--xattrs-include=user.*",
    "--xattrs-include=system.posix_acl_*",
];

/// How much GNU tar writes at once, in blocks of 512 bytes: what a pipe of Linux holds. By itself it writes 10 KiB, and
/// whoever reads is woken up for that.
const RECORD: &str = "--blocking-factor=128";

/// A host's tar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostTar {
    /// Its name and version in its own words.
    pub(crate) version: String,
    /// Whether it is GNU's, which tells of files that change while it reads them.
    pub(crate) is_gnu: bool,
    /// Whether it keeps extended attributes and access control lists.
    pub(crate) keeps_attributes: bool,
    /// Whether it can leave something out: Debian's BusyBox is built without that.
    pub(crate) can_exclude: bool,
}

impl HostTar {
    /// The one of `exec`.
    pub(crate) async fn of(exec: &dyn Executor) -> Result<Self, remote::Error> {
        let output = run(exec, &Command::new(ABOUT), Input::Nothing).await?;
        let text = format!("{}{}", output.stdout_text(), output.stderr_text());
        let names_itself =
            |line: &&str| ["GNU tar", "BusyBox", "busybox"].iter().any(|name| line.contains(name));
        let version = text.lines().find(names_itself).unwrap_or("tar").trim().to_owned();
        let is_gnu = version.contains("GNU tar");
        let number = is_gnu.then(|| version.rsplit(' ').next()).flatten().and_then(numbered);
        let keeps_attributes = number >= Some(WITH_ATTRIBUTES);
        Ok(Self { version, is_gnu, keeps_attributes, can_exclude: is_gnu || text.contains("--exclude") })
    }
}

/// The command that writes what is in `directory` to stdout, but for what the patterns leave out.
///
/// Owners go as numbers: names mean somebody else on another host, and in containers.
pub(crate) fn create_command(tar: &HostTar, directory: &str, exclude: &[String]) -> Command {
    let script = if tar.keeps_attributes { WRITE } else { IN };
    let command = in_directory(script, directory).args(["env", "LC_ALL=C", "tar"]);
    let command = if tar.is_gnu {
        let format = if tar.keeps_attributes { &ATTRIBUTES[..] } else { &["--format=gnu"] };
        command.args(format.iter().copied()).args([
            "--numeric-owner",
            "--sort=name",
            RECORD,
            // Without holes: a file of a terabyte that has a megabyte in it is one megabyte.
            "--sparse",
            // As BusyBox understands patterns: from the beginning of any name on, and `*` within one.
            "--no-anchored",
            "--wildcards",
            "--no-wildcards-match-slash",
        ])
    } else {
        command
    };
    let excluded = exclude.iter().map(|pattern| format!("--exclude={}", in_archive(pattern)));
    let command = command.args(excluded).args(["-c", "-f", "-"]);
    let command = if tar.keeps_attributes { command } else { command.arg(".") };
    command.timeout(None).privileged().bulk()
}

/// The first two numbers of a version.
fn numbered(version: &str) -> Option<(u32, u32)> {
    let (major, rest) = version.split_once('.')?;
    let minor = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Checks a pattern of what is left out. tar takes a bracket that is not closed for itself, which nobody means.
///
/// # Errors
/// What is wrong with it.
pub fn check_pattern(pattern: &str) -> Result<(), &'static str> {
    if pattern.is_empty() || pattern.len() > 1000 || pattern.contains(['\0', '\n']) {
        return Err("it has to be of 1 to 1000 characters, on one line");
    }
    let mut rest = pattern;
    while let Some(at) = rest.find(['\\', '[']) {
        let (sign, after) = rest.split_at(at).1.split_at(1);
        if sign == "\\" {
            rest = after.strip_prefix(|_: char| true).unwrap_or_default();
            continue;
        }
        // What stands first in a set is part of it, also its end.
        let set = after.strip_prefix(['!', '^']).unwrap_or(after);
        let set = set.strip_prefix(']').unwrap_or(set);
        rest = set.split_once(']').ok_or("it has a `[` without its `]`; `\\[` is the sign itself")?.1;
    }
    Ok(())
}

/// What an archive has that a tar is asked to set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extras {
    /// Extended attributes or access control lists.
    pub(crate) attributes: bool,
    /// The latter. Where a file system has none, GNU tar complains of each file, so it is not asked for nothing.
    pub(crate) acls: bool,
}

/// The command that extracts stdin in `directory`.
pub(crate) fn extract_command(directory: &str, extras: Extras) -> Command {
    // What it says then is that it could not set one: of times that are yet to come it has nothing to say.
    let attributes = ["--xattrs", "--xattrs-include=user.*", "--warning=no-timestamp"];
    in_directory(IN, directory)
        .args(["env", "LC_ALL=C", "tar", "-x", "-p", "--numeric-owner"])
        .args(attributes.into_iter().filter(|_| extras.attributes))
        .args(extras.acls.then_some("--acls"))
        .args(["-f", "-"])
        .timeout(None)
        .privileged()
        .bulk()
}

fn in_directory(script: &str, directory: &str) -> Command {
    Command::new(["sh", "-c", &walking_script(script), "windlass-in", directory])
}

/// A pattern as it is matched in an archive, where all paths begin with `./`: one that begins with a
/// slash is meant from the corpus on.
fn in_archive(pattern: &str) -> String {
    if pattern.starts_with('/') { format!(".{pattern}") } else { pattern.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_closed() {
        for good in ["*.tmp", "/cache", "[ab]*", "[!]x]", "[^]]", "a\\[b", "a]"] {
            assert_eq!(check_pattern(good), Ok(()), "{good}");
        }
        for bad in ["", "[", "a[b", "[]", "[!]", "a\nb", "\\[[", &"x".repeat(1001)] {
            assert!(check_pattern(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn commands_are_words() {
        let exclude = ["*.tmp".to_owned(), "/cache".to_owned()];
        let excluded = ["--exclude=*.tmp", "--exclude=./cache", "-c", "-f", "-"];
        let gnu = ["--numeric-owner", "--sort=name", RECORD, "--sparse", "--no-anchored", "--wildcards"];
        let old = [&["--format=gnu"][..], &gnu].concat();
        let new = [&ATTRIBUTES[..], &gnu].concat();
        for (is_gnu, keeps_attributes, options, last) in
            [(true, true, &new[..], &[][..]), (true, false, &old, &["."]), (false, false, &[], &["."])]
        {
            let tar = HostTar { version: "tar".into(), is_gnu, keeps_attributes, can_exclude: true };
            let command = create_command(&tar, "/srv/a b", &exclude);
            let words = command.words();
            assert_eq!(words[2].contains("--pax-option=delete=mtime"), keeps_attributes);
            assert_eq!(words[3..8], ["windlass-in", "/srv/a b", "env", "LC_ALL=C", "tar"]);
            assert_eq!(&words[8..8 + options.len()], options);
            assert!(words.ends_with(
                &[&excluded[..], last].concat().iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()
            ));
            assert!(command.is_privileged() && command.is_bulk() && command.time_limit().is_none());
        }
    }

    #[test]
    fn attributes_are_set_where_there_are_some() {
        let words = |attributes, acls| {
            let command = extract_command("/srv/x", Extras { attributes, acls });
            command.words()[7..].to_vec()
        };
        let (first, last) = (["tar", "-x", "-p", "--numeric-owner"], ["-f", "-"]);
        let some = ["--xattrs", "--xattrs-include=user.*", "--warning=no-timestamp"];
        assert_eq!(words(false, false), [&first[..], &last].concat());
        assert_eq!(words(true, false), [&first[..], &some, &last].concat());
        assert_eq!(words(true, true), [&first[..], &some, &["--acls"], &last].concat());
    }

    #[test]
    fn a_version_is_of_two_numbers() {
        for (version, numbers) in
            [("1.34", Some((1, 34))), ("1.27.1", Some((1, 27))), ("1.35a", Some((1, 35))), ("x", None)]
        {
            assert_eq!(numbered(version), numbers, "{version}");
        }
        assert!(numbered("1.26") < Some(WITH_ATTRIBUTES) && numbered("2.0") > Some(WITH_ATTRIBUTES));
    }
}
