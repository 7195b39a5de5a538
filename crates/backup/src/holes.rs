//! Holes of sparse files: ranges that nobody has written, which take no room and are read as zeros.
//!
//! GNU tar stores a sparse file without them, and what reads such an archive yields zeros in their place.
//! An archive says where they are before it has the content, and restoring writes it anew while it passes
//! by: so the manifest knows them. Only what was sparse has some; zeros that somebody wrote stay written.

use std::io::{self, Cursor, Read};

use serde::{Deserialize, Serialize};
use tar::{GnuExtSparseHeader, GnuHeader};

/// The least that is a hole, which begins at a multiple of it: file systems go by 4 KiB, and a database
/// that has a hole between any two pages would fill the manifest with them.
const GRAIN: usize = 64 << 10;

/// A hole: where it begins, and how long it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hole(pub u64, pub u64);

impl Hole {
    fn end(self) -> u64 {
        self.0.saturating_add(self.1)
    }
}

/// Whether holes can be those of a file of this size: in their order, and within it.
pub(crate) fn fit(holes: &[Hole], size: u64) -> bool {
    let mut at = 0;
    holes.iter().all(|hole| {
        let fits = hole.0 >= at && hole.1 > 0 && hole.0.checked_add(hole.1).is_some_and(|end| end <= size);
        // What stands between two of them is stored in blocks of 512 bytes.
        let is_aligned = hole.0.is_multiple_of(GRAIN as u64);
        at = hole.end();
        fits && is_aligned && (at == size || at.is_multiple_of(GRAIN as u64))
    })
}

/// Looks for holes in a content that passes by.
#[derive(Debug)]
pub(crate) struct Finder {
    at: u64,
    /// Whether all has been zero since the last multiple of [`GRAIN`].
    is_zero: bool,
    holes: Vec<Hole>,
}

impl Finder {
    pub(crate) fn new() -> Self {
        Self { at: 0, is_zero: true, holes: Vec::new() }
    }

    /// What comes next.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = GRAIN - self.begun();
            let (part, rest) = bytes.split_at(room.min(bytes.len()));
            self.is_zero = self.is_zero && is_zero(part);
            self.at += part.len() as u64;
            if self.begun() == 0 {
                self.close(GRAIN as u64);
            }
            bytes = rest;
        }
    }

    /// All that there are.
    pub(crate) fn finish(mut self) -> Vec<Hole> {
        let rest = self.begun() as u64;
        if rest > 0 {
            self.close(rest);
        }
        self.holes
    }

    /// How much has come since the last multiple of [`GRAIN`].
    fn begun(&self) -> usize {
        (self.at % GRAIN as u64) as usize
    }

    fn close(&mut self, length: u64) {
        let start = self.at - length;
        if std::mem::replace(&mut self.is_zero, true) {
            match self.holes.last_mut() {
                Some(last) if last.end() == start => last.1 += length,
                _ => self.holes.push(Hole(start, length)),
            }
        }
    }
}

/// As comparing memory does it, at many bytes at once: a hole may be of terabytes.
fn is_zero(bytes: &[u8]) -> bool {
    static ZEROS: [u8; GRAIN] = [0; GRAIN];
    bytes.chunks(GRAIN).all(|part| *part == ZEROS[..part.len()])
}

/// What is between the holes of a file of this size, as GNU tar lists it: with an empty range at the end of
/// what ends with a hole.
fn written(holes: &[Hole], size: u64) -> Vec<(u64, u64)> {
    let (mut ranges, mut at) = (Vec::new(), 0);
    for hole in holes {
        if hole.0 > at {
            ranges.push((at, hole.0 - at));
        }
        at = hole.end();
    }
    ranges.push((at, size.saturating_sub(at)));
    ranges
}

/// Writes into `header` where the holes of a file of this size are, and how much of it is stored; what has
/// no room there stands before the content.
pub(crate) fn announce(header: &mut GnuHeader, holes: &[Hole], size: u64) -> Cursor<Vec<u8>> {
    let ranges = written(holes, size);
    let (here, beyond) = ranges.split_at(ranges.len().min(header.sparse.len()));
    header.set_real_size(size);
    for ((offset, length), place) in here.iter().zip(&mut header.sparse) {
        place.set_offset(*offset);
        place.set_length(*length);
    }
    header.set_is_extended(!beyond.is_empty());
    header.as_header_mut().set_size(ranges.iter().map(|(_, length)| length).sum());
    let mut more = Vec::new();
    let mut rest = beyond;
    while !rest.is_empty() {
        let mut block = GnuExtSparseHeader::new();
        let (now, later) = rest.split_at(rest.len().min(block.sparse.len()));
        for ((offset, length), place) in now.iter().zip(&mut block.sparse) {
            place.set_offset(*offset);
            place.set_length(*length);
        }
        block.set_is_extended(!later.is_empty());
        more.extend_from_slice(block.as_bytes());
        rest = later;
    }
    Cursor::new(more)
}

/// Why a content cannot be read without its holes.
#[derive(Debug, thiserror::Error)]
#[error("there is something in a hole")]
struct Filled;

/// Whether reading has failed because something is in a hole.
pub(crate) fn is_filled(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Filled>())
}

/// A content without its holes.
pub(crate) struct Dense<'a, R> {
    content: R,
    holes: &'a [Hole],
    at: u64,
    scratch: Vec<u8>,
}

impl<'a, R: Read> Dense<'a, R> {
    pub(crate) fn new(content: R, holes: &'a [Hole]) -> Self {
        Self { content, holes, at: 0, scratch: vec![0; GRAIN] }
    }
}

impl<R: Read> Read for Dense<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(hole) = self.holes.first() else { return self.content.read(buffer) };
            if self.at < hole.0 {
                let room = usize::try_from(hole.0 - self.at).unwrap_or(usize::MAX).min(buffer.len());
                let count = self.content.read(&mut buffer[..room])?;
                self.at += count as u64;
                return Ok(count);
            }
            let room = usize::try_from(hole.end() - self.at).unwrap_or(usize::MAX).min(GRAIN);
            let count = self.content.read(&mut self.scratch[..room])?;
            if !is_zero(&self.scratch[..count]) {
                return Err(io::Error::other(Filled));
            }
            self.at += count as u64;
            if count == 0 {
                return Ok(0);
            }
            if self.at == hole.end() {
                self.holes = &self.holes[1..];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAIN_64: u64 = GRAIN as u64;

    /// The holes of `content`, which comes in pieces of `piece` bytes.
    fn found(content: &[u8], piece: usize) -> Vec<Hole> {
        let mut finder = Finder::new();
        content.chunks(piece).for_each(|part| finder.push(part));
        finder.finish()
    }

    #[test]
    fn holes_are_found_however_a_content_comes() {
        let mut content = vec![0; 10 * GRAIN + 100];
        content[3 * GRAIN + 5] = 1;
        content[4 * GRAIN] = 1;
        let expected = [Hole(0, 3 * GRAIN_64), Hole(5 * GRAIN_64, 5 * GRAIN_64 + 100)];
        for piece in [1000, GRAIN - 1, GRAIN, GRAIN + 1, content.len()] {
            let holes = found(&content, piece);
            assert_eq!(holes, expected, "{piece}");
            assert!(fit(&holes, content.len() as u64));
        }
        assert_eq!(found(&[0; 100], 7), [Hole(0, 100)]);
        assert_eq!(found(&[1; 100], 7), []);
        assert_eq!(found(&[], 7), []);
    }

    #[test]
    fn what_is_between_them_is_what_is_stored() {
        let size = 10 * GRAIN_64;
        let hole = Hole(GRAIN_64, GRAIN_64);
        assert_eq!(written(&[hole], size), [(0, GRAIN_64), (2 * GRAIN_64, 8 * GRAIN_64)]);
        assert_eq!(written(&[Hole(0, size)], size), [(size, 0)]);
        let content: Vec<u8> =
            [vec![7; GRAIN], vec![0; GRAIN], vec![9; 8 * GRAIN]].into_iter().flatten().collect();
        let mut dense = Vec::new();
        Dense::new(&content[..], &[hole]).read_to_end(&mut dense).unwrap();
        assert_eq!((dense.len(), dense[GRAIN]), (9 * GRAIN, 9));
        let wrong = Dense::new(&content[..], &[Hole(0, GRAIN_64)]).read_to_end(&mut dense);
        assert!(is_filled(&wrong.unwrap_err()));
    }

    #[test]
    fn holes_that_cannot_be_are_refused() {
        let size = 4 * GRAIN_64 + 1;
        assert!(fit(&[], size) && fit(&[Hole(GRAIN_64, 3 * GRAIN_64 + 1)], size));
        for holes in [
            &[Hole(GRAIN_64, 0)][..],
            &[Hole(1, GRAIN_64)],
            &[Hole(0, GRAIN_64 + 1)],
            &[Hole(0, 5 * GRAIN_64)],
            &[Hole(GRAIN_64, u64::MAX)],
            &[Hole(GRAIN_64, GRAIN_64), Hole(0, GRAIN_64)],
        ] {
            assert!(!fit(holes, size), "{holes:?}");
        }
    }
}
