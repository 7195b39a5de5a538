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

/// A host's tar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostTar {
    /// Its name and version in its own words.
    pub(crate) version: String,
    /// Whether it is GNU's, which tells of files that change while it reads them.
    pub(crate) is_gnu: bool,
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
        Ok(Self { version, is_gnu, can_exclude: is_gnu || text.contains("--exclude") })
    }
}

/// The command that writes what is in `directory` to stdout, but for what the patterns leave out.
///
/// The old GNU format, because both can write and read it, and because its long names may have line
/// breaks in them. Owners go as numbers: names mean somebody else on another host, and in containers.
pub(crate) fn create_command(tar: &HostTar, directory: &str, exclude: &[String]) -> Command {
    let command = in_directory(directory).args(["env", "LC_ALL=C", "tar"]);
    let command = if tar.is_gnu {
        command.args([
            "--format=gnu",
            "--numeric-owner",
            "--sort=name",
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
    command.args(excluded).args(["-c", "-f", "-", "."]).timeout(None).privileged().bulk()
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

/// The command that extracts stdin in `directory`.
pub(crate) fn extract_command(directory: &str) -> Command {
    in_directory(directory)
        .args(["env", "LC_ALL=C", "tar", "-x", "-p", "--numeric-owner", "-f", "-"])
        .timeout(None)
        .privileged()
        .bulk()
}

fn in_directory(directory: &str) -> Command {
    Command::new(["sh", "-c", &walking_script(IN), "windlass-in", directory])
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
        let last = ["--exclude=*.tmp", "--exclude=./cache", "-c", "-f", "-", "."];
        let gnu =
            ["--format=gnu", "--numeric-owner", "--sort=name", "--sparse", "--no-anchored", "--wildcards"];
        for (is_gnu, options) in [(true, &gnu[..]), (false, &[])] {
            let tar = HostTar { version: "tar".into(), is_gnu, can_exclude: true };
            let command = create_command(&tar, "/srv/a b", &exclude);
            let words = command.words();
            assert_eq!(words[3..8], ["windlass-in", "/srv/a b", "env", "LC_ALL=C", "tar"]);
            assert_eq!(&words[8..8 + options.len()], options);
            assert_eq!(words[words.len() - last.len()..], last);
            assert!(command.is_privileged() && command.is_bulk() && command.time_limit().is_none());
        }
    }
}
