//! Whose a single object of a host is: the id of the very resource that made it.
//!
//! A name entitles nobody to change or remove what has it: two configurations may use one name, and
//! with `create_before_destroy` the new one is made before the old one goes. What owns a directory
//! keeps its id there; a single file, or a name of an image, has no place for one, so the host
//! remembers it in `~/.windlass/owners/<sha256 of the kind and the name>`. It is remembered by login:
//! users with other homes do not see each other's.

use secret::hex;
use sha2::{Digest as _, Sha256};

use crate::{
    Command, Executor, Input,
    files::{FileError, Files},
    run,
};

/// Writes `$3` to the file `$2` in the private directory `$1`, as a whole. One command: a claim comes
/// with every file that is made.
const CLAIM: &str = r#"
umask 077
mkdir -p -- "$1" && printf '%s\n' "$3" >"$1/$2.$$" && mv -f -- "$1/$2.$$" "$1/$2"
"#;

/// The owners of the objects of one kind, such as `file`.
#[derive(Debug)]
pub struct Claims<'a> {
    exec: &'a dyn Executor,
    directory: String,
    kind: &'static str,
}

impl<'a> Claims<'a> {
    /// Those below `home`, the home directory of the user.
    pub fn on(exec: &'a dyn Executor, home: &str, kind: &'static str) -> Self {
        let directory = format!("{}/.windlass/owners", home.trim_end_matches('/'));
        Self { exec, directory, kind }
    }

    /// The id of the resource that `name` belongs to, if any.
    ///
    /// # Errors
    /// When it cannot be read though it is there.
    pub async fn owner(&self, name: &str) -> Result<Option<String>, FileError> {
        let text = Files::on(self.exec).read_text(&self.path(name)).await?;
        Ok(text.map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()))
    }

    /// Remembers that `name` belongs to the resource with this id.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn claim(&self, name: &str, id: &str) -> Result<(), FileError> {
        let words = ["sh", "-c", CLAIM, "windlass-claim", &self.directory, &self.file(name), id];
        self.run("remember whose it is in", Command::new(words)).await
    }

    /// Whether `name` belongs to another resource than the one with this id; one without an id, of
    /// either side, is taken for the same.
    ///
    /// # Errors
    /// As [`Claims::owner`].
    pub async fn is_of_another(&self, name: &str, id: &str) -> Result<bool, FileError> {
        Ok(!id.is_empty() && self.owner(name).await?.is_some_and(|owner| owner != id))
    }

    /// Forgets that `name` belongs to the resource with this id, if it does.
    ///
    /// # Errors
    /// As [`Claims::owner`] and [`Claims::release`].
    pub async fn let_go(&self, name: &str, id: &str) -> Result<(), FileError> {
        if self.owner(name).await?.as_deref() == Some(id) { self.release(name).await } else { Ok(()) }
    }

    /// Forgets whose `name` is.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub async fn release(&self, name: &str) -> Result<(), FileError> {
        self.run("forget whose it is in", Command::new(["rm", "-f", "--", &self.path(name)])).await
    }

    async fn run(&self, operation: &'static str, command: Command) -> Result<(), FileError> {
        let output = run(self.exec, &command, Input::Nothing).await?;
        if output.success() {
            return Ok(());
        }
        Err(FileError::from_output(operation, &self.directory, self.exec.name().to_owned(), &output))
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{}", self.directory, self.file(name))
    }

    fn file(&self, name: &str) -> String {
        hex(&Sha256::digest(format!("{} {name}", self.kind).as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::Tools;

    #[tokio::test]
    async fn a_name_of_a_kind_belongs_to_one() {
        for tools in Tools::all() {
            belongs_to_one(&tools).await;
        }
    }

    async fn belongs_to_one(exec: &Tools) {
        let home = tempfile::tempdir().unwrap();
        let of = |kind| Claims::on(exec, home.path().to_str().unwrap(), kind);
        assert_eq!(of("file").owner("/etc/a").await.unwrap(), None);
        of("file").claim("/etc/a", "1").await.unwrap();
        of("image").claim("/etc/a", "2").await.unwrap();
        assert_eq!(of("file").owner("/etc/a").await.unwrap().as_deref(), Some("1"));
        of("file").claim("/etc/a", "3").await.unwrap();
        assert_eq!(of("file").owner("/etc/a").await.unwrap().as_deref(), Some("3"));
        of("file").release("/etc/a").await.unwrap();
        of("file").release("/etc/a").await.unwrap();
        assert_eq!(of("file").owner("/etc/a").await.unwrap(), None);
        assert_eq!(of("image").owner("/etc/a").await.unwrap().as_deref(), Some("2"));
    }
}
