//! Writing one file.

use std::{collections::BTreeMap, pin::pin};

use sha2::{Digest, Sha256};

use crate::{Command, Error, Input, Output};

use super::{
    Content, Facts, FileError, Files, Kind, PUT, archive::Archive, archive::Failure, facts::Hash, moving,
    path, unique_name, walk,
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

/// Unpacks a file and its checksum from stdin beside its place, in the directory `$1`; verifies it, has it
/// written to the disk (its owner may not be able to open it later), gives it owner `$4` (where there is
/// one) and mode `$5` and moves it to the name `$2`. `$3` is the name to stage it under, `$6` the mode of directories that are missing.
const WRITE: &str = r#"
go "$1" "$6"
stage "$3"
tar -x -m -o -p -f - || exit
sha256sum -c sum >/dev/null 2>&1 || exit 65
sync -- ./new || exit
[ ! "$4" ] || chown -- "$4" ./new || exit
chmod -- "$5" ./new || exit
put ./new "../$2"
"#;

/// Its status when the content is not what was sent.
const DAMAGED: u32 = 65;

fn write_script() -> String {
    walk::script(&format!("{PUT}{WRITE}"))
}

fn write_command(path: &str, staging: &str, owner: Option<&str>, options: &WriteOptions) -> Command {
    let (mode, directory_mode) = (format!("{:04o}", options.mode), format!("{:04o}", options.directory_mode));
    Command::new(["sh", "-c", &write_script(), "windlass-write"])
        .args([path::parent(path), walk::name(path), staging, owner.unwrap_or_default()])
        .args([mode, directory_mode])
        .timeout(None)
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
    /// Writes `content` to `path` in two commands, making the directories above it.
    ///
    /// The old file stays until the new content is on the host and verified; it is replaced by a
    /// rename. On any failure it is untouched and nothing is left beside it.
    ///
    /// # Errors
    /// [`FileError::Occupied`] when `path` is no regular file (a symbolic link neither);
    /// [`FileError::NotADirectory`], [`FileError::Link`], [`FileError::NoSpace`],
    /// [`FileError::Denied`] and the others.
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
        self.deepest_directory(&ancestors, &facts)?;

        let staging = unique_name(".staging")?;
        let owner = self.owner_of(old, options);
        let command = write_command(path, &staging, owner.as_deref(), options);
        match self.send(command, path, content.into()).await {
            Ok(sha256) => Ok(Written { sha256, replaced: old.is_some() }),
            Err(error) => {
                self.unstage(path::parent(path), &staging).await;
                Err(error)
            }
        }
    }

    /// Removes what a script that was cut off may have left: it removes its staging directory itself
    /// when it comes to its end.
    pub(super) async fn unstage(&self, directory: &str, staging: &str) {
        self.clean_up(walk::in_directory(directory, ["rm", "-r", "-f", "--", &format!("./{staging}")])).await;
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

    /// Sends the content for `target` to `command`, and its checksum behind it.
    async fn send(&self, command: Command, target: &str, content: Content<'_>) -> Result<String, FileError> {
        let mut hash = Sha256::new();
        let mut sha256 = String::new();
        let command = moving(command, content.length());
        let (pipe, input) = tokio::io::duplex(PIPE);
        let make = async {
            let mut archive = Archive::new(pipe);
            archive.file("new", 0o600, content, |chunk| hash.update(chunk)).await?;
            sha256 = secret::hex(&hash.finalize_reset());
            let line = Content::from(format!("{sha256}  new\n"));
            archive.file("sum", 0o600, line, |_| {}).await?;
            archive.finish().await
        };
        self.unpack(command, target, input, make).await?;
        Ok(sha256)
    }

    /// Runs `command`, which unpacks what `make` writes into the other end of `input`; `about` is
    /// what an error names.
    async fn unpack(
        &self,
        command: Command,
        about: &str,
        input: tokio::io::DuplexStream,
        make: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), FileError> {
        let output = self.unpacked(command, about, input, make).await?;
        if output.success() {
            return Ok(());
        }
        if output.status == DAMAGED {
            return Err(FileError::Damaged { path: about.to_owned(), host: self.host() });
        }
        Err(FileError::from_output("write", about, self.host(), &output))
    }

    /// As [`Files::unpack`], whatever the status of `command` is.
    pub(super) async fn unpacked(
        &self,
        command: Command,
        about: &str,
        input: tokio::io::DuplexStream,
        make: impl Future<Output = Result<(), Failure>>,
    ) -> Result<Output, FileError> {
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
            return Ok(output);
        }
        let made = match made {
            Some(made) => made,
            None => make.await,
        };
        match made {
            Ok(()) => Ok(output),
            Err(Failure::Here(error)) => Err(error),
            Err(Failure::Pipe) => Err(FileError::from_output("write", about, self.host(), &output)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_exact() {
        let options = WriteOptions { mode: 0o640, ..WriteOptions::default() };
        let words = |owner| write_command("/srv/a b", ".s", owner, &options).words().to_vec();
        let script = write_script();
        let expected =
            ["sh", "-c", &script, "windlass-write", "/srv", "a b", ".s", "app:app", "0640", "0755"];
        assert_eq!(words(Some("app:app")), expected);
        assert_eq!(words(None)[7], "");
    }

    #[test]
    fn ownership_is_what_chown_reads() {
        assert_eq!(ownership(None, None), None);
        assert_eq!(ownership(Some("a"), None).as_deref(), Some("a"));
        assert_eq!(ownership(None, Some("b")).as_deref(), Some(":b"));
        assert_eq!(ownership(Some("a"), Some("b")).as_deref(), Some("a:b"));
    }
}
