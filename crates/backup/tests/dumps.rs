//! Dumps that are none make no snapshot, whatever the program that was to write them says.

#![allow(clippy::unwrap_used, reason = "what fails in a test fails it")]

mod world;

use std::{fs, os::unix::fs::PermissionsExt as _};

use backup::{Corpus, Error, Postgres, Store as _};
use docker::Cli;
use remote::Local;
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
             *' psql '*) cat >/dev/null; printf 'UTF8\\tC.UTF-8\\tC.UTF-8\\tapp\\n' ;;\n\
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
            cli,
            container: "db".into(),
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
