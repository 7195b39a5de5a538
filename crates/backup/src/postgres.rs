//! Databases of a Postgres: how its own programs are called.
//!
//! Of a server in a container `pg_dump`, `pg_restore` and `psql` of the very container are used, so that none is older
//! than the server. They run by `docker exec`, without a terminal, whose line endings would break a dump; its exit
//! status is theirs. A server somewhere else, which is reached by a URI, needs an image or a host that has them.

mod gather;
mod prove;
mod restore;
mod sections;
mod sql;
mod tables;
mod tools;
mod uri;

use bytes::Bytes;
use remote::{Command, Executor, Input, collect::run_checked};
use secret::Secret;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::{error::Error, subject::Subject};

pub(crate) use gather::{entry, gather};
pub(crate) use prove::Proving;
pub use prove::{Check, Proof};
pub(crate) use restore::RestoringPostgres;
pub use sections::Sections;
pub(crate) use tools::WITH_VARIABLES;
pub use tools::{Network, Tools};
pub use uri::{ServerUri, UriError};

/// Who logs in where nobody says.
pub const USER: &str = "postgres";

/// What roles and tablespaces are stored as.
pub(crate) const GLOBALS: &str = "globals.sql";

/// What the database is stored as.
pub(crate) const DUMP: &str = "database.dump";

/// A database of a Postgres.
#[derive(Clone, Debug)]
pub struct Postgres {
    /// Where its programs run.
    pub tools: Tools,
    /// What leads to the server from there; of one in a container nothing does, or its loopback.
    pub server: Option<ServerUri>,
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

    /// The container that the server runs in, if it does.
    pub(crate) fn container(&self) -> Option<&str> {
        self.tools.container()
    }

    /// `program` with `words`, run as `user`, who is never asked for a password.
    fn command(&self, program: &str, words: &[&str]) -> Command {
        let login = [program, "--username", &self.user, "--no-password"];
        self.tools.command(login.iter().chain(words).map(|word| (*word).to_owned()), self.has_variables())
    }

    /// What such a command reads: variables, if there are some, and `rest`.
    fn input<'a>(&self, rest: impl AsyncRead + Send + Unpin + 'a) -> Input<'a> {
        let first = std::io::Cursor::new(Bytes::from(self.preface()));
        Input::Reader(Box::new(first.chain(rest)))
    }

    fn has_variables(&self) -> bool {
        self.password.is_some() || !matches!((&self.tools, &self.server), (Tools::Container { .. }, None))
    }

    /// Variables of the environment for libpq, a line each, and an empty line; nothing where there are none.
    pub(crate) fn preface(&self) -> String {
        if !self.has_variables() {
            return String::new();
        }
        let loopback =
            ServerUri { variables: vec![("PGHOST", "127.0.0.1".to_owned())], ..ServerUri::default() };
        let server = match (&self.server, &self.tools) {
            (Some(server), _) => Some(server),
            (None, Tools::Image { .. }) => Some(&loopback),
            (None, _) => None,
        };
        let mut text = String::new();
        for (name, value) in server.iter().flat_map(|server| &server.variables) {
            text += &format!("{name}={value}\n");
        }
        if let Some(password) = &self.password {
            text += &format!("PGPASSWORD={}\n", password.expose());
        }
        text + "\n"
    }

    /// What `psql` prints for `script` in `database`: a line for each row, with a tab between fields.
    async fn query(&self, exec: &dyn Executor, database: &str, script: &str) -> Result<Vec<String>, Error> {
        let words = ["-X", "-A", "-t", "-q", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", database, "-f", "-"];
        let output = run_checked(exec, &self.command("psql", &words), self.input(script.as_bytes())).await?;
        Ok(output.stdout_text().lines().map(str::to_owned).collect())
    }

    /// The database that we connect to while something happens to the one that is meant.
    fn maintenance(&self) -> &str {
        let named = self.server.as_ref().and_then(|server| server.database.as_deref());
        match named.filter(|named| *named != self.database) {
            Some(named) => named,
            None if self.database == "postgres" => "template1",
            None => "postgres",
        }
    }

    /// The database that we connect to while nothing happens to any: a server may let us into no other one than its
    /// URI names.
    fn entrance(&self) -> &str {
        let named = self.server.as_ref().and_then(|server| server.database.as_deref());
        named.unwrap_or_else(|| self.maintenance())
    }
}

#[cfg(test)]
mod tests {
    use docker::Cli;

    use super::*;

    fn cli() -> Cli {
        Cli::new("/run/docker.sock", "/root")
    }

    fn postgres(password: Option<&str>) -> Postgres {
        Postgres {
            tools: Tools::Container { cli: cli(), container: "db".into() },
            server: None,
            database: "shop".into(),
            user: "postgres".into(),
            password: password.map(Secret::new),
            globals: true,
        }
    }

    /// One that is reached by a URI.
    fn managed(uri: &str) -> Postgres {
        let server = ServerUri::parse(&Secret::new(uri)).unwrap();
        Postgres {
            tools: Tools::Host,
            user: server.user.clone().unwrap(),
            password: server.password.clone(),
            server: Some(server),
            ..postgres(None)
        }
    }

    #[test]
    fn commands_are_words_without_the_password() {
        let words = |postgres: Postgres| {
            let words = postgres.command("pg_dump", &["-d", "shop"]).words().join(" ");
            words.rsplit_once(" docker ").map_or(words.clone(), |(_, words)| words.to_owned())
        };
        assert_eq!(words(postgres(None)), "exec -i db pg_dump --username postgres --no-password -d shop");
        let program = "windlass-postgres pg_dump --username";
        assert_eq!(
            words(postgres(Some("t0p"))),
            format!("exec -i db sh -c {WITH_VARIABLES} {program} postgres --no-password -d shop")
        );
        assert_eq!(
            words(managed("postgres://app:t0p@db.example/shop")),
            format!("sh -c {WITH_VARIABLES} {program} app --no-password -d shop")
        );
    }

    #[tokio::test]
    async fn what_leads_to_the_server_comes_first_by_stdin() {
        let beside = Tools::Image { cli: cli(), image: "i".into(), network: Network::Container("db".into()) };
        for (postgres, expected) in [
            (postgres(None), "SELECT 1"),
            (postgres(Some("t0p")), "PGPASSWORD=t0p\n\nSELECT 1"),
            (
                managed("postgres://app:t0p@db.example:5433/shop?sslmode=require"),
                "PGHOST=db.example\nPGPORT=5433\nPGSSLMODE=require\nPGPASSWORD=t0p\n\nSELECT 1",
            ),
            (Postgres { tools: beside, ..postgres(None) }, "PGHOST=127.0.0.1\n\nSELECT 1"),
        ] {
            let Input::Reader(mut reader) = postgres.input(&b"SELECT 1"[..]) else { panic!() };
            let mut text = String::new();
            reader.read_to_string(&mut text).await.unwrap();
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn we_connect_to_a_database_that_nothing_happens_to() {
        let databases =
            |postgres: &Postgres| (postgres.maintenance().to_owned(), postgres.entrance().to_owned());
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(databases(&postgres(None)), pair("postgres", "postgres"));
        let own = Postgres { database: "postgres".into(), ..postgres(None) };
        assert_eq!(databases(&own), pair("template1", "template1"));
        assert_eq!(databases(&managed("postgres://app@db/defaultdb")), pair("defaultdb", "defaultdb"));
        assert_eq!(databases(&managed("postgres://app@db/shop")), pair("postgres", "shop"));
    }
}
