//! Packing an archive, and unpacking it: compression and the hash of what is stored.

use std::io::{self, BufRead, BufReader, Read, Write};

use flate2::{Compression, bufread::MultiGzDecoder, write::GzEncoder};
use sha2::{Digest as _, Sha256};

use crate::{
    archive::{ArchiveError, hex},
    crypt::SnapshotKey,
    manifest::Format,
    pipe::{PipeReader, PipeWriter},
};

/// Zstandard's own default: half the size of level 1's gain, and a third of the time of level 9's.
const LEVEL: i32 = 3;

/// How many threads compress: more of them hold more memory than they win time on what hosts send.
const WORKERS: u32 = 2;

/// How much is moved at once.
const CHUNK: usize = 128 << 10;

/// What came out of packing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Packed {
    pub(crate) size: u64,
    pub(crate) sha256: String,
    /// The hash of all that is stored of the snapshot so far.
    pub(crate) whole: String,
}

/// Packs what comes out of `archive` into `out`, encrypted with `key`, behind what `before` has hashed already.
/// Nothing ends well that did not come to its end.
pub(crate) fn pack(
    mut archive: PipeReader,
    (format, key): (Format, Option<SnapshotKey>),
    out: PipeWriter,
    before: Option<Sha256>,
) -> io::Result<Packed> {
    let mut hashing = Hashing { inner: out, hasher: Sha256::new(), whole: before, size: 0 };
    let Hashing { inner, hasher, whole, size } = match key {
        Some(key) => packed(&mut archive, format, key.encrypting(hashing)?)?.finish()?,
        // It stays as it comes.
        None if matches!(format, Format::Tar | Format::PgDump | Format::Raw) => {
            while let Some(chunk) = archive.next()? {
                hashing.note(&chunk);
                hashing.inner.pass(chunk)?;
            }
            hashing
        }
        None => packed(&mut archive, format, hashing)?,
    };
    inner.end()?;
    let sha256 = hex(hasher);
    Ok(Packed { size, whole: whole.map_or_else(|| sha256.clone(), hex), sha256 })
}

fn packed<W: Write>(archive: &mut PipeReader, format: Format, out: W) -> io::Result<W> {
    match format {
        Format::Tar | Format::PgDump | Format::Raw => copied(archive, out),
        Format::Tgz => copied(archive, GzEncoder::new(out, Compression::fast()))?.finish(),
        Format::TarZst | Format::Zst => {
            let mut encoder = zstd::Encoder::new(out, LEVEL)?;
            encoder.multithread(WORKERS)?;
            encoder.include_checksum(true)?;
            copied(archive, encoder)?.finish()
        }
    }
}

/// What is stored as `sealed`, in clear.
pub(crate) fn opened<'r>(
    sealed: impl BufRead + Send + 'r,
    key: Option<&SnapshotKey>,
) -> io::Result<Box<dyn BufRead + Send + 'r>> {
    Ok(match key {
        Some(key) => Box::new(BufReader::with_capacity(CHUNK, key.decrypting(sealed)?)),
        None => Box::new(sealed),
    })
}

/// The archive that is packed in `packed`.
pub(crate) fn unpacked<'r>(
    packed: impl BufRead + Send + 'r,
    format: Format,
) -> io::Result<Box<dyn Read + 'r>> {
    Ok(match format {
        Format::Tar | Format::PgDump | Format::Raw => Box::new(packed),
        Format::Tgz => Box::new(MultiGzDecoder::new(packed)),
        Format::TarZst | Format::Zst => Box::new(zstd::Decoder::with_buffer(packed)?),
    })
}

/// Passes a stored stream on, in clear.
pub(crate) fn pass_on(
    stored: PipeReader,
    (key, format): (Option<SnapshotKey>, Format),
    mut out: PipeWriter,
) -> Result<(), ArchiveError> {
    let packed = opened(stored, key.as_ref()).map_err(ArchiveError::Read)?;
    let (mut stream, mut chunk) = (unpacked(packed, format).map_err(ArchiveError::Read)?, vec![0; CHUNK]);
    loop {
        let count = stream.read(&mut chunk).map_err(ArchiveError::Read)?;
        if count == 0 {
            return out.end().map_err(ArchiveError::Pass);
        }
        out.write_all(&chunk[..count]).map_err(ArchiveError::Pass)?;
    }
}

fn copied<W: Write>(from: &mut PipeReader, mut to: W) -> io::Result<W> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let count = from.read(&mut chunk)?;
        if count == 0 {
            return Ok(to);
        }
        to.write_all(&chunk[..count])?;
    }
}

struct Hashing<W> {
    inner: W,
    hasher: Sha256,
    whole: Option<Sha256>,
    size: u64,
}

impl<W> Hashing<W> {
    /// Counts what has passed.
    fn note(&mut self, data: &[u8]) {
        self.hasher.update(data);
        if let Some(whole) = &mut self.whole {
            whole.update(data);
        }
        self.size += data.len() as u64;
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(data)?;
        self.note(&data[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
