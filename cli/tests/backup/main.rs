//! `windlass backup` as a scheduler and a person call it: this machine, and stores in directories of it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod progress;
mod proof;
mod world;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use serde_json::{Value, json};
use world::World;

#[test]
fn a_corpus_is_backed_up_listed_proven_and_comes_back() {
    let world = World::new("retention = { last = 2 }");
    let first = world.take();
    assert_eq!(
        (world.snapshots("store"), world.snapshots("copy")),
        (vec![first.clone()], vec![first.clone()])
    );
    let (listed, status) = world.json(&["list"]);
    assert_eq!((status, listed.as_array().unwrap().len()), (Some(0), 2));
    assert_eq!(
        (&listed[0]["snapshot"], &listed[0]["file_count"], &listed[0]["source"]["kind"]),
        (&json!(first), &json!(1), &json!("path"))
    );
    assert!(listed[0]["verified_at"].is_string());
    let (report, status) = world.json(&["verify", "--max-age", "26h"]);
    assert_eq!((status, report["verified"].as_array().unwrap().len()), (Some(0), 2), "{report}");

    // Two stay, in both stores.
    fs::write(world.path("data/a"), "two").unwrap();
    let (second, third) = (world.take(), world.take());
    assert_eq!(world.snapshots("store"), [second.clone(), third.clone()]);
    assert_eq!(world.snapshots("copy"), [second.clone(), third.clone()]);
    let (gone, _) = world.json(&["prune", "--last", "1", "--dry-run"]);
    assert_eq!((gone.as_array().unwrap().len(), &gone[0]["removed"]), (2, &json!(false)));
    assert_eq!(world.snapshots("store").len(), 2);
    world.json(&["prune", "--last", "1"]);
    assert_eq!(world.snapshots("store"), std::slice::from_ref(&third));
    // By other numbers than those of the settings, which is noticed.
    assert_eq!(world.found(&[]), (Some(2), vec!["vanished".into(), "vanished".into()]));

    // It comes back; what is there goes only when that was said.
    let target = world.path("back");
    let to = target.to_str().unwrap();
    let (done, status) = world.json(&["restore", "prod", "--to-path", to]);
    assert_eq!((status, &done["snapshot"]), (Some(0), &json!(third)));
    assert_eq!(fs::read_to_string(target.join("a")).unwrap(), "two");
    fs::write(target.join("live"), "x").unwrap();
    // Another id than there is, or none, is not taken for the newest.
    for id in ["nope", "", "Latest", &third[..third.len() - 1]] {
        let words = ["restore", "prod", "--to-path", to, "--overwrite", to, "--snapshot", id];
        let (_, err, status) = world.told(&words);
        assert!(status == Some(64) && err.contains("is not the id of a snapshot"), "{id}: {err}");
    }
    for (more, said) in [(&[][..], "is not empty"), (&["--overwrite", "/other"], "repeat that")] {
        let (_, err, status) = world.told(&[&["restore", "prod", "--to-path", to], more].concat());
        assert!(status == Some(1) && err.contains(said), "{err}");
    }
    assert_eq!(fs::read_to_string(target.join("live")).unwrap(), "x");
    world.json(&["restore", "prod", "--to-path", to, "--overwrite", to]);
    assert!(!target.join("live").exists());
}

#[test]
fn a_store_that_is_broken_is_passed_over_and_told() {
    let world = World::new("");
    let id = world.take();
    let part = world.path("store").join(&id).join("snapshot.tar.zst");
    let mut bytes = fs::read(&part).unwrap();
    bytes[20] ^= 1;
    fs::write(&part, bytes).unwrap();
    assert_eq!(world.found(&[]), (Some(2), vec!["corrupt".into()]));
    assert_eq!(world.found(&["--quick"]), (Some(0), vec![]));
    let (_, err, status) =
        world.told(&["restore", "prod", "--to-path", world.path("back").to_str().unwrap()]);
    assert!(status == Some(0) && err.contains("Passed over file://"), "{err}");
    assert_eq!(fs::read_to_string(world.path("back/a")).unwrap(), "one");

    // A store that is not there is no store without snapshots.
    fs::remove_dir_all(world.path("copy")).unwrap();
    let (out, err, status) = world.told(&["verify"]);
    assert!(status == Some(1) && err.contains("Could not verify the snapshots of prod"), "{err}");
    assert!(out.contains("it has another hash"), "what was found is told all the same: {out}");
}

#[test]
fn what_would_not_be_noticed_is_found() {
    let world = World::new("");
    assert_eq!(world.found(&[]), (Some(2), vec!["none".into(), "none".into()]));
    let id = world.take();
    assert_eq!(world.found(&["--max-age", "26h"]), (Some(0), vec![]));
    // Within the second that it was taken in it is not older than that.
    let older = || world.found(&["--max-age", "1s"]) == (Some(2), vec!["stale".into(), "stale".into()]);
    while !older() {
        std::thread::yield_now();
    }
    fs::remove_dir_all(world.path("copy").join(&id)).unwrap();
    assert_eq!(world.found(&[]), (Some(2), vec!["none".into(), "not_copied".into()]));
    fs::create_dir(world.path("other")).unwrap();
    let toml = fs::read_to_string(world.path("windlass.toml")).unwrap();
    fs::write(world.path("windlass.toml"), toml.replace("/data\"", "/other\"")).unwrap();
    assert_eq!(world.found(&[]).1[0], "another_source");
    let manifest = world.path("store").join(&id).join("snapshot.manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\"files\":1", "\"files\":2")).unwrap();
    assert_eq!(world.found(&[]).1[..2], ["broken", "none"]);
}

/// A service that waits for heartbeats: its address, and the first lines of what it is asked.
fn service(status: &'static str) -> (String, mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/ping/s3cret", listener.local_addr().unwrap());
    let (sender, asked) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut first = String::new();
            stream.read_line(&mut first).unwrap();
            let mut line = String::from("-");
            while !line.trim().is_empty() {
                line.clear();
                stream.read_line(&mut line).unwrap();
            }
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
            let _ = sender.send(first);
        }
    });
    (address, asked)
}

#[test]
fn the_heartbeat_is_called_after_success_and_not_otherwise() {
    let (address, asked) = service("200 OK");
    let world = World::new("heartbeat_url_env = \"PING\"");
    let run = || world.command(&["run"]).env("PING", &address).output().unwrap();
    assert_eq!(run().status.code(), Some(0));
    assert!(asked.recv().unwrap().starts_with("GET /ping/s3cret "));

    // Neither without all copies, nor without data, nor where there is no room.
    fs::rename(world.path("copy"), world.path("away")).unwrap();
    assert_eq!(run().status.code(), Some(1));
    // What was done is told all the same, and what was not.
    let told = world.command(&["run", "--json"]).env("PING", &address).output().unwrap();
    let done: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert!(done[0]["snapshot"].as_str().is_some_and(|name| name.starts_with("snapshot-prod-")), "{done}");
    assert!(done[0]["failed"].as_str().is_some_and(|why| why.starts_with("Could not copy ")), "{done}");
    assert_eq!((told.status.code(), &done[0]["copies_verified_at"]), (Some(1), &json!({})));
    fs::rename(world.path("away"), world.path("copy")).unwrap();
    fs::rename(world.path("data"), world.path("unmounted")).unwrap();
    assert_eq!(run().status.code(), Some(1));
    fs::create_dir(world.path("data")).unwrap();
    let told = run();
    let said = String::from_utf8(told.stderr).unwrap();
    assert!(told.status.code() == Some(1) && said.contains("There is no file in "), "{said}");
    assert!(asked.try_recv().is_err());

    // One that nobody takes is told, without its address.
    fs::write(world.path("data/a"), "one").unwrap();
    let (address, asked) = service("404 Not Found");
    let told = world.command(&["run"]).env("PING", &address).output().unwrap();
    let said = String::from_utf8(told.stderr).unwrap();
    assert!(told.status.code() == Some(1) && said.contains("answered 404"), "{said}");
    assert!(said.contains("The backup itself is done") && !said.contains("s3cret"), "{said}");
    asked.recv().unwrap();
    let told = world.command(&["run"]).env_remove("PING").output().unwrap();
    assert!(String::from_utf8(told.stderr).unwrap().contains("the variable PING"));
}

fn archive(place: &Path, words: &[&str]) {
    assert!(Command::new("tar").args(words).current_dir(place).status().unwrap().success());
}

#[test]
fn what_something_else_has_made_becomes_a_snapshot() {
    let world = World::new("");
    archive(&world.path("data"), &["-czf", "../snapshot_2026-11-28_0230.tgz", "."]);
    let file = "snapshot_2026-11-28_0230.tgz";
    let pattern = ["--name-pattern", "snapshot_%Y-%m-%d_%H%M.tgz"];
    let adopt = |more: &[&str]| world.told(&[&["adopt", file, "--as", "prod"], &pattern[..], more].concat());
    let (out, err, status) = adopt(&["--max-bytes", "10"]);
    assert!(status == Some(1) && err.contains("it has more than 10 bytes"), "{out}{err}");
    let (_, err, status) = adopt(&["--sha256", &"0".repeat(64)]);
    assert!(status == Some(1) && err.contains("its SHA-256 is "), "{err}");
    assert!(world.snapshots("store").is_empty(), "nothing is left");
    let (out, err, status) = adopt(&[]);
    assert_eq!(status, Some(0), "{err}");
    assert!(out.starts_with("snapshot-prod-20261128T023000Z-"), "{out}");
    let (done, status) = world.json(&["restore", "prod", "--to-path", world.path("back").to_str().unwrap()]);
    assert_eq!((status, &done["file_count"]), (Some(0), &json!(1)), "{done}");
    assert_eq!(fs::read_to_string(world.path("back/a")).unwrap(), "one");

    // What was cut off, or is none, becomes none.
    let bytes = fs::read(world.path(file)).unwrap();
    fs::write(world.path("cut.tgz"), &bytes[..bytes.len() - 20]).unwrap();
    fs::write(world.path("dump.dump"), "-- PostgreSQL database dump").unwrap();
    fs::write(world.path("dump.sql"), "-- PostgreSQL database dump").unwrap();
    for (file, said) in [
        ("cut.tgz", "The archive cannot be read"),
        ("dump.dump", "is not a dump of a database"),
        ("dump.sql", "its name has none of the endings"),
        ("http://127.0.0.1:1/a.tgz", "--insecure-url"),
    ] {
        let (_, err, status) = world.told(&["adopt", file, "--as", "prod"]);
        assert!(status == Some(1) && err.contains(said), "{file}: {err}");
    }
    assert_eq!(world.snapshots("store").len(), 1);
    // What is yet to come would be newer than every backup.
    fs::copy(world.path(file), world.path("f_20991231.tgz")).unwrap();
    let words = ["adopt", "f_20991231.tgz", "--as", "prod", "--name-pattern", "f_%Y%m%d.tgz"];
    let (_, err, status) = world.told(&words);
    assert!(status == Some(1) && err.contains("yet to come"), "{err}");

    // A server's, with and without TLS.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/dumps/prod_20261127.dump", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::from("-");
        while !line.trim().is_empty() {
            line.clear();
            stream.read_line(&mut line).unwrap();
        }
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 8\r\nconnection: close\r\n\r\nPGDMP123";
        stream.get_mut().write_all(answer.as_bytes()).unwrap();
    });
    let words = ["adopt", &url, "--as", "prod", "--name-pattern", "prod_%Y%m%d.dump", "--insecure-url"];
    let (out, err, status) = world.told(&words);
    server.join().unwrap();
    assert!(status == Some(0) && out.starts_with("snapshot-prod-20261127T000000Z-"), "{out}{err}");
}

#[test]
fn wrong_settings_are_told_before_anything_is_done() {
    for (settings, said) in [
        ("volume = \"v\"", "exactly one of `path`, `volume`, `postgres` and `exec`"),
        ("max_age = \"soon\"", "\"soon\" is not a duration"),
        ("format = \"zip\"", "has to be tar.zst, tgz or tar"),
        ("links = \"all\"", "has to be inside or any"),
        ("exclude = [\"/cache\", \"[\"]", "`exclude` has \"[\", which is not a pattern"),
        ("retain = 1", "unknown field `retain`"),
    ] {
        let world = World::new(settings);
        let (out, err, status) = world.told(&["run"]);
        assert!(status == Some(1) && out.is_empty() && err.contains(said), "{settings}: {err}");
        assert!(world.snapshots("store").is_empty());
    }
    let world = World::new("");
    let (_, err, status) = world.told(&["run", "other"]);
    assert!(status == Some(1) && err.contains("does not have it"), "{err}");
    let (_, err, status) = world.told(&["list", "prod", "--store", "away"]);
    assert!(status == Some(1) && err.contains("`[backup.store]` of windlass.toml has disk"), "{err}");
    let (_, err, status) = world.told(&["prune"]);
    assert!(status == Some(1) && err.contains("Nothing says how many stay"), "{err}");
}

#[test]
fn an_encrypted_snapshot_is_opened_by_its_keys_alone() {
    use age::secrecy::ExposeSecret as _;

    let [one, other] = [age::x25519::Identity::generate(), age::x25519::Identity::generate()];
    let text = |identity: &age::x25519::Identity| identity.to_string().expose_secret().to_owned();
    let world = World::new(&format!("encrypt_to = [\"{}\"]", one.to_public()));
    let id = world.take();
    let with = |key: &str, words: &[&str]| {
        let home = world.path("home");
        let output = world.command(words).env("SOPS_AGE_KEY", key).env("HOME", home).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr), output.status.code())
    };
    // Who has no key knows that it is whole; who should have one notices that it is lost.
    assert_eq!(world.found(&[]), (Some(0), vec![]));
    let (out, err, status) = with(&text(&one), &["verify", "--open"]);
    assert_eq!(status, Some(0), "{out}{err}");
    let (out, _, status) = with(&text(&other), &["verify", "--open"]);
    assert!(status == Some(2) && out.contains("none of the 1 private keys at hand opens it"), "{out}");
    let back = world.path("back");
    let restore = ["restore", "prod", "--to-path", back.to_str().unwrap()];
    let (_, err, status) = with(&text(&other), &restore);
    assert!(status == Some(1) && err.contains(&one.to_public().to_string()) && !back.exists(), "{err}");

    // What comes in clear does not go beside it unasked, and is noticed.
    archive(&world.path("data"), &["-czf", "../foreign.tgz", "."]);
    let soon = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
    let foreign = fs::File::options().write(true).open(world.path("foreign.tgz")).unwrap();
    foreign.set_modified(soon).unwrap();
    let (_, err, status) = world.told(&["adopt", "foreign.tgz", "--as", "prod"]);
    assert!(status == Some(1) && err.contains("--in-clear"), "{err}");
    assert_eq!(world.snapshots("store").len(), 1);
    let (_, err, status) = world.told(&["adopt", "foreign.tgz", "--as", "prod", "--in-clear"]);
    assert_eq!(status, Some(0), "{err}");
    let (status, found) = world.found(&["--quick", "--store", "disk"]);
    assert!(status == Some(2) && found.contains(&"in_clear".to_owned()), "{found:?}");
    let foreign = world.snapshots("store").into_iter().find(|name| *name != id).unwrap();
    fs::remove_dir_all(world.path("store").join(foreign)).unwrap();

    // It is given to somebody else, without another upload.
    let recipient = other.to_public().to_string();
    let (out, err, status) = with(&text(&one), &["rekey", "prod", "--to", &recipient]);
    assert!(status == Some(0) && out.contains(&id), "{out}{err}");
    let (_, _, status) = with(&text(&one), &["restore", "prod", "--to-path", back.to_str().unwrap()]);
    assert_eq!(status, Some(1));
    let (_, err, status) = with(&text(&other), &restore);
    assert_eq!(status, Some(0), "{err}");
    assert_eq!(fs::read_to_string(back.join("a")).unwrap(), "one");
}

#[test]
fn a_copy_in_the_same_place_is_none() {
    let world = World::new("");
    std::os::unix::fs::symlink("store", world.path("link")).unwrap();
    for same in ["store", "store/", "link"] {
        let text = fs::read_to_string(world.path("windlass.toml")).unwrap();
        let copies = format!("copies = [\"file://{}\"]", world.path(same).display());
        let other = text.lines().map(|line| if line.starts_with("copies") { &copies } else { line });
        fs::write(world.path("windlass.toml"), other.collect::<Vec<_>>().join("\n")).unwrap();
        let (_, err, status) = world.told(&["run"]);
        assert!(status == Some(1) && err.contains("a copy has to be in another one"), "{same}: {err}");
        assert!(world.snapshots("store").is_empty(), "that was known before");
    }
}

#[test]
fn a_copy_that_vanished_is_made_again() {
    let world = World::new("retention = { last = 3 }");
    let first = world.take();
    let second = world.take();
    fs::remove_dir_all(world.path("copy").join(&first)).unwrap();
    let (done, status) = world.json(&["run"]);
    assert_eq!((status, done[0]["copied_again"].as_array().unwrap().len()), (Some(0), 1), "{done}");
    assert!(done[0]["copied_again"][0].as_str().unwrap().ends_with(&first));
    assert!(world.snapshots("copy").contains(&first) && world.snapshots("copy").len() == 3);
    assert_eq!(world.found(&["--all"]), (Some(0), vec![]));
    // What the retention lets go is not brought there first.
    fs::remove_dir_all(world.path("copy").join(&first)).unwrap();
    let (done, _) = world.json(&["run"]);
    assert_eq!(done[0]["copied_again"], json!([]), "{done}");
    assert!(!world.snapshots("copy").contains(&first) && world.snapshots("copy").contains(&second));
}

#[test]
fn an_archive_that_is_gone_is_noticed_without_reading_others() {
    let world = World::new("");
    let id = world.take();
    assert_eq!(world.found(&["--quick"]), (Some(0), vec![]));
    fs::remove_file(world.path("copy").join(&id).join("snapshot.tar.zst")).unwrap();
    let (report, status) = world.json(&["verify", "--quick"]);
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(
        (status, findings.len(), &findings[0]["problem"]),
        (Some(2), 1, &json!("corrupt")),
        "{report}"
    );
    assert!(findings[0]["message"].as_str().unwrap().contains("it is not there"), "{report}");
}

#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let world = World::new("");
    world.take();
    for words in [&["list"][..], &["list", "--json"], &["verify"]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = world.command(words).stdout(full).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?}: {told}");
        assert!(told.contains("Could not write the answer to stdout"), "{words:?}: {told}");
    }
}

#[test]
fn who_interrupts_what_waits_for_a_store_is_not_kept_waiting() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let world = World::new(&format!(
        "[backup.store.slow]\nurl = \"s3://bucket/prod\"\nendpoint = \"http://{}\"\naccess_key_id = \"id\"\n\
         secret_access_key_env = \"SLOW_KEY\"",
        listener.local_addr().unwrap()
    ));
    for words in [&["list", "--store", "slow"][..], &["verify", "--store", "slow"]] {
        let mut command = world.command(words);
        let mut child =
            command.env("SLOW_KEY", "key").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // It asks, and nobody answers.
        let asked = loop {
            match listener.accept() {
                Ok(asked) => break asked,
                Err(_) => assert!(child.try_wait().unwrap().is_none(), "{words:?} has ended without asking"),
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        };
        let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
        assert!(signalled.success());
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?}: {told}");
        assert!(told.contains("The command was interrupted"), "{words:?}: {told}");
        drop(asked);
    }
}
