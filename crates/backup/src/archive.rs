//! Archives, read entry by entry while they pass by: what is in them, and whether it may be.

use std::{
    ffi::OsStr,
    io::{self, Read, Write},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use crate::{
    attributes::Attributes,
    holes::{Dense, Finder, announce, is_filled},
    manifest::{Entry, EntryKind},
    members::{BLOCK, Malformed, Member, Members},
    owner::Owner,
    raw::RawPath,
    vet::{Links, Refusal, Vetter, Why, path_in_corpus},
};

/// How much of a file is read at once.
const CHUNK: usize = 128 << 10;

/// The corpus itself, among paths in it.
pub(crate) const HERE: &str = ".";

/// The permission bits of a mode.
const MODE_BITS: u32 = 0o7777;

/// Why an archive cannot be gone through.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It cannot be read, or not to its end.
    #[error("the archive cannot be read")]
    Read(#[source] io::Error),
    /// What is read of it cannot be passed on.
    #[error("the archive cannot be passed on")]
    Pass(#[source] io::Error),
    /// Something must not be in it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It is not what its manifest says.
    #[error("{path} is not what the manifest says")]
    Differs {
        /// What is different.
        path: RawPath,
    },
    /// Something in its manifest is not in it.
    #[error("{path}, which is in the manifest, is not in the archive")]
    Absent {
        /// What is missing.
        path: RawPath,
    },
    /// What should be a dump of a database is none.
    #[error("what came is not a dump of a database: {size} bytes that do not begin as one")]
    NoDump {
        /// How much came.
        size: u64,
    },
    /// There is more in it than its manifest says.
    #[error("{path}, which is in the archive, is not in the manifest")]
    Unknown {
        /// What is too much.
        path: RawPath,
    },
}

/// What is in the archive that `reader` yields, with the hashes of its files.
///
/// # Errors
/// When it ends too early, or when something in it must not be in a snapshot.
pub(crate) fn list(reader: impl Read, links: Links) -> Result<Vec<Entry>, ArchiveError> {
    // One for all of them: small files are many.
    let (mut entries, mut chunk) = (Vec::new(), vec![0; CHUNK]);
    walk(reader, links, |entry, is_sparse, content| {
        entries.push(hashed(entry, is_sparse, content, &mut chunk)?);
        Ok(())
    })?;
    Ok(entries)
}

/// How a dump of `pg_dump` in its custom format begins.
const DUMP_MAGIC: &[u8] = b"PGDMP";

/// Reads a dump to its end, and looks at its beginning: a program that failed in the middle of a pipe
/// ends well, and has written nothing.
///
/// Says how large it is, and its SHA-256.
///
/// # Errors
/// When it is none.
pub(crate) fn check_dump(mut reader: impl Read) -> Result<(u64, String), ArchiveError> {
    let mut magic = Vec::new();
    let begin = DUMP_MAGIC.len() as u64;
    reader.by_ref().take(begin).read_to_end(&mut magic).map_err(ArchiveError::Read)?;
    let mut hashing = Hashing { hasher: Sha256::new_with_prefix(&magic), reader: &mut reader };
    let rest = io::copy(&mut hashing, &mut io::sink()).map_err(ArchiveError::Read)?;
    let (size, sha256) = (magic.len() as u64 + rest, hex(hashing.hasher));
    if magic == DUMP_MAGIC { Ok((size, sha256)) } else { Err(ArchiveError::NoDump { size }) }
}

/// How much `reader` yields, and the SHA-256 of it.
pub(crate) fn measure(mut reader: impl Read) -> Result<(u64, String), ArchiveError> {
    let mut hashing = Hashing { reader: &mut reader, hasher: Sha256::new() };
    let size = io::copy(&mut hashing, &mut io::sink()).map_err(ArchiveError::Read)?;
    Ok((size, hex(hashing.hasher)))
}

/// Whether the archive that `reader` yields holds nothing but the corpus itself.
pub(crate) fn is_empty(reader: impl Read) -> bool {
    list(reader, Links::Any)
        .is_ok_and(|entries| entries.iter().all(|entry| entry.path == RawPath::from(HERE)))
}

/// What is in an archive for GNU tar alone.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kept {
    /// Whether sparse files come out without their holes.
    pub(crate) holes: bool,
    /// Whether extended attributes and ACLs come out.
    pub(crate) attributes: bool,
}

/// What an archive may have in it that is written anew, and what becomes of it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    /// Which links it may have.
    pub(crate) links: Links,
    /// Whose all of it becomes; nobody means those whose it was.
    pub(crate) owner: Option<Owner>,
    /// What comes out that not every tar understands.
    pub(crate) kept: Kept,
}

/// Passes the archive that `reader` yields on to `out`, anew and entry by entry, so that nothing comes
/// out that has not been looked at. It must hold just `expected`. In what comes out, the corpus is called
/// `root`.
///
/// # Errors
/// When it does not, or as [`list`].
pub(crate) fn copy<W: Write>(
    reader: impl Read,
    out: W,
    (expected, root): (&[Entry], &str),
    Rules { links, owner, kept }: Rules,
) -> Result<W, ArchiveError> {
    let mut builder = Builder::new(out);
    let mut rest = expected.iter();
    walk(reader, links, |found, _, content| {
        let Some(entry) = rest.next() else { return Err(ArchiveError::Unknown { path: found.path }) };
        let differs = || ArchiveError::Differs { path: entry.path.clone() };
        // The hash and the holes alone are known only when the content has passed.
        if (Entry { sha256: None, holes: Vec::new(), ..entry.clone() }) != found {
            return Err(differs());
        }
        if let Some(attributes) = entry.attributes.as_deref().filter(|_| kept.attributes) {
            extend(builder.get_mut(), attributes).map_err(ArchiveError::Pass)?;
        }
        if entry.kind == EntryKind::File {
            let mut hashing = Hashing { reader: content, hasher: Sha256::new() };
            let path = spelled(root, &entry.path);
            let holes = if kept.holes { &entry.holes[..] } else { &[] };
            let mut header = header(entry, EntryType::Regular, owner);
            let appended = match header.as_gnu_mut().filter(|_| !holes.is_empty()) {
                Some(sparse) => {
                    let before = announce(sparse, holes, entry.size.unwrap_or_default());
                    header.set_entry_type(EntryType::GNUSparse);
                    builder.append_data(&mut header, path, before.chain(Dense::new(&mut hashing, holes)))
                }
                None => builder.append_data(&mut header, path, &mut hashing),
            };
            appended
                .map_err(|error| if is_filled(&error) { differs() } else { ArchiveError::Pass(error) })?;
            if Some(hex(hashing.hasher)) != entry.sha256 {
                return Err(differs());
            }
            return Ok(());
        }
        append(&mut builder, entry, root, owner).map_err(ArchiveError::Pass)
    })?;
    if let Some(absent) = rest.next() {
        return Err(ArchiveError::Absent { path: absent.path.clone() });
    }
    builder.into_inner().map_err(ArchiveError::Pass)
}

/// Has `visit` look at each entry, in order, once it is known that it may be there, and whether it was stored
/// without its holes.
fn walk(
    reader: impl Read,
    links: Links,
    mut visit: impl FnMut(Entry, bool, &mut dyn Read) -> Result<(), ArchiveError>,
) -> Result<(), ArchiveError> {
    let (mut vetter, mut members) = (Vetter::new(links), Members::new(reader));
    while let Some(member) = members.next().map_err(ArchiveError::Read)? {
        let (is_sparse, mode) = (member.is_sparse, member.mode & MODE_BITS);
        let entry = facts(&member)?;
        vetter.check(&entry, mode)?;
        visit(entry, is_sparse, &mut members.content())?;
    }
    members.end().map_err(ArchiveError::Read)
}

/// What the headers of `member` say.
fn facts(member: &Member<'_>) -> Result<Entry, ArchiveError> {
    let path = path_in_corpus(&member.path)?;
    let kind = match member.kind {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => EntryKind::File,
        EntryType::Directory => EntryKind::Directory,
        EntryType::Symlink => EntryKind::Symlink,
        EntryType::Link => EntryKind::Hardlink,
        _ => return Err(Refusal { path, why: Why::Kind }.into()),
    };
    let target = match kind {
        EntryKind::Symlink => Some(RawPath(member.link.to_vec())),
        EntryKind::Hardlink => Some(path_in_corpus(&member.link)?),
        EntryKind::File | EntryKind::Directory => None,
    };
    let unreadable = |error: Malformed| ArchiveError::Read(error.into());
    Ok(Entry {
        path,
        kind,
        mode: format!("{:04o}", member.mode & MODE_BITS),
        uid: member.uid,
        gid: member.gid,
        mtime: member.mtime,
        size: (kind == EntryKind::File).then_some(member.size),
        sha256: None,
        holes: Vec::new(),
        target,
        // A further name of a file has what the file has.
        attributes: match kind {
            EntryKind::Hardlink => None,
            _ => Attributes::of(member.records, kind == EntryKind::Directory).map_err(unreadable)?,
        },
    })
}

/// `entry` with the hash of its content, which is read into `chunk`, and with its holes where it `is_sparse`.
fn hashed(
    entry: Entry,
    is_sparse: bool,
    content: &mut dyn Read,
    chunk: &mut [u8],
) -> Result<Entry, ArchiveError> {
    if entry.kind != EntryKind::File {
        return Ok(entry);
    }
    let (mut hasher, mut size) = (Sha256::new(), 0);
    let mut holes = is_sparse.then(Finder::new);
    loop {
        let count = content.read(chunk).map_err(ArchiveError::Read)?;
        if count == 0 {
            break;
        }
        hasher.update(&chunk[..count]);
        if let Some(holes) = &mut holes {
            holes.push(&chunk[..count]);
        }
        size += count as u64;
    }
    // A stream that was cut off within a file.
    if entry.size != Some(size) {
        return Err(ArchiveError::Read(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(Entry { sha256: Some(hex(hasher)), holes: holes.map(Finder::finish).unwrap_or_default(), ..entry })
}

struct Hashing<'a> {
    reader: &'a mut dyn Read,
    hasher: Sha256,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

/// Writes the extended header of what has `attributes`, in front of its other headers.
fn extend(out: &mut impl Write, attributes: &Attributes) -> io::Result<()> {
    let records = attributes.to_records();
    let mut header = Header::new_ustar();
    header.set_entry_type(EntryType::XHeader);
    header.set_path("attributes")?;
    header.set_mode(0o600);
    header.set_size(records.len() as u64);
    header.set_cksum();
    out.write_all(header.as_bytes())?;
    out.write_all(&records)?;
    io::copy(&mut io::repeat(0).take((BLOCK - records.len() % BLOCK) as u64 % BLOCK as u64), out)?;
    Ok(())
}

/// Adds what has no content.
fn append(
    builder: &mut Builder<impl Write>,
    entry: &Entry,
    root: &str,
    owner: Option<Owner>,
) -> io::Result<()> {
    let kind = match entry.kind {
        EntryKind::Symlink => EntryType::Symlink,
        EntryKind::Hardlink => EntryType::Link,
        EntryKind::Directory | EntryKind::File => EntryType::Directory,
    };
    let (mut header, path) = (header(entry, kind, owner), spelled(root, &entry.path));
    match &entry.target {
        // What a symbolic link says is said from its own place.
        Some(target) if kind == EntryType::Symlink => builder.append_link(&mut header, path, bytes(target)),
        Some(target) => builder.append_link(&mut header, path, spelled(root, target)),
        None => builder.append_data(&mut header, path, io::empty()),
    }
}

fn header(entry: &Entry, kind: EntryType, owner: Option<Owner>) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(entry.size.unwrap_or_default());
    header.set_mode(u32::from_str_radix(&entry.mode, 8).unwrap_or(0o600));
    header.set_uid(owner.map_or(entry.uid, |owner| owner.uid.into()));
    header.set_gid(owner.map_or(entry.gid, |owner| owner.gid.into()));
    match u64::try_from(entry.mtime) {
        Ok(mtime) => header.set_mtime(mtime),
        Err(_) => header.as_old_mut().mtime = before_1970(entry.mtime),
    }
    header
}

/// A negative number as GNU tar writes it: base 256, in two's complement over all of the field.
fn before_1970(mtime: i64) -> [u8; 12] {
    let mut field = [0xff; 12];
    field[4..].copy_from_slice(&mtime.to_be_bytes());
    field
}

/// The path of something where the corpus is called `root`.
fn spelled(root: &str, path: &RawPath) -> PathBuf {
    match (root, bytes(path)) {
        (HERE, path) => path.to_owned(),
        (root, path) if path == Path::new(HERE) => PathBuf::from(root),
        (root, path) => Path::new(root).join(path),
    }
}

fn bytes(path: &RawPath) -> &Path {
    Path::new(OsStr::from_bytes(&path.0))
}

/// A hash in lower-case hexadecimal digits.
pub(crate) fn hex(hasher: Sha256) -> String {
    secret::hex(&hasher.finalize())
}
