//! Writing one file.

use std::{collections::BTreeMap, pin::pin};

use sha2::{Digest, Sha256};

use crate::{Command, Error, Input, Output};

use super::{
    Content, Facts, FileError, Files, Kind, PUT, archive::Archive, archive::Failure, english, facts::Hash,
    moving, path, unique_name,
};

/// How much of an archive waits between its maker and the connection.
pub(super) const PIPE: usize = 256 << 10;

/// What a written file shall be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteOptions {
    /// The permission bits.
    pub mode: u32,
    /// The owner; without one, a privileged write keeps the owner that the file has.
    pub owner: Option<String>,
    /// The group; without one, a privileged write keeps the group that the file has.
    pub group: Option<String>,
    /// The permission bits of the directories that have to be made.
    pub directory_mode: u32,
}

impl WriteOptions {
    /// A file that only its owner may read, in directories that only its owner may enter.
    pub const PRIVATE: Self = Self { mode: 0o600, owner: None, group: None, directory_mode: 0o700 };
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { mode: 0o644, owner: None, group: None, directory_mode: 0o755 }
    }
}

/// A file that is in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// SHA-256 of the content in lower-case hex, computed here and verified on the host.
    pub sha256: String,
    /// Whether there was a file before.
    pub replaced: bool,
}

/// The status of [`PLACE`] when the content is not what was sent.
const DAMAGED: u32 = 65;

/// Verifies the temporary file `$1` against the hash `$3`, gives it the owner `$4`, where one is named, and
/// the mode `$5`, has it written to the disk and puts it at `$2`; each step only when the one before it
/// succeeded.
const PLACE: &str = r#"
export LC_ALL=C
sum=$(sha256sum <"$1") || exit 1
[ "${sum%% *}" = "$3" ] || exit 65
[ -z "$4" ] || chown -- "$4" "$1" || exit 1
chmod -- "$5" "$1" && sync -- "$1" && put "$1" "$2"
"#;

/// Unpacks an archive from stdin in `directory`: with the modes it says, as the user who unpacks.
pub(super) fn unpack_command(directory: &str) -> Command {
    english(["tar", "-x", "-f", "-", "-p", "-m", "-o", "-C", directory]).timeout(None)
}

/// As [`PLACE`] says.
fn place_command(temporary: &str, target: &str, sha256: &str, owner: Option<&str>, mode: u32) -> Command {
    let (script, mode) = (format!("{PUT}{PLACE}"), format!("{mode:04o}"));
    let words = ["sh", "-c", &script, "windlass-place", temporary, target, sha256];
    Command::new(words).args([owner.unwrap_or_default(), &mode]).timeout(None)
}

/// `owner:group` for chown, with either left out; `None` when there is nothing to change.
pub(super) fn ownership(owner: Option<&str>, group: Option<&str>) -> Option<String> {
    match (owner, group) {
        (None, None) => None,
        (owner, None) => owner.map(str::to_owned),
        (owner, Some(group)) => Some(format!("{}:{group}", owner.unwrap_or_default())),
    }
}

impl Files<'_> {
    /// Writes `content` to `path` in three commands, making the directories above it.
    ///
    /// The old file stays until the new content is on the host and verified; it is replaced by a
    /// rename. On any failure it is untouched and the temporary file is removed.
    ///
    /// # Errors
    /// [`FileError::Occupied`] when `path` is no regular file (a symbolic link neither);
    /// [`FileError::NotADirectory`], [`FileError::NoSpace`], [`FileError::Denied`] and the others.
    pub async fn write(
        &self,
        path: &str,
        content: impl Into<Content<'_>>,
        options: &WriteOptions,
    ) -> Result<Written, FileError> {
        path::absolute(path)?;
        let ancestors: Vec<&str> = path::ancestors(path).collect();
        let wanted: Vec<&str> = std::iter::once(path).chain(ancestors.iter().copied()).collect();
        let facts = self.facts(&wanted, Hash::No).await?;
        let old = self.replaceable(path, &facts)?;
        let base = self.deepest_directory(&ancestors, &facts)?;

        let temporary = path::join(path::parent(path), &unique_name(".tmp")?);
        let sent = self.send(&base, &temporary, path, content.into(), options).await;
        let placed = match sent {
            Ok(sha256) => {
                let owner = self.owner_of(old, options);
                self.place(&temporary, path, &sha256, owner.as_deref(), options.mode).await.map(|()| sha256)
            }
            Err(error) => Err(error),
        };
        match placed {
            Ok(sha256) => Ok(Written { sha256, replaced: old.is_some() }),
            Err(error) => {
                self.clean_up(Command::new(["rm", "-f", "--", &temporary])).await;
                Err(error)
            }
        }
    }

    /// The file that is at `path` now, which must be one that a rename may replace.
    fn replaceable<'f>(
        &self,
        path: &str,
        facts: &'f BTreeMap<String, Facts>,
    ) -> Result<Option<&'f Facts>, FileError> {
        match facts.get(path) {
            Some(old) if old.kind != Kind::File => {
                Err(FileError::Occupied { path: path.to_owned(), host: self.host(), kind: old.kind })
            }
            old => Ok(old),
        }
    }

    /// The nearest of `ancestors` (nearest first) that is there. A link may lead to it.
    pub(super) fn deepest_directory(
        &self,
        ancestors: &[&str],
        facts: &BTreeMap<String, Facts>,
    ) -> Result<String, FileError> {
        let Some((path, found)) = ancestors.iter().find_map(|path| Some((*path, facts.get(*path)?))) else {
            return Ok("/".to_owned());
        };
        match found.kind {
            Kind::Directory | Kind::Symlink => Ok(path.to_owned()),
            kind => Err(FileError::NotADirectory { path: path.to_owned(), host: self.host(), kind }),
        }
    }

    /// Who shall own the new file, where that is not the one who writes it.
    fn owner_of(&self, old: Option<&Facts>, options: &WriteOptions) -> Option<String> {
        let old = old.filter(|_| self.privileged);
        let owner = options.owner.as_deref().or(old.map(|old| old.owner.as_str()));
        let group = options.group.as_deref().or(old.map(|old| old.group.as_str()));
        ownership(owner, group)
    }

    /// Sends the content for `target` to `temporary` and makes the directories between it and `base`.
    async fn send(
        &self,
        base: &str,
        temporary: &str,
        target: &str,
        content: Content<'_>,
        options: &WriteOptions,
    ) -> Result<String, FileError> {
        let inside = temporary.strip_prefix(base).unwrap_or(temporary).trim_start_matches('/');
        let directories: Vec<&str> = path::ancestors(inside).collect();
        let mut hash = Sha256::new();
        let command = moving(unpack_command(base), content.length());
        let (pipe, input) = tokio::io::duplex(PIPE);
        let make = async {
            let mut archive = Archive::new(pipe);
            for directory in directories.iter().rev() {
                archive.directory(directory, options.directory_mode).await?;
            }
            archive.file(inside, 0o600, content, |chunk| hash.update(chunk)).await?;
            archive.finish().await
        };
        self.unpack(command, target, input, make).await?;
        Ok(secret::hex(&hash.finalize()))
    }

    /// Runs `command`, which unpacks what `make` writes into the other end of `input`; `about` is
    /// what an error names.
    pub(super) async fn unpack(
        &self,
        command: Command,
        about: &str,
        input: tokio::io::DuplexStream,
        make: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), FileError> {
        let mut unpack = pin!(self.run(command, Input::Reader(Box::new(input))));
        let mut make = pin!(make);
        let mut made = None;
        let unpacked: Result<Output, Error> = tokio::select! {
            unpacked = &mut unpack => unpacked,
            result = &mut make => {
                made = Some(result);
                unpack.await
            }
        };
        if let Some(Err(Failure::Here(error))) = made {
            return Err(error);
        }
        // A command that failed or was cancelled does not wait for the content it no longer reads.
        let output = unpacked?;
        if !output.success() {
            return Err(FileError::from_output("write", about, self.host(), &output));
        }
        let made = match made {
            Some(made) => made,
            None => make.await,
        };
        match made {
            Ok(()) => Ok(()),
            Err(Failure::Here(error)) => Err(error),
            Err(Failure::Pipe) => Err(FileError::from_output("write", about, self.host(), &output)),
        }
    }

    async fn place(
        &self,
        temporary: &str,
        target: &str,
        sha256: &str,
        owner: Option<&str>,
        mode: u32,
    ) -> Result<(), FileError> {
        let command = place_command(temporary, target, sha256, owner, mode);
        let output = self.run(command, Input::Nothing).await?;
        match output.status {
            0 => Ok(()),
            DAMAGED => Err(FileError::Damaged { path: target.to_owned(), host: self.host() }),
            _ => Err(FileError::from_output("put in place", target, self.host(), &output)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_exact() {
        assert_eq!(
            unpack_command("/srv").words(),
            ["env", "LC_ALL=C", "tar", "-x", "-f", "-", "-p", "-m", "-o", "-C", "/srv"]
        );
        let place = place_command("/srv/.t", "/srv/a b", "ab12", Some("app:app"), 0o640);
        let expected = ["windlass-place", "/srv/.t", "/srv/a b", "ab12", "app:app", "0640"];
        assert_eq!(place.words()[3..], expected);
        assert_eq!(place_command("/t", "/a", "ab", None, 0o4755).words()[7..], ["", "4755"]);
    }

    #[test]
    fn ownership_is_what_chown_reads() {
        assert_eq!(ownership(None, None), None);
        assert_eq!(ownership(Some("a"), None).as_deref(), Some("a"));
        assert_eq!(ownership(None, Some("b")).as_deref(), Some(":b"));
        assert_eq!(ownership(Some("a"), Some("b")).as_deref(), Some("a:b"));
    }
}
