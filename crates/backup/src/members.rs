//! The members of an archive, one after another, while it passes by.
//!
//! What may come is what GNU tar, BusyBox and Docker write: ustar headers, long names of GNU, extended headers of PAX,
//! whose values may have any bytes in them, and sparse members of both of GNU's formats. Whatever comes, little is in
//! memory: the records before a member and the map of a sparse one have limits.

mod field;
pub(crate) mod pax;
mod sparse;

use std::{
    borrow::Cow,
    io::{self, Read},
};

use tar::{EntryType, Header};

use pax::Overrides;
use sparse::{Map, Next, Ranges};

/// What an archive is made of (POSIX.1-2017, pax, ustar interchange format: logical records).
pub(crate) const BLOCK: usize = 512;

/// How many zeros mark the end of an archive (the same: two records).
const END: usize = 2 * BLOCK;

/// How long the records before a member are at most, and how long a name is.
const MOST_BEFORE: u64 = 4 << 20;

/// Why an archive cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Malformed {
    #[error("a header has another checksum than it says")]
    Checksum,
    #[error("the field {0} of a header is not a number that can be")]
    Number(&'static str),
    #[error("an extended header has something that is not a record")]
    Record,
    #[error("what stands before a member is longer than {MOST_BEFORE} bytes")]
    TooLong,
    #[error("there are two headers of the same kind before a member")]
    Twice,
    #[error("there is no member behind its extended header")]
    NoMember,
    #[error("an extended header changes all members behind it")]
    Global,
    #[error("a sparse member has ranges that cannot be")]
    Sparse,
    #[error("an access control list is not one of Linux")]
    Acl,
    #[error("a sparse member has too many holes")]
    TooManyRanges,
    #[error("a sparse member is of a format that GNU tar has not written since version 1.16")]
    SparseVersion,
}

impl From<Malformed> for io::Error {
    fn from(malformed: Malformed) -> Self {
        Self::new(io::ErrorKind::InvalidData, malformed)
    }
}

/// What the headers of a member say.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    pub(crate) kind: EntryType,
    pub(crate) path: Cow<'a, [u8]>,
    /// Where a link leads; nothing where that is not said.
    pub(crate) link: Cow<'a, [u8]>,
    pub(crate) mode: u32,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
    /// Seconds since 1970 began.
    pub(crate) mtime: i64,
    /// The bytes of its content, with those in holes.
    pub(crate) size: u64,
    /// Whether it was stored without its holes.
    pub(crate) is_sparse: bool,
    /// The records of its extended header.
    pub(crate) records: &'a [u8],
}

/// Goes through an archive.
pub(crate) struct Members<R> {
    reader: Ended<R>,
    header: Header,
    before: Before,
    /// How much of the member's content is still to come, as it is stored.
    stored: u64,
    /// What fills the last block behind it.
    padding: u64,
    /// Where that belongs, of a sparse one.
    ranges: Option<Ranges>,
}

/// What stands before a member; the room is used for one after another.
#[derive(Debug, Default)]
struct Before {
    path: Vec<u8>,
    link: Vec<u8>,
    records: Vec<u8>,
}

impl<R: Read> Members<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            reader: Ended { reader, zeros: 0 },
            header: Header::new_old(),
            before: Before::default(),
            stored: 0,
            padding: 0,
            ranges: None,
        }
    }

    /// The next member; nothing behind the last one. What was not read of the content of the one before is passed over.
    pub(crate) fn next(&mut self) -> io::Result<Option<Member<'_>>> {
        self.pass_over()?;
        self.before.path.clear();
        self.before.link.clear();
        self.before.records.clear();
        let mut is_first = true;
        loop {
            if !self.read_header()? {
                return if is_first { Ok(None) } else { Err(Malformed::NoMember.into()) };
            }
            is_first = false;
            let size = field::count(&self.header.as_old().size, "size")?;
            let place = match self.header.entry_type() {
                EntryType::GNULongName => &mut self.before.path,
                EntryType::GNULongLink => &mut self.before.link,
                EntryType::XHeader => &mut self.before.records,
                EntryType::XGlobalHeader => {
                    let mut records = Vec::new();
                    read_before(&mut self.reader, size, &mut records)?;
                    if pax::matters(&records)? {
                        return Err(Malformed::Global.into());
                    }
                    is_first = self.before.is_empty();
                    continue;
                }
                _ => return self.member(size).map(Some),
            };
            read_before(&mut self.reader, size, place)?;
        }
    }

    /// The content of the member that was the last.
    pub(crate) fn content(&mut self) -> Content<'_, R> {
        Content { members: self }
    }

    /// Reads to the end, behind which there is only padding; it is read so that who writes it is not cut off.
    ///
    /// # Errors
    /// When the archive was cut off.
    pub(crate) fn end(mut self) -> io::Result<()> {
        io::copy(&mut self.reader, &mut io::sink())?;
        if self.reader.zeros < END { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// Reads a header; there is none where the stream ends, or where the zeros begin that mark the end.
    fn read_header(&mut self) -> io::Result<bool> {
        // Those at the end of a content mark no end.
        self.reader.zeros = 0;
        let header = self.header.as_mut_bytes();
        let mut count = 0;
        while count < BLOCK {
            match self.reader.read(&mut header[count..]) {
                Ok(0) if count == 0 => return Ok(false),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(more) => count += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if header.iter().all(|byte| *byte == 0) {
            return Ok(false);
        }
        let sum: i64 = header.iter().map(|byte| i64::from(*byte)).sum();
        let fields = self.header.as_old();
        // The field itself counts as spaces.
        let itself: i64 = fields.cksum.iter().map(|byte| i64::from(*byte) - i64::from(b' ')).sum();
        if field::number(&fields.cksum, "checksum")? != sum - itself {
            return Err(Malformed::Checksum.into());
        }
        Ok(true)
    }

    /// What the headers say, the last of which says that `size` bytes are stored.
    fn member(&mut self, size: u64) -> io::Result<Member<'_>> {
        let over = Overrides::of(&self.before.records)?;
        let (mut kind, fields) = (self.header.entry_type(), self.header.as_old());
        let stored = over.size.unwrap_or(size);
        let uid = over.uid.map_or_else(|| field::count(&fields.uid, "uid"), Ok)?;
        let gid = over.gid.map_or_else(|| field::count(&fields.gid, "gid"), Ok)?;
        let mtime = over.mtime.map_or_else(|| field::number(&fields.mtime, "mtime"), Ok)?;
        let mode = field::count(&fields.mode, "mode")?;
        let mode = u32::try_from(mode).map_err(|_| Malformed::Number("mode"))?;
        let padded = stored.checked_next_multiple_of(BLOCK as u64).ok_or(Malformed::Number("size"))?;
        (self.stored, self.padding) = (stored, padded - stored);
        let map = match (over.sparse.size()?, kind) {
            (None, EntryType::GNUSparse) => {
                let gnu = self.header.as_gnu().ok_or(Malformed::SparseVersion)?;
                Some(Map::old(gnu, &mut self.reader)?)
            }
            (None, _) => None,
            (Some(size), EntryType::Regular | EntryType::Continuous) => {
                Some(Map::of_data(size, &mut self.reader, &mut self.stored)?)
            }
            (Some(_), _) => return Err(Malformed::SparseVersion.into()),
        };
        let (ranges, size) = match map {
            Some(map) => map.checked(self.stored).map(|(ranges, size)| (Some(ranges), size))?,
            None => (None, stored),
        };
        self.ranges = ranges;
        let is_sparse = self.ranges.is_some();
        let path = match over.sparse.name.or(over.path) {
            Some(path) => Cow::Borrowed(path),
            None if !self.before.path.is_empty() => Cow::Borrowed(until_nul(&self.before.path)),
            None => self.header.path_bytes(),
        };
        // Before there was a type for it, a slash at the end said that something is a directory.
        if kind == EntryType::Regular && !is_sparse && path.ends_with(b"/") {
            kind = EntryType::Directory;
        }
        let link = match over.link {
            Some(link) => Cow::Borrowed(link),
            None if !self.before.link.is_empty() => Cow::Borrowed(until_nul(&self.before.link)),
            None => self.header.link_name_bytes().unwrap_or_default(),
        };
        Ok(Member { kind, path, link, mode, uid, gid, mtime, size, is_sparse, records: &self.before.records })
    }

    /// Passes over what is left of a member.
    fn pass_over(&mut self) -> io::Result<()> {
        let left = self.stored + self.padding;
        (self.stored, self.padding, self.ranges) = (0, 0, None);
        if left > 0 && io::copy(&mut self.reader.by_ref().take(left), &mut io::sink())? < left {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

impl Before {
    fn is_empty(&self) -> bool {
        self.path.is_empty() && self.link.is_empty() && self.records.is_empty()
    }
}

/// The content of a member, with zeros in the place of holes. It ends well only where all of it came.
pub(crate) struct Content<'a, R> {
    members: &'a mut Members<R>,
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Members { reader, stored, ranges, .. } = &mut *self.members;
        let next = ranges.as_mut().map_or(Next::Stored(*stored), Ranges::next);
        let room = |length: u64| usize::try_from(length).unwrap_or(usize::MAX).min(buffer.len());
        let count = match next {
            Next::End => return Ok(0),
            Next::Hole(length) => {
                let count = room(length);
                buffer[..count].fill(0);
                count
            }
            Next::Stored(length) => {
                let room = room(length);
                let count = reader.read(&mut buffer[..room])?;
                if count == 0 && room > 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                *stored -= count as u64;
                count
            }
        };
        if let Some(ranges) = ranges {
            ranges.took(count as u64);
        }
        Ok(count)
    }
}

/// Counts the zeros at the end, because an archive without its end is one that was cut off.
struct Ended<R> {
    reader: R,
    zeros: usize,
}

impl<R: Read> Read for Ended<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let tail = buffer[..count].iter().rev().take_while(|byte| **byte == 0).count();
        self.zeros = if tail == count { self.zeros.saturating_add(tail) } else { tail };
        Ok(count)
    }
}

/// Reads what stands before a member into `place`, where nothing is yet.
fn read_before(reader: &mut impl Read, size: u64, place: &mut Vec<u8>) -> io::Result<()> {
    if !place.is_empty() {
        return Err(Malformed::Twice.into());
    }
    if size > MOST_BEFORE {
        return Err(Malformed::TooLong.into());
    }
    let padded = size.next_multiple_of(BLOCK as u64);
    reader.take(padded).read_to_end(place)?;
    if (place.len() as u64) < padded {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    place.truncate(usize::try_from(size).unwrap_or(usize::MAX));
    Ok(())
}

/// Fills `block`.
fn block(reader: &mut impl Read, block: &mut [u8; BLOCK]) -> io::Result<()> {
    reader.read_exact(block)
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
