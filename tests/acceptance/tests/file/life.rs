//! The whole life of a file, on all kinds of hosts at once.

use std::collections::BTreeMap;

use acceptance_tests::{Change, Scratch, Workspace, hcl};
use lab::{Host, Lab};

use crate::file_block;

/// One file on each host of the lab, in one workspace.
struct Life<'a> {
    workspace: Workspace,
    places: Vec<Scratch<'a>>,
    lab: &'a Lab,
}

impl<'a> Life<'a> {
    fn new(lab: &'a Lab) -> Self {
        let places = lab.hosts().iter().map(|host| Scratch::on(lab, host)).collect();
        Self { workspace: Workspace::for_test(), places, lab }
    }

    /// Writes a configuration with the file `name` of this content on every host; `more` is what
    /// else stands before it.
    fn configure(&self, name: &str, content: &str, more: &str) {
        let mut text = hcl::provider_block(self.lab, "");
        for place in &self.places {
            let host = place.host();
            text += &hcl::host_block(&host.name, host, "");
            let lines = [&format!("content = {}", hcl::quoted(content)), "mode = \"0640\""];
            let connection = format!("windlass_host.{}.connection", host.name);
            text += &file_block(&host.name, &connection, &self.path(place, name), &lines);
        }
        self.workspace.write("main.tf", &(text + more));
    }

    /// In a directory that has to be made.
    fn path(&self, place: &Scratch<'_>, name: &str) -> String {
        place.path(&format!("made/here/{name}"))
    }

    /// Fails unless the plan has these actions for the file on every host.
    #[track_caller]
    fn expect_all(&self, actions: &[&str]) -> BTreeMap<String, Change> {
        let changes = self.workspace.changes();
        for place in &self.places {
            let change = &changes[&address(place.host())];
            assert_eq!(change.actions, actions, "{change:#?}");
            let host = &changes[&format!("windlass_host.{}", place.host().name)];
            assert!(actions == ["create"] || host.is_noop(), "{host:#?}");
        }
        changes
    }

    /// Fails unless every host has the file `name` with this content, as it was configured.
    #[track_caller]
    fn expect_on_hosts(&self, name: &str, content: &str) {
        for place in &self.places {
            let path = self.path(place, name);
            let host = place.host();
            assert_eq!(place.read(&path).as_deref(), Some(content), "on {}", host.name);
            assert_eq!(place.stat(&path, "%a %U"), format!("640 {}", owner(host)), "on {}", host.name);
            // No temporary file is left beside it.
            assert_eq!(place.root_runs(&["ls", "-A", &place.path("made/here")]), name);
        }
    }

    fn place(&self, host: &str) -> &Scratch<'a> {
        self.places.iter().find(|place| place.host().name == host).unwrap()
    }
}

fn address(host: &Host) -> String {
    format!("windlass_file.{}", host.name)
}

/// Who owns a file that nobody said an owner of: with `sudo` it is root who writes.
fn owner(host: &Host) -> &str {
    if host.user == "admin" { "root" } else { &host.user }
}

#[test]
fn files_live_on_every_kind_of_host() {
    let lab = Lab::current().unwrap();
    let life = Life::new(&lab);
    created_and_changed(&life);
    for turn in 0..2 {
        changed_behind_our_back(&life, turn);
    }
    imported(&life);
    life.workspace.destroy().expect_success();
    for place in &life.places {
        assert_eq!(place.root_runs(&["ls", "-A", &place.path("made/here")]), "");
    }
}

fn created_and_changed(life: &Life<'_>) {
    life.configure("motd", "hello\n", "");
    let changes = life.expect_all(&["create"]);
    // The host is not known before it was seen, and the hash is known all the same.
    let file = &changes["windlass_file.root"];
    assert_eq!(file.unknown["host"], true);
    assert_eq!(file.after["content_hash"], format!("sha256:{HELLO}"));
    life.workspace.converge_as_planned();
    life.expect_on_hosts("motd", "hello\n");

    life.configure("motd", "second\n", "");
    let changes = life.expect_all(&["update"]);
    assert_eq!(changes["windlass_file.deploy"].unknown.as_object().unwrap().len(), 0, "nothing is left open");
    life.workspace.converge_as_planned();
    life.expect_on_hosts("motd", "second\n");

    life.configure("banner", "second\n", "");
    life.expect_all(&["delete", "create"]);
    life.workspace.converge_as_planned();
    life.expect_on_hosts("banner", "second\n");
}

/// `printf 'hello\n' | sha256sum`
const HELLO: &str = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

/// What somebody else may do to a file, and what the plan shows of it.
const MISCHIEF: [(&str, &str); 5] =
    [("edit", "content_hash"), ("chmod", "mode"), ("chown", "owner"), ("chgrp", "group"), ("rm", "")];

fn changed_behind_our_back(life: &Life<'_>, turn: usize) {
    for (index, place) in life.places.iter().enumerate() {
        let path = life.path(place, "banner");
        match MISCHIEF[(index + turn) % MISCHIEF.len()].0 {
            "edit" => place.write(&path, "edited\n"),
            "chmod" => drop(place.root_runs(&["chmod", "666", &path])),
            // Whoever logs in can still read it.
            "chown" => drop(place.root_runs(&["chown", "nobody", &path])),
            "chgrp" => drop(place.root_runs(&["chgrp", "games", &path])),
            _ => drop(place.root_runs(&["rm", &path])),
        }
    }
    let changes = life.workspace.changes();
    for (index, place) in life.places.iter().enumerate() {
        let (done, shown) = MISCHIEF[(index + turn) % MISCHIEF.len()];
        let change = &changes[&address(place.host())];
        let expected = if done == "rm" { "create" } else { "update" };
        assert_eq!(change.actions, [expected], "{done} on {}: {change:#?}", place.host().name);
        for attribute in ["content_hash", "mode", "owner", "group"] {
            let same = change.before[attribute] == change.after[attribute];
            assert!(done == "rm" || same == (attribute != shown), "{done}: {change:#?}");
        }
    }
    life.workspace.converge_as_planned();
    life.expect_on_hosts("banner", "second\n");
}

fn imported(life: &Life<'_>) {
    let state = life.workspace.state("windlass_file.root");
    let addresses: Vec<String> = life.places.iter().map(|place| address(place.host())).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    life.workspace.run(&[&["state", "rm"][..], &addresses].concat()).expect_success();
    let id =
        |place: &Scratch<'_>| format!("{}|{}", hcl::connection(place.host()), life.path(place, "banner"));
    let first = life.place("root");
    life.workspace.import(&address(first.host()), &id(first)).expect_success();
    assert_eq!(life.workspace.state("windlass_file.root")["content_hash"], state["content_hash"]);
    let mut blocks = String::new();
    for place in life.places.iter().filter(|place| place.host().name != "root") {
        let (to, id) = (address(place.host()), hcl::quoted(&id(place)));
        blocks += &format!("import {{\n  to = {to}\n  id = {id}\n}}\n");
    }
    life.configure("banner", "second\n", &blocks);
    let inodes = |life: &Life<'_>| -> Vec<String> {
        let of = |place: &Scratch<'_>| place.stat(&life.path(place, "banner"), "%i %Y");
        life.places.iter().map(of).collect()
    };
    let before = inodes(life);
    let changes = life.expect_all(&["update"]);
    let change = &changes["windlass_file.jump"];
    assert_eq!(change.before["content_hash"], change.after["content_hash"], "{change:#?}");
    assert_eq!(change.before["owner"], change.after["owner"], "{change:#?}");
    life.workspace.converge_as_planned();
    assert_eq!(inodes(life), before, "what is right already must not be written again");
    life.expect_on_hosts("banner", "second\n");
}
