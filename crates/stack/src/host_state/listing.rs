//! What the host tells of a stack's directory, taken in as it comes: tens of thousands of files are
//! more than anybody wants to hold as text.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    pin::Pin,
    task::{Context, Poll},
};

use remote::files::{Kind, sum_of, unescaped};
use tokio::io::AsyncWrite;
use tree::{FileDigest, link_digest};

/// What the script printed, so far.
///
/// First come the lines of our own files, up to a NUL. Then each line tells one thing of one path,
/// and its first character says what: a hash of `sha256sum`, `@` the mode that `stat` tells (all of
/// it, in hexadecimal), `>` a symbolic link, `<` its target. A line that begins otherwise goes on
/// with the one before: names and targets may hold the end of a line.
#[derive(Debug, Default)]
pub(super) struct Listing {
    ours: Vec<u8>,
    /// Whether the NUL has come.
    ours_told: bool,
    /// The beginning of a line.
    line: Vec<u8>,
    last: Option<Told>,
    sums: HashMap<String, String>,
    modes: Vec<(String, u32)>,
    targets: HashMap<String, String>,
    link: String,
}

/// What one line tells.
#[derive(Debug)]
enum Told {
    /// The hash of a content; whether special characters in the path are escaped; the path.
    Sum(String, bool, String),
    Mode(u32, String),
    Link(String),
    Target(String),
}

/// What was printed, all of it.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// The lines of our own files.
    pub(super) ours: String,
    /// Whether there is a folder of ours.
    pub(super) is_ours: bool,
    /// The hash of the file that is asked for by its name.
    sums: HashMap<String, String>,
    /// The shipped files as they are.
    pub(super) found: BTreeMap<String, FileDigest>,
}

impl Listed {
    /// What `text` tells.
    #[cfg(test)]
    pub(super) fn of(text: &str) -> Self {
        let mut listing = Listing::default();
        listing.take(text.as_bytes());
        listing.end()
    }

    /// The hash of a file of ours, by the path that was asked for.
    pub(super) fn sum(&self, path: &str) -> Option<&String> {
        self.sums.get(path)
    }
}

impl Told {
    fn parse(line: &str) -> Option<Self> {
        match line.split_at_checked(1)? {
            ("@", rest) => {
                let (mode, path) = rest.split_once(' ')?;
                Some(Self::Mode(u32::from_str_radix(mode, 16).ok()?, path.to_owned()))
            }
            (">", path) => Some(Self::Link(path.to_owned())),
            ("<", target) => Some(Self::Target(target.to_owned())),
            _ => {
                let (sum, path, is_escaped) = sum_of(line)?;
                Some(Self::Sum(sum.to_owned(), is_escaped, path.to_owned()))
            }
        }
    }

    fn text(&mut self) -> &mut String {
        match self {
            Self::Sum(_, _, text) | Self::Mode(_, text) | Self::Link(text) | Self::Target(text) => text,
        }
    }
}

impl Listing {
    fn take(&mut self, mut bytes: &[u8]) {
        if !self.ours_told {
            let end = bytes.iter().position(|byte| *byte == 0);
            self.ours.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
            let Some(end) = end else { return };
            self.ours_told = true;
            bytes = &bytes[end + 1..];
        }
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(part) => {
                    self.line.extend_from_slice(part);
                    let line = std::mem::take(&mut self.line);
                    self.take_line(&String::from_utf8_lossy(&line));
                }
                None => self.line.extend_from_slice(part),
            }
        }
    }

    fn take_line(&mut self, line: &str) {
        match (Told::parse(line), &mut self.last) {
            (Some(told), _) => {
                self.settle();
                self.last = Some(told);
            }
            (None, Some(last)) => {
                last.text().push('\n');
                last.text().push_str(line);
            }
            (None, None) => {}
        }
    }

    /// The last line is complete.
    fn settle(&mut self) {
        match self.last.take() {
            Some(Told::Sum(sum, escaped, path)) => {
                drop(self.sums.insert(if escaped { unescaped(&path) } else { path }, sum));
            }
            Some(Told::Mode(mode, path)) => self.modes.push((path, mode)),
            Some(Told::Link(path)) => self.link = path,
            Some(Told::Target(target)) => {
                drop(self.targets.insert(std::mem::take(&mut self.link), target));
            }
            None => {}
        }
    }

    /// All of it, once the script has ended.
    pub(super) fn end(mut self) -> Listed {
        self.settle();
        let mut found = BTreeMap::new();
        for (path, mode) in std::mem::take(&mut self.modes) {
            let digest = match Kind::of_mode(mode) {
                Kind::Symlink => self.targets.get(&path).map(|target| link_digest(target)),
                Kind::File => {
                    self.sums.remove(&path).map(|sha256| FileDigest { sha256, mode: mode & 0o7777 })
                }
                Kind::Directory | Kind::Special => None,
            };
            let path = path.strip_prefix("./").map(str::to_owned).unwrap_or(path);
            found.extend(digest.map(|digest| (path, digest)));
        }
        let ours = String::from_utf8_lossy(&self.ours).into_owned();
        Listed { ours, is_ours: self.ours_told, sums: self.sums, found }
    }
}

impl AsyncWrite for Listing {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_may_come_in_any_pieces() {
        let [one, two, three] = ["1", "2", "3"].map(|digit| digit.repeat(64));
        let text = format!(
            "source.json:{{}}\n\0{one}  ./a b\n\\{two}  ./c\\nd\\\\\n{three}  .windlass/override.json\n\
             @81a4 ./a b\n@81ed ./c\nd\\\n@41ed ./dir\n@81a4 ./unread\n@a1ff ./l\n>./l\n<to\nthere\n"
        );
        for size in [1, 7, text.len()] {
            let mut listing = Listing::default();
            text.as_bytes().chunks(size).for_each(|part| listing.take(part));
            let listed = listing.end();
            let file = |sha256: &str, mode| FileDigest { sha256: sha256.to_owned(), mode };
            let expected =
                [("a b", file(&one, 0o644)), ("c\nd\\", file(&two, 0o755)), ("l", link_digest("to\nthere"))];
            let expected: BTreeMap<String, FileDigest> =
                expected.map(|(path, digest)| (path.to_owned(), digest)).into();
            assert_eq!(listed.found, expected, "in pieces of {size}");
            assert_eq!(listed.sum(".windlass/override.json"), Some(&three));
            assert_eq!(listed.ours, "source.json:{}\n");
        }
    }

    #[test]
    fn nothing_there_is_an_empty_listing() {
        let listed = Listing::default().end();
        assert!(listed.found.is_empty() && listed.ours.is_empty());
    }
}
