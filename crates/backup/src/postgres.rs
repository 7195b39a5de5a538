//! Databases of a Postgres that runs in a container: how its own programs are called there.
//!
//! `pg_dump`, `pg_restore` and `psql` of the very container are used, so that none is older than the
//! server. They run by `docker exec`, without a terminal, whose line endings would break a dump; its exit
//! status is theirs.

mod gather;
mod prove;
mod restore;
mod sql;
mod tables;

use bytes::Bytes;
use docker::Cli;
use remote::{Command, Executor, Input, collect::run_checked};
use secret::Secret;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::{error::Error, subject::Subject};

pub(crate) use gather::{entry, gather};
pub(crate) use prove::Proving;
pub use prove::{Check, Proof};
pub(crate) use restore::RestoringPostgres;

/// Who logs in where nobody says.
pub const USER: &str = "postgres";

/// What roles and tablespaces are stored as.
pub(crate) const GLOBALS: &str = "globals.sql";

/// What the database is stored as.
pub(crate) const DUMP: &str = "database.dump";

/// Takes the password from the first line of stdin, because words of a command show in the process
/// list, and becomes the words that follow.
const WITH_PASSWORD: &str = r#"IFS= read -r PGPASSWORD || exit; export PGPASSWORD; exec "$@""#;

/// A database of a Postgres that runs in a container.
#[derive(Clone, Debug)]
pub struct Postgres {
    /// The docker client on the host.
    pub cli: Cli,
    /// The container, by its name or id.
    pub container: String,
    /// The database.
    pub database: String,
    /// Who logs in to it: a superuser, for what belongs to others and for the globals.
    pub user: String,
    /// With which password; without one, the server has to let the container's own processes in.
    pub password: Option<Secret>,
    /// Whether roles and tablespaces, with the hashes of passwords, belong to it.
    pub globals: bool,
}

impl Postgres {
    pub(crate) fn subject(&self) -> Subject {
        Subject::Database(self.database.clone())
    }

    /// `program` with `words`, run in the container as `user`, who is never asked for a password.
    fn command(&self, program: &str, words: &[&str]) -> Command {
        let mut command = self.cli.docker(["exec", "-i", &self.container]);
        if self.password.is_some() {
            command = command.args(["sh", "-c", WITH_PASSWORD, "windlass-postgres"]);
        }
        command.args([program, "--username", &self.user, "--no-password"]).args(words.iter().copied())
    }

    /// What such a command reads: the password, if there is one, and `rest`.
    fn input<'a>(&self, rest: impl AsyncRead + Send + Unpin + 'a) -> Input<'a> {
        let line = self.password.as_ref().map(|password| format!("{}\n", password.expose()));
        let first = std::io::Cursor::new(Bytes::from(line.unwrap_or_default()));
        Input::Reader(Box::new(first.chain(rest)))
    }

    /// What `psql` prints for `script` in `database`: a line for each row, with a tab between fields.
    async fn query(&self, exec: &dyn Executor, database: &str, script: &str) -> Result<Vec<String>, Error> {
        let words = ["-X", "-A", "-t", "-q", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", "-"];
        let output = run_checked(exec, &self.command("psql", &words), self.input(script.as_bytes())).await?;
        Ok(output.stdout_text().lines().map(str::to_owned).collect())
    }

    /// The database that we connect to while something happens to the one that is meant.
    fn maintenance(&self) -> &'static str {
        if self.database == "postgres" { "template1" } else { "postgres" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(password: Option<&str>) -> Postgres {
        Postgres {
            cli: Cli::new("/run/docker.sock", "/root"),
            container: "db".into(),
            database: "shop".into(),
            user: "postgres".into(),
            password: password.map(Secret::new),
            globals: true,
        }
    }

    #[test]
    fn commands_are_words_without_the_password() {
        let words = |password| {
            let command = postgres(password).command("pg_dump", &["-d", "shop"]);
            let words = command.words().join(" ");
            words.split_once(" docker ").unwrap().1.to_owned()
        };
        assert_eq!(words(None), "exec -i db pg_dump --username postgres --no-password -d shop");
        assert_eq!(
            words(Some("t0p")),
            "exec -i db sh -c IFS= read -r PGPASSWORD || exit; export PGPASSWORD; exec \"$@\" windlass-postgres \
             pg_dump --username postgres --no-password -d shop"
        );
    }

    #[tokio::test]
    async fn the_password_comes_first_by_stdin() {
        for (password, expected) in [(None, "SELECT 1"), (Some("t0p"), "t0p\nSELECT 1")] {
            let Input::Reader(mut reader) = postgres(password).input(&b"SELECT 1"[..]) else { panic!() };
            let mut text = String::new();
            reader.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, expected);
        }
    }
}
