//! A tar stream made on the way: headers from the `tar` crate, content copied past it.

use std::{io, path::PathBuf};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::FileError;

/// The size of a tar record; everything in an archive is padded to it.
const RECORD: u64 = 512;

/// The longest content a stream may announce; beyond it the header needs another encoding.
const MAX_LENGTH: u64 = 8 << 30;

/// How much is read at once.
const CHUNK: usize = 64 << 10;

/// The content of one file.
pub enum Content<'a> {
    /// These bytes.
    Bytes(Bytes),
    /// What a reader yields, which must be exactly `length` bytes.
    Reader {
        /// Where the content comes from.
        reader: Box<dyn AsyncRead + Send + Unpin + 'a>,
        /// Its length in bytes.
        length: u64,
    },
}

impl<B: Into<Bytes>> From<B> for Content<'_> {
    fn from(bytes: B) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl Content<'_> {
    /// Its length in bytes.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Reader { length, .. } => *length,
        }
    }
}

/// One part of a tree of files.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it belongs, relative to the directory of the tree.
    pub path: String,
    /// Its permission bits; of no meaning for a symbolic link.
    pub mode: u32,
    /// What it is.
    pub content: EntryContent,
}

/// What a part of a tree is.
#[derive(Clone, Debug)]
pub enum EntryContent {
    /// A file with these bytes.
    Bytes(Bytes),
    /// A file with the content of this file here.
    File(PathBuf),
    /// A directory. Those that files are in need no entry of their own.
    Directory,
    /// A symbolic link with this target, which is not looked at.
    Symlink(String),
}

impl EntryContent {
    /// About how many bytes it is to send. A file that cannot be looked at counts for nothing
    /// here; the upload finds out.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(source) => std::fs::metadata(source).map_or(0, |metadata| metadata.len()),
            Self::Directory | Self::Symlink(_) => 0,
        }
    }
}

/// `entries` as a tar archive, for a command of the caller's.
///
/// # Errors
/// When one of them cannot be read or is not fit for an archive.
pub async fn archive(entries: &[Entry]) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let made = async {
        let mut archive = Archive::new(&mut bytes);
        for entry in entries {
            archive.entry(&entry.path, entry).await?;
        }
        archive.finish().await
    };
    match made.await {
        Ok(()) => Ok(bytes),
        Err(Failure::Here(error)) => Err(error),
        Err(Failure::Pipe) => {
            let (operation, source) = ("make an archive".to_owned(), io::ErrorKind::OutOfMemory.into());
            Err(FileError::Here { operation, source })
        }
    }
}

/// Where a failed stream failed.
pub(super) enum Failure {
    /// On our side: the upload cannot be completed.
    Here(FileError),
    /// On its way out: the command that reads it tells why.
    Pipe,
}

/// Writes an archive to a pipe.
pub(super) struct Archive<W> {
    pipe: W,
}

impl<W: AsyncWrite + Unpin> Archive<W> {
    pub(super) fn new(pipe: W) -> Self {
        Self { pipe }
    }

    pub(super) async fn directory(&mut self, path: &str, mode: u32) -> Result<(), Failure> {
        let header =
            header(path, mode, tar::EntryType::Directory, 0, None).map_err(|error| unfit(path, error))?;
        self.send(&header).await
    }

    pub(super) async fn symlink(&mut self, path: &str, target: &str) -> Result<(), Failure> {
        let header = header(path, 0o777, tar::EntryType::Symlink, 0, Some(target))
            .map_err(|error| unfit(path, error))?;
        self.send(&header).await
    }

    /// A file of `length` bytes; every chunk is shown to `seen` on its way.
    pub(super) async fn file(
        &mut self,
        path: &str,
        mode: u32,
        content: Content<'_>,
        mut seen: impl FnMut(&[u8]),
    ) -> Result<(), Failure> {
        let length = content.length();
        if length >= MAX_LENGTH {
            return Err(unfit(path, io::Error::other("it is larger than 8 GiB")));
        }
        let header =
            header(path, mode, tar::EntryType::Regular, length, None).map_err(|error| unfit(path, error))?;
        self.send(&header).await?;
        match content {
            Content::Bytes(bytes) => {
                seen(&bytes);
                self.send(&bytes).await?;
            }
            Content::Reader { mut reader, .. } => self.copy(path, reader.as_mut(), length, seen).await?,
        }
        let padding = usize::try_from(length.next_multiple_of(RECORD) - length).unwrap_or_default();
        self.send(&[0; RECORD as usize][..padding]).await
    }

    async fn copy(
        &mut self,
        path: &str,
        reader: &mut (dyn AsyncRead + Send + Unpin),
        length: u64,
        mut seen: impl FnMut(&[u8]),
    ) -> Result<(), Failure> {
        let mut left = length;
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = reader.read(&mut chunk).await.map_err(|error| unfit(path, error))?;
            // Content that changes its length while it is read would shift all that follows it.
            left = left.checked_sub(count as u64).ok_or_else(|| unfit(path, length_changed()))?;
            if count == 0 {
                break;
            }
            seen(&chunk[..count]);
            self.send(&chunk[..count]).await?;
        }
        if left == 0 { Ok(()) } else { Err(unfit(path, length_changed())) }
    }

    /// The two empty records that end an archive.
    pub(super) async fn finish(mut self) -> Result<(), Failure> {
        self.send(&[0; 2 * RECORD as usize]).await?;
        self.pipe.shutdown().await.map_err(|_| Failure::Pipe)
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.pipe.write_all(bytes).await.map_err(|_| Failure::Pipe)
    }
}

impl<W: AsyncWrite + Unpin> Archive<W> {
    /// One part of a tree, under the path `path` in the archive.
    pub(super) async fn entry(&mut self, path: &str, entry: &Entry) -> Result<(), Failure> {
        match &entry.content {
            EntryContent::Bytes(bytes) => self.file(path, entry.mode, bytes.clone().into(), |_| ()).await,
            EntryContent::Directory => self.directory(path, entry.mode).await,
            EntryContent::Symlink(target) => self.symlink(path, target).await,
            EntryContent::File(source) => {
                let shown = source.display().to_string();
                let file = tokio::fs::File::open(source).await.map_err(|error| unfit(&shown, error))?;
                let length = file.metadata().await.map_err(|error| unfit(&shown, error))?.len();
                let content = Content::Reader { reader: Box::new(file), length };
                self.file(path, entry.mode, content, |_| ()).await
            }
        }
    }
}

/// The records that announce an entry, with those for a long name before them.
fn header(
    path: &str,
    mode: u32,
    kind: tar::EntryType,
    length: u64,
    target: Option<&str>,
) -> io::Result<Vec<u8>> {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(length);
    header.set_uid(0);
    header.set_gid(0);
    // The content is sent past the builder, which then adds nothing after the header.
    let mut builder = tar::Builder::new(Vec::new());
    match target {
        Some(target) => builder.append_link(&mut header, path, target)?,
        None => builder.append_data(&mut header, path, io::empty())?,
    }
    let mut records = builder.into_inner()?;
    // Without the end of the archive, which `into_inner` adds.
    records.truncate(records.len() - 2 * RECORD as usize);
    Ok(records)
}

fn length_changed() -> io::Error {
    io::Error::other("its length changed while it was read")
}

fn unfit(path: &str, source: io::Error) -> Failure {
    Failure::Here(FileError::Here { operation: format!("read {path:?} for the upload"), source })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn entry(path: &str, mode: u32, content: EntryContent) -> Entry {
        Entry { path: path.into(), mode, content }
    }

    #[tokio::test]
    async fn the_stream_is_a_tar_archive() {
        let source = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(source.path(), vec![7; 1500]).unwrap();
        let long = format!("{}/ü $x\n", "directory/".repeat(30).trim_end_matches('/'));
        let Ok(bytes) = archive(&[
            entry("d", 0o750, EntryContent::Directory),
            entry("d/-a", 0o4755, EntryContent::Bytes("x".repeat(512).into())),
            entry(&long, 0o600, EntryContent::File(source.path().into())),
            entry("link", 0, EntryContent::Symlink("../else where".into())),
        ])
        .await
        else {
            panic!("no archive")
        };
        assert_eq!(bytes.len() % 512, 0);
        let mut seen = Vec::new();
        for read in tar::Archive::new(bytes.as_slice()).entries().unwrap() {
            let mut read = read.unwrap();
            let mut content = Vec::new();
            read.read_to_end(&mut content).unwrap();
            let path = read.path().unwrap().to_str().unwrap().to_owned();
            seen.push((path, read.header().mode().unwrap(), content.len()));
        }
        assert_eq!(
            seen,
            [
                ("d".to_owned(), 0o750, 0),
                ("d/-a".to_owned(), 0o4755, 512),
                (long, 0o600, 1500),
                ("link".to_owned(), 0o777, 0)
            ]
        );
    }

    #[tokio::test]
    async fn content_of_another_length_stops_the_stream() {
        for announced in [2, 4] {
            let mut archive = Archive::new(Vec::new());
            let content = Content::Reader { reader: Box::new(&b"abc"[..]), length: announced };
            let result = archive.file("a", 0o600, content, |_| ()).await;
            let Err(Failure::Here(FileError::Here { source, .. })) = result else { panic!("{announced}") };
            assert_eq!(source.to_string(), "its length changed while it was read");
        }
    }

    #[tokio::test]
    async fn a_missing_source_is_named() {
        let missing = entry("a", 0o600, EntryContent::File("/does/not/exist".into()));
        let error = archive(&[missing]).await.unwrap_err();
        assert_eq!(error.to_string(), "could not read \"/does/not/exist\" for the upload");
    }
}
