//! Dumps that are none make no snapshot, whatever the program that was to write them says.

#![allow(clippy::unwrap_used, reason = "what fails in a test fails it")]

mod world;

use std::{fs, os::unix::fs::PermissionsExt as _};

use backup::{Corpus, Error, Postgres, ServerUri, Store as _, Tools};
use docker::Cli;
use remote::Local;
use secret::Secret;
use tempfile::TempDir;
use world::World;

/// A docker client that is a script, and a database behind it.
struct FakeDocker(TempDir);

impl FakeDocker {
    /// One whose `pg_dump` and `pg_dumpall` are scripts, of which all others are right.
    fn new(dump: &str, globals: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let script = format!(
            "#!/bin/sh\ncase \"$*\" in\n\
             *' pg_dump --version') echo 'pg_dump (PostgreSQL) 17.5 (Debian)' ;;\n\
             *' psql '*) cat >/dev/null; printf 'UTF8\\tC.UTF-8\\tC.UTF-8\\tapp\\tt\\n' ;;\n\
             *' pg_dumpall '*) {globals} ;;\n\
             *' pg_dump '*) {dump} ;;\n\
             *) exit 9 ;;\nesac\n"
        );
        let path = dir.path().join("docker");
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Self(dir)
    }

    fn corpus(&self) -> Corpus {
        let mut cli = Cli::new("/nowhere.sock", "/root");
        cli.path = format!("{}:/usr/bin:/bin", self.0.path().display());
        Corpus::Postgres(Postgres {
            tools: Tools::Container { cli, container: "db".into() },
            server: None,
            database: "shop".into(),
            user: "postgres".into(),
            password: None,
            globals: true,
        })
    }
}

const ROLES: &str = "echo 'CREATE ROLE postgres;'";

#[tokio::test]
async fn a_dump_is_stored_with_its_roles() {
    let (world, docker) = (World::new(), FakeDocker::new("printf 'PGDMP rest'", ROLES));
    let corpus = docker.corpus();
    let taken = world.taking(&Local::new()).with(|taking| taking.corpus = &corpus).take().await.unwrap();
    let names: Vec<&str> = taken.parts.iter().map(|part| part.file.as_str()).collect();
    assert_eq!(names, ["globals.sql", "database.dump"]);
    assert_eq!(taken.sha256, tree::sha256(b"CREATE ROLE postgres;\nPGDMP rest"));
    assert_eq!((taken.totals.files, taken.totals.size_bytes), (2, 32));
    assert_eq!(taken.tools["pg_dump"], "pg_dump (PostgreSQL) 17.5 (Debian)");
}

#[tokio::test]
async fn what_is_no_dump_makes_no_snapshot() {
    for (dump, globals, expected) in [
        // It failed within a pipe that ended well.
        ("true", ROLES, "0 bytes that do not begin"),
        ("printf 'pg_dump: error'", ROLES, "14 bytes that do not begin"),
        // It was killed in the middle.
        ("printf 'PGDMP half'; exit 137", ROLES, "status 137"),
        ("printf 'PGDMP half'; kill -9 $$", ROLES, "status 137"),
        ("echo 'pg_dump: error: no such database' >&2; exit 1", ROLES, "no such database"),
        ("printf 'PGDMP rest'", "true", "0 bytes that do not begin"),
        ("printf 'PGDMP rest'", "echo 'CREATE ROLE postgres;'; exit 1", "status 1"),
    ] {
        let (world, docker) = (World::new(), FakeDocker::new(dump, globals));
        let corpus = docker.corpus();
        let taken = world.taking(&Local::new()).with(|taking| taking.corpus = &corpus).take().await;
        let error = taken.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(expected), "{dump}: {text}");
        assert_eq!(world.store().folders().await.unwrap(), [], "{dump}");
    }
}

#[tokio::test]
async fn what_is_not_made_of_files_does_not_become_a_directory() {
    let (world, docker) = (World::new(), FakeDocker::new("printf 'PGDMP rest'", ROLES));
    let corpus = docker.corpus();
    let taken = world.taking(&Local::new()).with(|taking| taking.corpus = &corpus).take().await.unwrap();
    let error = world.restore(&Local::new(), &taken, backup::Overwrite::Never).await.unwrap_err();
    assert!(matches!(error, Error::WrongKind { .. }), "{error:?}");
    assert!(!world.target().exists());
}

/// Programs of the host itself, which tell in a file how they were called and with which variables.
const PROGRAM: &str = r#"#!/bin/sh
echo "${0##*/} $* $PGHOST:$PGPORT $PGPASSWORD $PGSSLMODE" >>"$CALLS"
case "${0##*/} $*" in
pg_dump\ --version) echo 'pg_dump (PostgreSQL) 15.3' ;;
psql*) cat >/dev/null; printf 'UTF8\tC.UTF-8\tC.UTF-8\tdoadmin\tf\n' ;;
pg_dumpall*) echo 'CREATE ROLE app;' ;;
pg_dump*) printf 'PGDMP rest' ;;
esac
"#;

/// This machine, with such programs first in its `PATH`.
#[derive(Debug)]
struct HostWithPostgres(TempDir);

impl HostWithPostgres {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for name in ["pg_dump", "pg_dumpall", "psql"] {
            let path = dir.path().join(name);
            fs::write(&path, PROGRAM).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self(dir)
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.0.path().join("calls")).unwrap()
    }
}

#[async_trait::async_trait]
impl remote::Executor for HostWithPostgres {
    async fn start(&self, command: &remote::Command) -> Result<remote::Process, remote::Error> {
        assert!(!command.words().iter().any(|word| word.contains("t0p") || word.contains("db.example")));
        let path = format!("PATH={}:{}", self.0.path().display(), std::env::var("PATH").unwrap());
        let calls = format!("CALLS={}", self.0.path().join("calls").display());
        let words = ["env".to_owned(), path, calls].into_iter().chain(command.words().iter().cloned());
        Local::new().start(&remote::Command::new(words).timeout(command.time_limit())).await
    }

    async fn dial(&self, target: &remote::Dial) -> Result<Box<dyn remote::Stream>, remote::Error> {
        Local::new().dial(target).await
    }

    fn name(&self) -> &str {
        "a host with Postgres"
    }

    fn sudo(&self) -> remote::connection::Sudo {
        remote::connection::Sudo::Nothing
    }

    fn noise(&self) -> Option<remote::Noise> {
        None
    }
}

#[tokio::test]
async fn a_server_somewhere_else_is_dumped_by_the_programs_of_the_host() {
    let (world, host) = (World::new(), HostWithPostgres::new());
    let server =
        ServerUri::parse(&Secret::new("postgres://doadmin:t0p@db.example:25060/defaultdb?sslmode=require"));
    let server = server.unwrap();
    let corpus = Corpus::Postgres(Postgres {
        tools: Tools::Host,
        user: server.user.clone().unwrap(),
        password: server.password.clone(),
        server: Some(server),
        database: "shop".into(),
        globals: true,
    });
    let taken = world.taking(&host).with(|taking| taking.corpus = &corpus).take().await.unwrap();
    let reached = "db.example:25060 t0p require";
    assert_eq!(
        host.calls(),
        format!(
            "pg_dump --version {reached}\n\
             psql --username doadmin --no-password -X -A -t -q -F \t -v ON_ERROR_STOP=1 -d defaultdb -f - {reached}\n\
             pg_dumpall --username doadmin --no-password --globals-only -l defaultdb --no-role-passwords {reached}\n\
             pg_dump --username doadmin --no-password --format=custom --compress 1 -d shop {reached}\n"
        )
    );
    // Where it is, is nobody's business who reads the store.
    let text = String::from_utf8(taken.to_json().unwrap()).unwrap();
    assert!(!text.contains("db.example") && !text.contains("t0p"), "{text}");
    assert!(text.contains(r#""source":{"kind":"postgres","database":"shop""#), "{text}");
}
