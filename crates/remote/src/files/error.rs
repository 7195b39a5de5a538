//! What can go wrong with files on a host.

use std::io;

use crate::{Error, Output, collect::last_lines};

use super::{Kind, walk::LINK};

/// How many lines of a tool's stderr are repeated.
const LINES: usize = 5;

/// A file operation that failed. Unless said otherwise the host is as it was before.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum FileError {
    /// The host could not be reached, or the command not run to its end.
    #[error(transparent)]
    Remote(#[from] Error),
    /// A path that we do not work with.
    #[error("path {path:?} {problem}")]
    Path {
        path: String,
        /// What is wrong with it, as a verb phrase.
        problem: &'static str,
    },
    /// Two of the files to upload cannot both be there.
    #[error("{path:?} stands for two different things")]
    Conflict { path: String },
    /// Something is in the way.
    #[error("cannot write {path:?} on {host}: there is {kind} in its place")]
    Occupied { path: String, host: String, kind: Kind },
    /// A file is where a directory should be.
    #[error("{path:?} on {host} is not a directory but {kind}")]
    NotADirectory { path: String, host: String, kind: Kind },
    /// A link on the way leads to where those who can change it may not write: root does not follow it.
    #[error("{link:?} on the way to {path:?} on {host} is a symbolic link that others can change")]
    Link { path: String, host: String, link: String },
    /// There is no such file.
    #[error("{path:?} does not exist on {host}")]
    Absent { path: String, host: String },
    /// The disk of the host, or the user's share of it, is full.
    #[error("no space is left for {path:?} on {host}")]
    NoSpace { path: String, host: String },
    /// The user may not do that.
    #[error("not permitted to {operation} {path:?} on {host}: {stderr}")]
    Denied {
        /// What was being done, as a verb phrase without its object.
        operation: &'static str,
        path: String,
        host: String,
        stderr: String,
    },
    /// A tool on the host failed for another reason.
    #[error("could not {operation} {path:?} on {host} (status {status}): {stderr}")]
    Failed {
        /// What was being done, as a verb phrase without its object.
        operation: &'static str,
        path: String,
        host: String,
        status: u32,
        stderr: String,
    },
    /// What arrived is not what was sent; nothing was replaced.
    #[error("the content of {path:?} arrived damaged on {host}")]
    Damaged { path: String, host: String },
    /// Only some of the files are in place; each of them is whole.
    #[error("only {} of {of} parts of {path:?} are in place on {host}: {stderr}", moved.len())]
    Partial {
        path: String,
        host: String,
        /// What is in place, relative to the directory it was moved to.
        moved: Vec<String>,
        /// How many should be.
        of: usize,
        stderr: String,
    },
    /// Something on our own side could not be read or written.
    #[error("could not {operation}")]
    Here {
        /// What was being done, as a verb phrase.
        operation: String,
        #[source]
        source: io::Error,
    },
    /// An archive from the host holds something that must not be unpacked.
    #[error("refused to unpack {entry:?} from {host}: {problem}")]
    Unsafe { entry: String, host: String, problem: &'static str },
}

impl FileError {
    /// What a tool that ended with a bad status means.
    pub fn from_output(operation: &'static str, path: &str, host: String, output: &Output) -> Self {
        let (path, text) = (path.to_owned(), output.stderr_text());
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        // "Wrote only" is what tar says when the last block that fits is a part of one.
        if says(&["No space left on device", "Disk quota exceeded", ": Wrote only "]) {
            return Self::NoSpace { path, host };
        }
        if let Some(link) = text.lines().rev().find_map(|line| line.strip_prefix(LINK)) {
            return Self::Link { path, host, link: link.to_owned() };
        }
        let stderr = last_lines(&text, LINES);
        if says(&["Permission denied", "Operation not permitted"]) {
            return Self::Denied { operation, path, host, stderr };
        }
        Self::Failed { operation, path, host, status: output.status, stderr }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(stderr: &str) -> FileError {
        let output = Output { status: 2, stdout: Vec::new(), stderr: stderr.as_bytes().to_vec() };
        FileError::from_output("write", "/srv/a", "web".to_owned(), &output)
    }

    #[test]
    fn what_the_tools_say_is_understood() {
        for full in [
            "tar: .t: Cannot write: No space left on device\ntar: Exiting with failure status",
            "tar: .t: Wrote only 512 of 10240 bytes",
            "tar: .t: Cannot open: Disk quota exceeded",
        ] {
            assert_eq!(of(full).to_string(), "no space is left for \"/srv/a\" on web");
        }
        let denied = of("tar: .t: Cannot open: Permission denied");
        assert!(matches!(denied, FileError::Denied { .. }), "{denied:?}");
        assert_eq!(
            of("tar: .t: Cannot open: Read-only file system").to_string(),
            "could not write \"/srv/a\" on web (status 2): tar: .t: Cannot open: Read-only file system"
        );
    }
}
