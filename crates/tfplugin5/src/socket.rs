//! The unix socket and its private directory.

use std::{
    collections::hash_map::RandomState,
    fs::{self, DirBuilder, Permissions},
    hash::{BuildHasher as _, Hasher as _},
    io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
};

/// `sun_path` holds 108 bytes, the last one being NUL.
const LONGEST_PATH: usize = 107;
const SOCKET_NAME: &str = "provider.sock";
/// How often another name is tried when a directory of that name exists.
const ATTEMPTS: u32 = 3;

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    #[error("create a directory for the plugin socket in {parent:?}")]
    Directory { parent: PathBuf, source: io::Error },
    #[error("find group {group:?} of PLUGIN_UNIX_SOCKET_GROUP")]
    UnknownGroup { group: String },
    #[error("give plugin socket {path:?} to its group and mode")]
    Access { path: PathBuf, source: io::Error },
    #[error("listen on plugin socket {path:?}")]
    Listen { path: PathBuf, source: io::Error },
}

/// A private directory with the path of a socket in it; both are removed on drop.
#[derive(Debug)]
pub(crate) struct SocketDirectory {
    directory: PathBuf,
    socket: PathBuf,
}

impl SocketDirectory {
    /// Makes a directory of mode 0700 in `parent`, or in `/tmp` when the path of the socket
    /// would be longer than a unix socket's path may be.
    pub fn create(parent: &Path) -> Result<Self, SocketError> {
        let parent = short_enough(parent);
        let mut attempt = 0;
        loop {
            let directory = parent.join(random_name());
            match DirBuilder::new().mode(0o700).create(&directory) {
                Ok(()) => {
                    let socket = directory.join(SOCKET_NAME);
                    return Ok(Self { directory, socket });
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < ATTEMPTS => {
                    attempt += 1;
                }
                Err(source) => {
                    let parent = parent.to_owned();
                    return Err(SocketError::Directory { parent, source });
                }
            }
        }
    }

    /// Where the socket is.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Listens on the socket: mode 0600, or 0660 for `group`, whose members may then also
    /// pass through the directory. Needs a running tokio runtime.
    pub fn listen(&self, group: Option<&str>) -> Result<tokio::net::UnixListener, SocketError> {
        let listener = tokio::net::UnixListener::bind(&self.socket)
            .map_err(|source| SocketError::Listen { path: self.socket.clone(), source })?;
        match group {
            None => set_mode(&self.socket, 0o600)?,
            Some(group) => {
                let id =
                    group_id(group).ok_or_else(|| SocketError::UnknownGroup { group: group.to_owned() })?;
                set_group(&self.socket, id)?;
                set_mode(&self.socket, 0o660)?;
                set_group(&self.directory, id)?;
                set_mode(&self.directory, 0o710)?;
            }
        }
        Ok(listener)
    }

    /// Removes socket and directory; what is not there any more is fine.
    pub fn remove(&self) {
        let _ = fs::remove_file(&self.socket);
        let _ = fs::remove_dir(&self.directory);
    }
}

impl Drop for SocketDirectory {
    fn drop(&mut self) {
        self.remove();
    }
}

/// `parent`, or `/tmp` where the socket's path would get too long.
fn short_enough(parent: &Path) -> &Path {
    let longest_name = random_name().len() + SOCKET_NAME.len() + 2;
    if parent.as_os_str().len() + longest_name <= LONGEST_PATH { parent } else { Path::new("/tmp") }
}

/// A name that nobody can guess and occupy in a shared directory.
fn random_name() -> String {
    // The standard library's hasher is seeded at random.
    let random = RandomState::new().build_hasher().finish();
    format!("tfplugin-{random:016x}")
}

fn set_mode(path: &Path, mode: u32) -> Result<(), SocketError> {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(|source| SocketError::Access { path: path.to_owned(), source })
}

fn set_group(path: &Path, group: u32) -> Result<(), SocketError> {
    chown(path, None, Some(group)).map_err(|source| SocketError::Access { path: path.to_owned(), source })
}

/// A number is a group id, anything else a name in `/etc/group`; go-plugin's order.
fn group_id(group: &str) -> Option<u32> {
    group.parse().ok().or_else(|| group_id_in(&fs::read_to_string("/etc/group").ok()?, group))
}

/// Finds a name in the text of a group file (`name:password:id:members`).
fn group_id_in(file: &str, name: &str) -> Option<u32> {
    file.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_directory_is_private_and_gone_after_drop() {
        let parent = tempfile::tempdir().unwrap();
        let directory = SocketDirectory::create(parent.path()).unwrap();
        fs::write(directory.socket(), "").unwrap();
        assert_eq!(mode(directory.socket().parent().unwrap()), 0o700);
        drop(directory);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn two_directories_of_one_process_differ() {
        let parent = tempfile::tempdir().unwrap();
        let one = SocketDirectory::create(parent.path()).unwrap();
        let two = SocketDirectory::create(parent.path()).unwrap();
        assert_ne!(one.socket(), two.socket());
    }

    #[test]
    fn a_path_too_long_for_a_socket_falls_back_to_tmp() {
        let long = PathBuf::from(format!("/{}", "x".repeat(90)));
        assert_eq!(short_enough(&long), Path::new("/tmp"));
        assert_eq!(short_enough(Path::new("/run/user/0")), Path::new("/run/user/0"));
    }

    #[test]
    fn a_parent_that_is_missing_is_an_error_that_names_it() {
        let error = SocketDirectory::create(Path::new("/nonexistent")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent"), "{error}");
    }

    #[tokio::test]
    async fn a_group_may_pass_and_use_the_socket() {
        let parent = tempfile::tempdir().unwrap();
        let own = fs::metadata(parent.path()).unwrap().gid().to_string();
        let directory = SocketDirectory::create(parent.path()).unwrap();
        let _listener = directory.listen(Some(&own)).unwrap();
        assert_eq!(mode(directory.socket()), 0o660);
        assert_eq!(mode(directory.socket().parent().unwrap()), 0o710);
    }

    #[tokio::test]
    async fn without_a_group_the_socket_is_private_and_an_unknown_group_is_an_error() {
        let parent = tempfile::tempdir().unwrap();
        let directory = SocketDirectory::create(parent.path()).unwrap();
        let _listener = directory.listen(None).unwrap();
        assert_eq!(mode(directory.socket()), 0o600);
        let other = SocketDirectory::create(parent.path()).unwrap();
        assert!(matches!(other.listen(Some("no such group")), Err(SocketError::UnknownGroup { .. })));
    }

    #[test]
    fn groups_are_found_by_name_in_the_group_file() {
        let file = "root:x:0:\nadm:x:4:a,b\nbroken\nadmin:x:5:\n";
        assert_eq!(group_id_in(file, "adm"), Some(4));
        assert_eq!(group_id_in(file, "admin"), Some(5));
        assert_eq!(group_id_in(file, "broken"), None);
        assert_eq!(group_id("17"), Some(17));
    }
}
