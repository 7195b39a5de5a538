//! A file that is in memory alone, under a path that children can open.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::AsRawFd;

use rustix::fs::{MemfdFlags, memfd_create};
use zeroize::Zeroizing;

/// The file. Every child inherits it, as `/proc/self/fd/N`.
pub struct MemoryFile(File);

impl MemoryFile {
    /// An empty one.
    ///
    /// # Errors
    /// When the system has none.
    pub fn new() -> std::io::Result<Self> {
        // Without `CLOEXEC`, so that what is executed has it.
        Ok(Self(File::from(memfd_create("plan", MemfdFlags::empty())?)))
    }

    /// One with something in it.
    ///
    /// # Errors
    /// When the system has none.
    pub fn with(bytes: &[u8]) -> std::io::Result<Self> {
        let mut file = Self::new()?;
        file.0.write_all(bytes)?;
        Ok(file)
    }

    /// Its name for a child.
    pub fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.0.as_raw_fd())
    }

    /// What is in it now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn bytes(&mut self) -> std::io::Result<Zeroizing<Vec<u8>>> {
        let mut bytes = Zeroizing::new(Vec::new());
        self.0.seek(SeekFrom::Start(0))?;
        self.0.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
