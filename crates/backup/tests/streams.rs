//! What commands in containers write, and how it comes back. A script stands for the docker client: it runs what
//! `docker exec -i CONTAINER` would run there.

#![allow(clippy::unwrap_used, reason = "what fails in a test fails it")]

mod world;

use std::{fs, os::unix::fs::PermissionsExt as _};

use backup::{Corpus, Error, Exec, Links, Manifest, Overwrite, Restoring, prove};
use docker::Cli;
use remote::Local;
use tokio_util::sync::CancellationToken;
use world::World;

const DOCKER: &str = r#"#!/bin/sh
while [ "$1" != exec ] && [ "$1" != version ]; do shift; done
[ "$1" = exec ] || { echo 27.0; exit 0; }
shift 3
exec "$@"
"#;

/// The stream of `command` in a container.
fn stream(world: &World, command: &str, extension: &str) -> Exec {
    let bin = world.root().join("bin");
    if !bin.exists() {
        fs::create_dir(&bin).unwrap();
        fs::write(bin.join("docker"), DOCKER).unwrap();
        fs::set_permissions(bin.join("docker"), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let shell = |text: &str| ["sh", "-c", text].map(str::to_owned).to_vec();
    let mut cli = Cli::new("/run/docker.sock", "/root");
    cli.path = format!("{}:/usr/bin:/bin", bin.display());
    Exec {
        cli,
        container: "db".into(),
        command: shell(command),
        restore_command: shell(&format!("cat >{}", world.root().join("restored").display())),
        verify_command: Vec::new(),
        extension: extension.into(),
    }
}

async fn take(world: &World, exec: Exec) -> Result<Manifest, Error> {
    let (local, corpus) = (Local::new(), Corpus::Exec(exec));
    world.taking(&local).with(|taking| taking.corpus = &corpus).take().await
}

async fn restore(world: &World, exec: Exec, manifest: &Manifest, overwrite: Overwrite) -> Result<(), Error> {
    let restoring = Restoring {
        exec: &Local::new(),
        store: &world.store(),
        manifest,
        corpus: &Corpus::Exec(exec),
        overwrite,
        links: Links::Inside,
        owner: None,
        sections: None,
        transform: &[],
        quiesce: None,
        key: world.key.clone(),
        cancel: CancellationToken::new(),
    };
    restoring.restore().await.map(drop)
}

#[tokio::test]
async fn what_a_command_writes_comes_back() {
    for (extension, file) in
        [("sql", "stream.sql.zst"), ("sql.gz", "stream.sql.gz"), ("rdb", "stream.rdb.zst")]
    {
        let world = World::new();
        let exec = || stream(&world, "seq 100000", extension);
        let taken = take(&world, exec()).await.unwrap();
        let text: String = (1..=100_000).map(|number| format!("{number}\n")).collect();
        assert_eq!(taken.parts[0].file, file);
        assert_eq!(taken.entries[0].sha256.as_deref(), Some(tree::sha256(text.as_bytes()).as_str()));
        prove(&world.store(), &taken, None).await.unwrap();
        // Nobody knows what is there, so that it goes only when that was said.
        let error = restore(&world, exec(), &taken, Overwrite::Never).await.unwrap_err();
        assert!(matches!(error, Error::Unconfirmed { .. }), "{error:?}");
        assert!(!world.root().join("restored").exists());
        restore(&world, exec(), &taken, Overwrite::Yes).await.unwrap();
        assert!(fs::read_to_string(world.root().join("restored")).unwrap() == text);
    }
}

#[tokio::test]
async fn a_command_that_fails_or_writes_nothing_makes_no_snapshot() {
    let world = World::new();
    for command in ["echo half; exit 3", "exit 1", "echo half; kill -9 $$"] {
        let error = take(&world, stream(&world, command, "sql")).await.unwrap_err();
        assert!(matches!(error, Error::Host(_)), "{command}: {error:?}");
    }
    // It fails in the middle of a pipe.
    let error = take(&world, stream(&world, "false | cat", "sql")).await.unwrap_err();
    assert!(matches!(error, Error::NoOutput { .. }), "{error:?}");
    assert_eq!(world.folders().await, []);
}

#[tokio::test]
async fn the_command_that_verifies_has_the_last_word() {
    let world = World::new();
    let verified_by = |command: &str| Exec {
        verify_command: ["sh", "-c", command].map(str::to_owned).to_vec(),
        ..stream(&world, "printf 'data\\n-- end\\n'", "sql")
    };
    take(&world, verified_by("tail -n 1 | grep -qx -- '-- end'")).await.unwrap();
    let error = take(&world, verified_by("tail -n 1 | grep -qx other")).await.unwrap_err();
    assert!(matches!(error, Error::Host(_)), "{error:?}");
    assert_eq!(world.folders().await.len(), 1);
}

#[tokio::test]
async fn what_is_not_whole_is_not_restored_and_a_restore_that_fails_is_told() {
    let world = World::new();
    let exec = || stream(&world, "seq 100000", "sql");
    let taken = take(&world, exec()).await.unwrap();
    let failing = Exec { restore_command: ["sh", "-c", "cat; exit 4"].map(str::to_owned).to_vec(), ..exec() };
    let error = restore(&world, failing, &taken, Overwrite::Yes).await.unwrap_err();
    assert_eq!(error.left_behind(), "A part of the data may be restored: the command had begun.");
    assert!(!error.is_of_store(), "no other store is tried over what is half done");
    assert!(
        matches!(&error, Error::Unfinished { source, .. } if matches!(**source, Error::Host(_))),
        "{error:?}"
    );
    let part = world.root().join("store").join(taken.snapshot.to_string()).join(&taken.parts[0].file);
    let mut bytes = fs::read(&part).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(&part, bytes).unwrap();
    let error = restore(&world, exec(), &taken, Overwrite::Yes).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error:?}");
    assert!(!world.root().join("restored").exists(), "the command was not even begun");
    // A directory cannot become one.
    fs::write(world.source().join("a"), "a").unwrap();
    let local = Local::new();
    let files = world.taking(&local).take().await.unwrap();
    let error = restore(&world, exec(), &files, Overwrite::Yes).await.unwrap_err();
    assert!(matches!(error, Error::WrongKind { .. }), "{error:?}");
}
