//! Where in a stream a command's own output begins.
//!
//! What a login writes by itself comes before the mark that `sh` writes in front of the command
//! (`remote::quote::Mark`), and is kept out of the command's output.

use bytes::Bytes;
use remote::{Tail, quote::Mark};

/// How much of a login's own words is kept for a message: the last of them, where programs say why
/// they stop.
const KEPT: usize = 8 << 10;

/// How long the line of a mark may be before it is none.
const LONGEST_LINE: usize = 4 << 10;

/// One stream of a command that is being started.
#[derive(Debug)]
pub(crate) struct Frame {
    mark: Vec<u8>,
    /// What has come and may still be the beginning of a mark; `None` behind it.
    held: Option<Vec<u8>>,
    noise: Tail,
}

/// What the mark tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Begun {
    /// The process that is the command from then on; 0 where there is none, because the login has
    /// joined the two streams.
    pub(crate) pid: u32,
    /// The login shell's path, as far as the login says it.
    pub(crate) shell: String,
}

/// What a piece of the stream is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The command's own.
    Own(Bytes),
    /// The login's, or not to be told yet.
    Before,
    /// The mark has come, and after it this.
    Begins(Begun, Bytes),
}

impl Frame {
    /// A stream from its beginning, in which `mark` is still to come.
    pub(crate) fn new(mark: &Mark) -> Self {
        Self { mark: mark.as_written().into_bytes(), held: Some(Vec::new()), noise: Tail::of(KEPT) }
    }

    /// What `piece`, the next of the stream, is.
    pub(crate) fn add(&mut self, piece: Bytes) -> Piece {
        let Some(mut held) = self.held.take() else { return Piece::Own(piece) };
        held.extend_from_slice(&piece);
        while let Some(at) = held.windows(self.mark.len()).position(|window| window == self.mark) {
            self.pass(&mut held, at);
            let line = &held[self.mark.len()..];
            match line.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    if let Some(begun) = Begun::parse(&line[..end]) {
                        return Piece::Begins(begun, Bytes::copy_from_slice(&line[end + 1..]));
                    }
                    self.pass(&mut held, 1);
                }
                None if line.len() < LONGEST_LINE => {
                    self.held = Some(held);
                    return Piece::Before;
                }
                None => self.pass(&mut held, 1),
            }
        }
        // A mark may come in parts.
        let certain = (held.len() + 1).saturating_sub(self.mark.len());
        self.pass(&mut held, certain);
        self.held = Some(held);
        Piece::Before
    }

    /// Whether the mark has come.
    pub(crate) fn has_begun(&self) -> bool {
        self.held.is_none()
    }

    /// What came before the mark, or has come without it: the end of it.
    pub(crate) fn noise(&self) -> String {
        self.noise.text() + &String::from_utf8_lossy(self.held.as_deref().unwrap_or_default())
    }

    /// Takes the first `count` bytes that are held for the login's own.
    fn pass(&mut self, held: &mut Vec<u8>, count: usize) {
        self.noise.push(&held[..count]);
        held.drain(..count);
    }
}

impl Begun {
    /// Whether the login has joined the two streams.
    pub(crate) fn is_joined(&self) -> bool {
        self.pid == 0
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let (pid, shell) = std::str::from_utf8(line).ok()?.split_once('-')?;
        Some(Self { pid: pid.parse().ok()?, shell: shell.trim_end().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a frame makes of `text` in pieces: what the mark told, the noise, and the rest.
    fn through(frame: &mut Frame, pieces: &[&[u8]]) -> (Option<Begun>, String, String) {
        let (mut begun, mut own) = (None, Vec::new());
        for piece in pieces {
            match frame.add(Bytes::copy_from_slice(piece)) {
                Piece::Own(bytes) => own.extend_from_slice(&bytes),
                Piece::Before => assert!(begun.is_none() && own.is_empty()),
                Piece::Begins(told, rest) => {
                    assert!(begun.replace(told).is_none());
                    own.extend_from_slice(&rest);
                }
            }
        }
        (begun, frame.noise(), String::from_utf8(own).unwrap())
    }

    #[test]
    fn output_begins_behind_the_mark_however_it_is_cut() {
        let mark = Mark::random().unwrap();
        let own = format!("hello\n{}1-/bin/sh\nstill mine", mark.as_written());
        for before in ["", "Welcome to web\n", "no newline", &format!("{}x-\n", mark.as_written())] {
            let text = format!("{before}{}4711-/bin/bash\n{own}", mark.as_written());
            for cut in 0..=text.len() {
                let (first, second) = text.as_bytes().split_at(cut);
                let (begun, noise, rest) = through(&mut Frame::new(&mark), &[first, second]);
                assert_eq!(begun, Some(Begun { pid: 4711, shell: "/bin/bash".to_owned() }), "cut at {cut}");
                assert_eq!((noise.as_str(), rest.as_str()), (before, own.as_str()), "cut at {cut}");
            }
        }
    }

    #[test]
    fn without_a_mark_all_of_it_is_the_logins() {
        let mark = Mark::random().unwrap();
        let mut frame = Frame::new(&mark);
        let said = "This account is currently not available.\n";
        let begin = mark.as_written();
        assert_eq!(through(&mut frame, &[said.as_bytes(), &begin.as_bytes()[..5]]).0, None);
        assert!(!frame.has_begun());
        assert_eq!(frame.noise(), format!("{said}{}", &begin[..5]));
    }

    #[test]
    fn much_noise_is_passed_over_and_the_end_of_it_kept() {
        let mark = Mark::random().unwrap();
        let mut frame = Frame::new(&mark);
        for _ in 0..1000 {
            assert_eq!(frame.add(Bytes::from(vec![b'x'; 5000])), Piece::Before);
        }
        assert!(frame.held.as_ref().is_some_and(|held| held.len() < 100));
        let end = format!("the last word\n{}7-\nown", mark.as_written());
        let begun = Begun { pid: 7, shell: String::new() };
        assert_eq!(frame.add(Bytes::from(end)), Piece::Begins(begun, Bytes::from_static(b"own")));
        let noise = frame.noise();
        assert!(noise.ends_with("the last word\n") && noise.len() < 3 * KEPT, "{}", noise.len());
    }
}
