//! Whose a single object of a host is: the id of the very resource that made it.
//!
//! A name entitles nobody to change or remove what has it: two configurations may use one name, and
//! with `create_before_destroy` the new one is made before the old one goes. What owns a directory
//! keeps its id there; a single file, or a name of an image, has no place for one, so the host
//! remembers it, in two places by the same name, `<sha256 of the kind and the name>`:
//!
//! - `~/.windlass/owners`, which is the login's own and private;
//! - [`SHARED`], for all logins of the host, as far as it is there. Only root can make it, and does
//!   when it claims something. Everybody may write there as in `/tmp`, and takes away only their own.
//!
//! Where root has never claimed anything, logins with other homes do not see each other's. What stands
//! in the shared place is no access control: whoever has a login there can claim a name, and so keep
//! others from making what has it. What a login has claimed itself only root's word outdoes.

use secret::hex;
use sha2::{Digest as _, Sha256};

use crate::{
    Command, Executor, Input, Output,
    files::{FileError, english},
    run,
};

/// Where all logins of a host see the claims of all.
pub const SHARED: &str = "/var/lib/windlass/owners";

/// Tells what the login's own file `$1` holds, what the file `$3` of the shared directory `$2` holds,
/// whose that is, and who asks: a line for each. Only what is not there is no claim; a link is none.
const OWNER: &str = r#"
own=$(cat -- "$1" 2>&1) || case $own in
  *"No such file or directory"*) own= ;;
  *) printf '%s\n' "$own" >&2; exit 1 ;;
esac
shared= by=
if cd -P -- "$2" 2>/dev/null && [ -f "./$3" ] && [ ! -L "./$3" ]; then
  shared=$(head -c 200 -- "./$3" 2>/dev/null | head -n 1) by=$(stat -c %u -- "./$3" 2>/dev/null)
fi
printf '%s\n' "$own" | head -n 1
printf '%s\n%s\n%s\n' "$shared" "$by" "$(id -u)"
"#;

/// Writes `$3` to the file `$2` in the private directory `$1`, as a whole.
const CLAIM: &str = r#"
umask 077
mkdir -p -- "$1" && printf '%s\n' "$3" >"$1/$2.$$" && mv -f -- "$1/$2.$$" "$1/$2"
"#;

/// The same in the directory that all share, which root makes; what cannot be done there is left. Others
/// may write in it: the name to write under is a new one, and a rename follows no link.
const SHARE: &str = r#"
umask 022
if [ ! -d "$1" ] && [ "$(id -u)" = 0 ]; then
  mkdir -p -- "${1%/*}" && mkdir -- "$1" && chmod 1777 -- "$1"
fi
cd -P -- "$1" && new=$(mktemp ./.claim-XXXXXXXXXX) || exit
trap 'rm -f -- "$new"' EXIT
printf '%s\n' "$3" >"$new" && chmod 644 "$new" && [ ! -d "./$2" ] && mv -f -- "$new" "./$2"
"#;

/// Removes the file `$2` from the directory `$1` that all share, where that is allowed.
const UNSHARE: &str = r#"
cd -P -- "$1" 2>/dev/null || exit 0
rm -f -- "./$2"
"#;

/// The owners of the objects of one kind, such as `file`.
#[derive(Debug)]
pub struct Claims<'a> {
    exec: &'a dyn Executor,
    directory: String,
    shared: &'a str,
    kind: &'static str,
}

impl<'a> Claims<'a> {
    /// Those of the login with this `home`, and those that all logins share.
    pub fn on(exec: &'a dyn Executor, home: &str, kind: &'static str) -> Self {
        let directory = format!("{}/.windlass/owners", home.trim_end_matches('/'));
        Self { exec, directory, shared: SHARED, kind }
    }

    /// The id of the resource that `name` belongs to, if any.
    ///
    /// # Errors
    /// When it cannot be read though it is there.
    pub async fn owner(&self, name: &str) -> Result<Option<String>, FileError> {
        let words = ["sh", "-c", OWNER, "windlass-owner", &self.path(name), self.shared, &self.file(name)];
        let output = self.run("tell whose it is in", english(words)).await?;
        Ok(Told::parse(&output.stdout_text()).owner())
    }

    /// Remembers that `name` belongs to the resource with this id.
    ///
    /// # Errors
    /// When it cannot be written in the login's own place.
    pub async fn claim(&self, name: &str, id: &str) -> Result<(), FileError> {
        let file = self.file(name);
        let own = Command::new(["sh", "-c", CLAIM, "windlass-claim", &self.directory, &file, id]);
        self.run("remember whose it is in", own).await?;
        let share = english(["sh", "-c", SHARE, "windlass-share", self.shared, &file, id]);
        self.for_all(share).await
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
    /// When it cannot be removed from the login's own place.
    pub async fn release(&self, name: &str) -> Result<(), FileError> {
        self.run("forget whose it is in", Command::new(["rm", "-f", "--", &self.path(name)])).await?;
        self.for_all(english(["sh", "-c", UNSHARE, "windlass-unshare", self.shared, &self.file(name)])).await
    }

    /// Runs what is done in the shared place, as root where the connection has root. That it cannot be
    /// done is no failure: the login's own place is what counts for the login.
    async fn for_all(&self, command: Command) -> Result<(), FileError> {
        let output = run(self.exec, &command.privileged(), Input::Nothing).await?;
        if !output.success() {
            tracing::debug!(
                host = self.exec.name(),
                said = output.stderr_text(),
                "other logins do not see a claim"
            );
        }
        Ok(())
    }

    async fn run(&self, operation: &'static str, command: Command) -> Result<Output, FileError> {
        let output = run(self.exec, &command, Input::Nothing).await?;
        if output.success() {
            return Ok(output);
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

/// What both places say, as [`OWNER`] tells it.
#[derive(Debug, Default)]
struct Told<'t> {
    own: &'t str,
    shared: &'t str,
    /// The user who has written the shared one, and the one who asks.
    by: &'t str,
    me: &'t str,
}

impl<'t> Told<'t> {
    fn parse(text: &'t str) -> Self {
        let mut lines = text.lines().map(str::trim);
        let mut line = || lines.next().unwrap_or_default();
        Self { own: line(), shared: line(), by: line(), me: line() }
    }

    /// Another user's word counts where the login has none itself; root's counts more.
    fn owner(&self) -> Option<String> {
        let outdoes = self.own.is_empty() || self.by == "0" || self.by == self.me;
        let owner = if !self.shared.is_empty() && outdoes { self.shared } else { self.own };
        Some(owner.to_owned()).filter(|id| !id.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, path::Path};

    use super::*;
    use crate::conformance::Tools;

    /// Claims of a login at home in `home`.
    fn claims<'a>(exec: &'a Tools, home: &Path, shared: &'a Path, kind: &'static str) -> Claims<'a> {
        Claims { shared: shared.to_str().unwrap(), ..Claims::on(exec, home.to_str().unwrap(), kind) }
    }

    #[tokio::test]
    async fn a_name_of_a_kind_belongs_to_one() {
        for tools in Tools::all() {
            // Nobody made a place that all share, or it is there for everybody.
            for has_shared in [false, true] {
                let root = tempfile::tempdir().unwrap();
                let shared = root.path().join("lib/owners");
                if has_shared {
                    fs::create_dir_all(&shared).unwrap();
                } else {
                    fs::write(root.path().join("lib"), "").unwrap();
                }
                belongs_to_one(&tools, root.path(), &shared).await;
            }
        }
    }

    async fn belongs_to_one(exec: &Tools, home: &Path, shared: &Path) {
        let of = |kind| claims(exec, home, shared, kind);
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

    #[tokio::test]
    async fn logins_see_each_other_and_nothing_is_left() {
        for tools in Tools::all() {
            let root = tempfile::tempdir().unwrap();
            let shared = root.path().join("lib/owners");
            fs::create_dir_all(&shared).unwrap();
            let [ann, bob] = ["ann", "bob"].map(|home| {
                fs::create_dir(root.path().join(home)).unwrap();
                claims(&tools, &root.path().join(home), &shared, "file")
            });
            ann.claim("/srv/a", "1").await.unwrap();
            assert_eq!(bob.owner("/srv/a").await.unwrap().as_deref(), Some("1"), "{tools:?}");
            assert!(bob.is_of_another("/srv/a", "2").await.unwrap());
            ann.release("/srv/a").await.unwrap();
            assert_eq!(bob.owner("/srv/a").await.unwrap(), None, "{tools:?}");
            assert_eq!(fs::read_dir(&shared).unwrap().count(), 0, "{tools:?}");
        }
    }

    #[tokio::test]
    async fn what_others_planted_is_followed_by_nobody() {
        for tools in Tools::all() {
            let root = tempfile::tempdir().unwrap();
            let (home, shared, victim) =
                (root.path().join("ann"), root.path().join("owners"), root.path().join("victim"));
            fs::create_dir(&home).unwrap();
            fs::create_dir(&shared).unwrap();
            fs::write(&victim, "theirs\n").unwrap();
            let ann = claims(&tools, &home, &shared, "file");
            let (link, place) = (shared.join(ann.file("/a")), shared.join(ann.file("/b")));
            symlink(&victim, &link).unwrap();
            fs::create_dir(&place).unwrap();
            assert_eq!(ann.owner("/a").await.unwrap(), None, "{tools:?}");
            for name in ["/a", "/b"] {
                ann.claim(name, "1").await.unwrap();
                assert_eq!(ann.owner(name).await.unwrap().as_deref(), Some("1"), "{tools:?}");
                ann.release(name).await.unwrap();
                assert_eq!(ann.owner(name).await.unwrap(), None, "{tools:?}");
            }
            assert_eq!(fs::read_to_string(&victim).unwrap(), "theirs\n", "{tools:?}");
            assert_eq!(fs::read_dir(&place).unwrap().count(), 0, "{tools:?}");
            assert!(!link.exists());
        }
    }

    #[test]
    fn another_users_word_counts_only_where_there_is_no_own() {
        for (text, expected) in [
            ("\n\n\n7\n", None),
            ("1\n\n\n7\n", Some("1")),
            ("\n2\n8\n7\n", Some("2")),
            ("1\n2\n8\n7\n", Some("1")),
            ("1\n2\n0\n7\n", Some("2")),
            ("1\n2\n7\n7\n", Some("2")),
        ] {
            assert_eq!(Told::parse(text).owner().as_deref(), expected, "{text:?}");
        }
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_not_absent() {
        let root = tempfile::tempdir().unwrap();
        let tools = Tools::here();
        let ann = claims(&tools, root.path(), root.path(), "file");
        fs::create_dir_all(ann.path("/a")).unwrap();
        assert!(ann.owner("/a").await.is_err());
    }
}
