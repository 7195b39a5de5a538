//! Downloading a file, or a tree of them.

use std::{
    io,
    path::{Component, Path, PathBuf},
    pin::Pin,
    task::{Context, Poll, ready},
};

use sha2::{Digest, Sha256};
use tokio::io::AsyncWrite;
use tokio_util::io::SyncIoBridge;

use crate::{Command, Input, Output, collect};

use super::{FileError, Files, english, path, walk, write::PIPE};

/// What came of a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downloaded {
    /// How many bytes were passed on.
    pub size: u64,
    /// SHA-256 of them in lower-case hex.
    pub sha256: String,
}

/// Prints the file `$2` in the directory `$1`. Root follows a link to it only where the one who could have put
/// it there owns the file as well.
const READ: &str = r#"
[ "$me" = 0 ] || exec cat -- "$1/$2"
go "$1" ''
if [ ! -f "./$2" ]; then
  ! ls -d -L -- "./$2" >/dev/null || echo "windlass: $1/$2 is not a regular file" >&2
  exit 1
fi
{
  opened=$(readlink -n /proc/self/fd/7 && echo .)
  case $opened in
    "${PWD%/}/$2.") ;;
    *) case $(stat -c '%u %a' .) in
        "0 "*[2367] | "0 "*[2367]?) link "${PWD%/}/$2" ;;
        "0 "*) ;;
        *[2367]) link "${PWD%/}/$2" ;;
        "$(stat -L -c %u /proc/self/fd/7) "*) ;;
        *) link "${PWD%/}/$2" ;;
      esac ;;
  esac
  exec cat <&7
} 7<"./$2"
"#;

fn read_command(path: &str) -> Command {
    english(["cat", "--", path]).timeout(None)
}

/// The same where it is done with root's rights.
fn walking_read_command(path: &str) -> Command {
    walk::command(READ, "windlass-read").args([path::parent(path), walk::name(path)]).timeout(None)
}

/// Everything below `dir` as an archive on stdout.
fn pack_command(dir: &str) -> Command {
    english(["tar", "-c", "-f", "-", "-C", dir, "--", "."]).timeout(None).bulk()
}

impl Files<'_> {
    /// Passes the content of `path` on to `writer`, which is flushed and not shut down.
    ///
    /// # Errors
    /// [`FileError::Absent`], [`FileError::Denied`] and the others; `writer` may have got a part
    /// of the content by then.
    pub async fn download(
        &self,
        path: &str,
        writer: &mut (dyn AsyncWrite + Send + Unpin),
    ) -> Result<Downloaded, FileError> {
        self.read(path, self.read_command(path).bulk(), writer).await
    }

    /// All of a short file.
    ///
    /// # Errors
    /// As [`Files::download`].
    pub async fn download_short(&self, path: &str) -> Result<Vec<u8>, FileError> {
        let mut bytes = Vec::new();
        self.read(path, self.read_command(path), &mut bytes).await?;
        Ok(bytes)
    }

    fn read_command(&self, path: &str) -> Command {
        if self.privileged { walking_read_command(path) } else { read_command(path) }
    }

    async fn read(
        &self,
        path: &str,
        command: Command,
        writer: &mut (dyn AsyncWrite + Send + Unpin),
    ) -> Result<Downloaded, FileError> {
        path::absolute(path)?;
        let mut hashing = Hashing { writer, hash: Sha256::new(), size: 0 };
        let command = self.with_rights(command);
        let ended =
            collect::stream(self.exec, &command, Input::Nothing, &mut hashing, &self.limits()).await?;
        self.ended("read", path, ended)?;
        Ok(Downloaded { size: hashing.size, sha256: secret::hex(&hashing.hash.finalize()) })
    }

    /// Unpacks everything below `dir` on the host into the directory `target` here, which is made
    /// when it is not there. Owners are not kept, modes are.
    ///
    /// # Errors
    /// [`FileError::Unsafe`] for an entry that would leave `target`, or a device;
    /// [`FileError::Absent`], [`FileError::Denied`] and the others. `target` holds what was
    /// unpacked until then.
    pub async fn download_tree(&self, dir: &str, target: &Path) -> Result<(), FileError> {
        path::absolute(dir)?;
        let (mut pipe, archive) = tokio::io::duplex(PIPE);
        let (target, host) = (target.to_owned(), self.host());
        let unpacked =
            tokio::task::spawn_blocking(move || unpack(SyncIoBridge::new(archive), &target, &host));
        let command = self.with_rights(pack_command(dir));
        let streamed = collect::stream(self.exec, &command, Input::Nothing, &mut pipe, &self.limits()).await;
        // Only now does the reader of the archive see its end.
        drop(pipe);
        let unpacked = unpacked.await.map_err(|error| here("unpack an archive", io::Error::other(error)))?;
        match (unpacked, streamed) {
            // When unpacking stopped, the stream broke because of that.
            (Err(error @ FileError::Unsafe { .. }), _) => Err(error),
            (_, Ok(ended)) if ended.status != 0 => self.ended("read", dir, ended),
            (Err(error), Ok(_)) => Err(error),
            (Err(error), Err(crate::Error::Io { operation, .. })) if operation.starts_with("pass on") => {
                Err(error)
            }
            (_, Err(error)) => Err(error.into()),
            (Ok(()), Ok(_)) => Ok(()),
        }
    }

    fn ended(&self, operation: &'static str, path: &str, ended: collect::Streamed) -> Result<(), FileError> {
        if ended.status == 0 {
            return Ok(());
        }
        let output = Output { status: ended.status, stdout: Vec::new(), stderr: ended.stderr };
        if output.stderr_text().contains("No such file or directory") {
            return Err(FileError::Absent { path: path.to_owned(), host: self.host() });
        }
        Err(FileError::from_output(operation, path, self.host(), &output))
    }
}

fn here(operation: impl Into<String>, source: io::Error) -> FileError {
    FileError::Here { operation: operation.into(), source }
}

fn unpack(archive: impl io::Read, target: &Path, host: &str) -> Result<(), FileError> {
    std::fs::create_dir_all(target).map_err(|error| here(format!("make {}", target.display()), error))?;
    let reading = |error| here("read the archive", error);
    let mut archive = tar::Archive::new(archive);
    archive.set_overwrite(true);
    for entry in archive.entries().map_err(reading)? {
        let mut entry = entry.map_err(reading)?;
        let path = entry.path().map_err(reading)?.into_owned();
        let link = entry.link_name().map_err(reading)?.map(std::borrow::Cow::into_owned);
        if let Some(problem) = problem_of(entry.header().entry_type(), &path, link.as_deref()) {
            let entry = path.display().to_string();
            return Err(FileError::Unsafe { entry, host: host.to_owned(), problem });
        }
        // The crate itself refuses to write through a link that leads out of the target.
        entry.unpack_in(target).map_err(|error| here(format!("unpack {}", path.display()), error))?;
    }
    // What pads the archive is read too, or else the command that writes it would be cut off.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(reading)?;
    Ok(())
}

/// Why an entry must not be unpacked.
fn problem_of(kind: tar::EntryType, path: &Path, link: Option<&Path>) -> Option<&'static str> {
    if !stays_inside(path) {
        return Some("it would leave the directory");
    }
    match kind {
        tar::EntryType::Regular | tar::EntryType::Directory | tar::EntryType::GNUSparse => None,
        tar::EntryType::Symlink => {
            let target = path.parent().unwrap_or(Path::new("")).join(link.unwrap_or(Path::new("/")));
            (!stays_inside(&target)).then_some("it is a link that leads out of the directory")
        }
        tar::EntryType::Link => (!stays_inside(link.unwrap_or(Path::new("/"))))
            .then_some("it is a link that leads out of the directory"),
        _ => Some("it is a device, pipe or unknown thing"),
    }
}

/// Whether a relative path never climbs above where it starts.
fn stays_inside(path: &Path) -> bool {
    let mut inside = PathBuf::new();
    path.components().all(|component| match component {
        Component::Normal(name) => {
            inside.push(name);
            true
        }
        Component::CurDir => true,
        Component::ParentDir => inside.pop(),
        Component::RootDir | Component::Prefix(_) => false,
    })
}

/// Passes bytes on and hashes those that were taken.
struct Hashing<'a> {
    writer: &'a mut (dyn AsyncWrite + Send + Unpin),
    hash: Sha256,
    size: u64,
}

impl AsyncWrite for Hashing<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let taken = ready!(Pin::new(&mut *self.writer).poll_write(context, data))?;
        self.hash.update(&data[..taken]);
        self.size += taken as u64;
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.writer).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.writer).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Fake, fake::Reply};

    #[test]
    fn entries_that_leave_the_target_are_refused() {
        use tar::EntryType;
        let problem =
            |kind, path: &str, link: Option<&str>| problem_of(kind, Path::new(path), link.map(Path::new));
        for (kind, path, link) in [
            (EntryType::Regular, "./a/b", None),
            (EntryType::Directory, "./", None),
            (EntryType::Symlink, "./a/b", Some("../c")),
            (EntryType::Link, "./a", Some("./b")),
        ] {
            assert_eq!(problem(kind, path, link), None, "{path}");
        }
        for (kind, path, link) in [
            (EntryType::Regular, "../a", None),
            (EntryType::Regular, "/a", None),
            (EntryType::Directory, "a/../../b", None),
            (EntryType::Symlink, "./a/b", Some("../../c")),
            (EntryType::Symlink, "./a", Some("/etc/passwd")),
            (EntryType::Link, "./a", Some("../b")),
            (EntryType::Char, "./a", None),
            (EntryType::Fifo, "./a", None),
        ] {
            assert!(problem(kind, path, link).is_some(), "{path} {link:?}");
        }
    }

    #[tokio::test]
    async fn an_archive_that_leaves_the_target_is_refused() {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, "inside", "/").unwrap();
        let fake = Fake::new("web");
        fake.expect(
            ["env", "LC_ALL=C", "tar", "-c", "-f", "-", "-C", "/srv", "--", "."],
            Reply::ok(builder.into_inner().unwrap()),
        );
        let target = tempfile::tempdir().unwrap();
        let error = Files::on(&fake).download_tree("/srv", target.path()).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "refused to unpack \"inside\" from web: it is a link that leads out of the directory"
        );
        assert_eq!(std::fs::read_dir(target.path()).unwrap().count(), 0);
    }
}
