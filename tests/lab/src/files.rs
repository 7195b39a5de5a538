//! Archives of files that go into an image or a container.

use crate::error::{Error, Result};

/// One entry of an archive; the path is relative to the root of the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileEntry {
    pub path: String,
    pub mode: u32,
    /// Owner and group, the same number (0 for root).
    pub owner: u64,
    pub content: Content,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    File(Vec<u8>),
    Directory,
    /// Target of a symbolic link.
    Link(String),
}

impl FileEntry {
    /// A file of root.
    pub fn file(path: &str, mode: u32, content: impl Into<Vec<u8>>) -> Self {
        Self { path: path.to_owned(), mode, owner: 0, content: Content::File(content.into()) }
    }

    /// A directory of root.
    pub fn directory(path: &str, mode: u32) -> Self {
        Self { path: path.to_owned(), mode, owner: 0, content: Content::Directory }
    }

    /// A symbolic link.
    pub fn link(path: &str, target: &str) -> Self {
        Self { path: path.to_owned(), mode: 0o777, owner: 0, content: Content::Link(target.to_owned()) }
    }

    /// The same entry with another owner.
    pub fn owned_by(mut self, owner: u64) -> Self {
        self.owner = owner;
        self
    }
}

/// Packs entries; the same entries give the same bytes (no times in it).
///
/// # Errors
/// When a path is too long for the format.
pub(crate) fn archive(entries: &[FileEntry]) -> Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        append(&mut builder, entry).map_err(Error::file("pack", entry.path.as_str()))?;
    }
    builder.into_inner().map_err(Error::file("pack", "archive"))
}

fn append(builder: &mut tar::Builder<Vec<u8>>, entry: &FileEntry) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_mode(entry.mode);
    header.set_uid(entry.owner);
    header.set_gid(entry.owner);
    header.set_mtime(0);
    header.set_size(0);
    match &entry.content {
        Content::File(content) => {
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, &entry.path, content.as_slice())
        }
        Content::Directory => {
            header.set_entry_type(tar::EntryType::Directory);
            builder.append_data(&mut header, &entry.path, std::io::empty())
        }
        Content::Link(target) => {
            header.set_entry_type(tar::EntryType::Symlink);
            builder.append_link(&mut header, &entry.path, target)
        }
    }
}

/// The content of the first regular file of an archive.
pub(crate) fn first_file(archive: &[u8]) -> Option<Vec<u8>> {
    let mut archive = tar::Archive::new(archive);
    let mut entry = archive
        .entries()
        .ok()?
        .filter_map(std::result::Result::ok)
        .find(|entry| entry.header().entry_type().is_file())?;
    let mut content = Vec::new();
    std::io::Read::read_to_end(&mut entry, &mut content).ok()?;
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_reproducible_and_readable() {
        let entries = [
            FileEntry::directory("etc", 0o755),
            FileEntry::link("bin/sh", "busybox"),
            FileEntry::file("etc/x", 0o600, "secret").owned_by(1000),
        ];
        let packed = archive(&entries).unwrap();
        assert_eq!(packed, archive(&entries).unwrap());
        assert_eq!(first_file(&packed).unwrap(), b"secret");
        let mut reader = tar::Archive::new(packed.as_slice());
        let seen: Vec<(String, u32, u64)> = reader
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                (
                    entry.path().unwrap().to_string_lossy().into_owned(),
                    header.mode().unwrap(),
                    header.uid().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("etc".to_owned(), 0o755, 0),
                ("bin/sh".to_owned(), 0o777, 0),
                ("etc/x".to_owned(), 0o600, 1000),
            ]
        );
    }
}
