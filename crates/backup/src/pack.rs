//! Packing an archive, and unpacking it: compression and the hash of what is stored.

use std::io::{self, Read, Write};

use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use sha2::{Digest as _, Sha256};

use crate::{
    archive::hex,
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

/// Packs what comes out of `archive` into `out`, behind what `before` has hashed already. Nothing ends well
/// that did not come to its end.
pub(crate) fn pack(
    mut archive: PipeReader,
    format: Format,
    out: PipeWriter,
    before: Option<Sha256>,
) -> io::Result<Packed> {
    let hashing = Hashing { inner: out, hasher: Sha256::new(), whole: before, size: 0 };
    let Hashing { inner, hasher, whole, size } = match format {
        Format::Tar | Format::PgDump => copied(&mut archive, hashing)?,
        Format::Tgz => copied(&mut archive, GzEncoder::new(hashing, Compression::fast()))?.finish()?,
        Format::TarZst => {
            let mut encoder = zstd::Encoder::new(hashing, LEVEL)?;
            encoder.multithread(WORKERS)?;
            encoder.include_checksum(true)?;
            copied(&mut archive, encoder)?.finish()?
        }
    };
    inner.end()?;
    let sha256 = hex(hasher);
    Ok(Packed { size, whole: whole.map_or_else(|| sha256.clone(), hex), sha256 })
}

/// The archive that is packed in `packed`.
pub(crate) fn unpacked<'r>(packed: impl Read + Send + 'r, format: Format) -> io::Result<Box<dyn Read + 'r>> {
    Ok(match format {
        Format::Tar | Format::PgDump => Box::new(packed),
        Format::Tgz => Box::new(MultiGzDecoder::new(packed)),
        Format::TarZst => Box::new(zstd::Decoder::new(packed)?),
    })
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

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(data)?;
        self.hasher.update(&data[..count]);
        if let Some(whole) = &mut self.whole {
            whole.update(&data[..count]);
        }
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
