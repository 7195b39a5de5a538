//! Where the stored parts of a sparse member belong, in both ways that GNU tar writes it.
//!
//! GNU tar manual, Storing Sparse Files: the old GNU format has the ranges in the header and in blocks behind it; PAX
//! format 1.0 has them in decimal at the beginning of the data. Versions 0.0 and 0.1, which GNU tar 1.14 and 1.15
//! wrote, are refused.

use std::io::{self, Read};

use tar::{GnuExtSparseHeader, GnuHeader, GnuSparseHeader};

use super::{BLOCK, Malformed, block, field};

/// How many ranges a member has at most: they are in memory. As many has a file of 64 GiB of which every second
/// page is a hole.
const MOST_RANGES: usize = 8 << 20;

/// What records say of a sparse member.
#[derive(Debug, Default)]
pub(super) struct Announced<'a> {
    major: Option<&'a [u8]>,
    minor: Option<&'a [u8]>,
    pub(super) name: Option<&'a [u8]>,
    real_size: Option<&'a [u8]>,
}

impl<'a> Announced<'a> {
    /// What one of them says whose keyword is `GNU.sparse.` and this.
    pub(super) fn note(&mut self, keyword: &[u8], value: &'a [u8]) -> Result<(), Malformed> {
        let place = match keyword {
            b"major" => &mut self.major,
            b"minor" => &mut self.minor,
            b"name" => &mut self.name,
            b"realsize" => &mut self.real_size,
            _ => return Err(Malformed::SparseVersion),
        };
        *place = Some(value);
        Ok(())
    }

    /// How large the member is, where it is sparse.
    pub(super) fn size(&self) -> Result<Option<u64>, Malformed> {
        match (self.major, self.minor, self.real_size) {
            (None, None, None) if self.name.is_none() => Ok(None),
            (Some(b"1"), Some(b"0"), Some(size)) => {
                field::decimal(size).map(Some).ok_or(Malformed::Number("realsize"))
            }
            _ => Err(Malformed::SparseVersion),
        }
    }
}

/// The ranges of a sparse member that are stored, in order.
#[derive(Debug, Default)]
pub(super) struct Map {
    ranges: Vec<(u64, u64)>,
    /// Where the last one ended.
    end: u64,
    stored: u64,
    size: u64,
}

impl Map {
    /// What an old header says, and the blocks behind it.
    pub(super) fn old(header: &GnuHeader, reader: &mut impl Read) -> io::Result<Self> {
        let size = field::count(&header.realsize, "realsize")?;
        let mut map = Self { size, ..Self::default() };
        map.add_all(&header.sparse)?;
        let mut is_extended = header.is_extended();
        while is_extended {
            let mut more = GnuExtSparseHeader::new();
            block(reader, more.as_mut_bytes())?;
            map.add_all(more.sparse())?;
            is_extended = more.is_extended();
        }
        Ok(map)
    }

    /// What stands before the content of a member of this size; takes from `stored` what it read.
    pub(super) fn of_data(size: u64, reader: &mut impl Read, stored: &mut u64) -> io::Result<Self> {
        let mut map = Self { size, ..Self::default() };
        let mut lines = Lines { reader, stored, block: [0; BLOCK], at: BLOCK };
        let count = lines.number()?;
        for _ in 0..count {
            let (offset, length) = (lines.number()?, lines.number()?);
            map.add(offset, length)?;
        }
        Ok(map)
    }

    fn add_all(&mut self, ranges: &[GnuSparseHeader]) -> io::Result<()> {
        for range in ranges.iter().filter(|range| !range.is_empty()) {
            let offset = field::count(&range.offset, "offset")?;
            let length = field::count(&range.numbytes, "numbytes")?;
            self.add(offset, length)?;
        }
        Ok(())
    }

    fn add(&mut self, offset: u64, length: u64) -> Result<(), Malformed> {
        let end = offset.checked_add(length).filter(|end| offset >= self.end && *end <= self.size);
        let end = end.ok_or(Malformed::Sparse)?;
        if length == 0 {
            return Ok(());
        }
        // Each begins with a block; where the one before did not end with one, there is no saying where.
        if !self.stored.is_multiple_of(BLOCK as u64) {
            return Err(Malformed::Sparse);
        }
        if self.ranges.len() == MOST_RANGES {
            return Err(Malformed::TooManyRanges);
        }
        self.ranges.push((offset, length));
        self.stored += length;
        self.end = end;
        Ok(())
    }

    /// The ranges of a member of which so much is stored, and how large it is.
    pub(super) fn checked(self, stored: u64) -> io::Result<(Ranges, u64)> {
        if self.stored != stored {
            return Err(io::Error::from(Malformed::Sparse));
        }
        Ok((Ranges { ranges: self.ranges.into_iter(), open: None, at: 0, size: self.size }, self.size))
    }
}

/// Decimal numbers, each on a line of its own, that fill whole blocks of what is stored.
struct Lines<'a, R> {
    reader: &'a mut R,
    stored: &'a mut u64,
    block: [u8; BLOCK],
    at: usize,
}

impl<R: Read> Lines<'_, R> {
    fn number(&mut self) -> io::Result<u64> {
        let mut number: Option<u64> = None;
        loop {
            if self.at == BLOCK {
                let left = self.stored.checked_sub(BLOCK as u64);
                *self.stored = left.ok_or_else(|| io::Error::from(Malformed::Sparse))?;
                block(self.reader, &mut self.block)?;
                self.at = 0;
            }
            let byte = self.block[self.at];
            self.at += 1;
            number = match (byte, number) {
                (b'0'..=b'9', _) => {
                    let (before, digit) = (number.unwrap_or_default(), u64::from(byte - b'0'));
                    let longer = before.checked_mul(10).and_then(|number| number.checked_add(digit));
                    Some(longer.ok_or_else(|| io::Error::from(Malformed::Sparse))?)
                }
                (b'\n', Some(number)) => return Ok(number),
                _ => return Err(io::Error::from(Malformed::Sparse)),
            };
        }
    }
}

/// What comes next of a sparse member.
pub(super) enum Next {
    /// So many zeros, which are not stored.
    Hole(u64),
    /// So many bytes, which are.
    Stored(u64),
    /// Nothing.
    End,
}

/// Goes through a sparse member.
#[derive(Debug)]
pub(super) struct Ranges {
    ranges: std::vec::IntoIter<(u64, u64)>,
    /// What is left of the range that was begun, or is the next: where it begins, and how long it is.
    open: Option<(u64, u64)>,
    at: u64,
    size: u64,
}

impl Ranges {
    /// What comes next.
    pub(super) fn next(&mut self) -> Next {
        if self.open.is_none() {
            self.open = self.ranges.next();
        }
        match self.open {
            Some((offset, length)) if offset == self.at => Next::Stored(length),
            Some((offset, _)) => Next::Hole(offset - self.at),
            None if self.at < self.size => Next::Hole(self.size - self.at),
            None => Next::End,
        }
    }

    /// Says that so much of that has been taken.
    pub(super) fn took(&mut self, count: u64) {
        let begin = self.at;
        self.at += count;
        if let Some((offset, length)) = self.open
            && offset == begin
        {
            self.open = Some((self.at, length - count)).filter(|(_, length)| *length > 0);
        }
    }
}
