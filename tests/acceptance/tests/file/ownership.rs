//! Files that were there before, and whose a file is that has a path.

use acceptance_tests::{Scratch, Workspace, hcl, unique};
use lab::{Lab, Variant};

use crate::file_block;

#[test]
fn what_another_has_made_is_neither_overwritten_nor_removed() {
    let lab = Lab::current().unwrap();
    let place = Scratch::on(&lab, lab.host(Variant::Root).unwrap());
    let (plain, first, twice) = (place.path("plain"), place.path("first"), place.path("twice"));
    place.write(&plain, "only copy\n");
    let host = hcl::quoted(&hcl::connection(place.host()));
    let content = |text: &str| format!("content = {}", hcl::quoted(text));
    let lifecycle = "lifecycle {\n    create_before_destroy = true\n  }";
    let file =
        |label: &str, path: &str, text: &str| file_block(label, &host, path, &[&content(text), lifecycle]);

    let workspace = Workspace::for_test();
    workspace.write("provider.tf", &hcl::provider_block(&lab, ""));
    workspace.write("main.tf", &file("plain", &plain, "other\n"));
    workspace.apply().expect_error().says("not made by this configuration").says("import");
    assert_eq!(place.read(&plain).as_deref(), Some("only copy\n"));
    // The same content is what an apply has left that was cut off.
    place.write(&first, "a\n");
    workspace.write("main.tf", &(file("first", &first, "a\n") + &file("twice", &twice, "b\n")));
    workspace.converge();

    // Replaced before it is destroyed: nothing is lost.
    let replace = ["apply", "-auto-approve", "-json", "-replace=windlass_file.twice"];
    workspace.run(&replace).expect_error().says("create_before_destroy");
    assert_eq!(place.read(&twice).as_deref(), Some("b\n"));
    workspace.expect_no_changes();

    // Another state neither takes it over nor takes it away.
    let other = Workspace::for_test();
    other.write("provider.tf", &hcl::provider_block(&lab, ""));
    other.write("main.tf", &file("theirs", &twice, "theirs\n"));
    other.apply().expect_error().says("another resource has made");
    other
        .import("windlass_file.theirs", &format!("{}|{twice}", hcl::connection(place.host())))
        .expect_success();
    other.apply().expect_success();
    assert_eq!(place.read(&twice).as_deref(), Some("theirs\n"));
    workspace.destroy().expect_success();
    assert_eq!(place.read(&first), None);
}

#[test]
fn of_two_that_mean_one_file_only_one_gets_it() {
    let lab = Lab::current().unwrap();
    let place = Scratch::on(&lab, lab.host(Variant::Root).unwrap());
    let path = place.path("one");
    let host = hcl::quoted(&hcl::connection(place.host()));
    let workspace = Workspace::for_test();
    workspace.write("provider.tf", &hcl::provider_block(&lab, ""));
    let file = |text: &str| file_block(text, &host, &path, &[&format!("content = {}", hcl::quoted(text))]);
    // Made at once, in one apply: none of them is told that it has what the other one wrote.
    workspace.write("main.tf", &(file("a") + &file("b")));
    workspace.apply().expect_error().says("another resource has made");
    let won = place.read(&path).unwrap();
    workspace.write("main.tf", &file(&won));
    workspace.expect_no_changes();
}

#[test]
fn two_logins_of_one_host_see_whose_a_file_is() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    lab.exec_ok(
        &host,
        &["install", "-d", "-o", "deploy", "-g", "deploy", "-m", "700", "/home/deploy/.ssh", "/srv/both"],
    )
    .unwrap();
    let keys = "install -o deploy -m 600 /root/.ssh/authorized_keys /home/deploy/.ssh/authorized_keys; chmod 1777 /srv/both";
    lab.exec_ok(&host, &["sh", "-c", keys]).unwrap();
    let deploy = lab::Host { user: "deploy".to_owned(), ..host.clone() };
    let shared = || lab.exec_ok(&host, &["ls", "-A", "/var/lib/windlass/owners"]).unwrap();
    let [root, other] = [&host, &deploy].map(|login| {
        let workspace = Workspace::for_test();
        workspace.write("provider.tf", &hcl::provider_block(&lab, ""));
        (workspace, hcl::quoted(&hcl::connection(login)))
    });
    let block = |connection: &str, path: &str| file_block("f", connection, path, &["content = \"x\\n\""]);

    // Root comes first, and is seen.
    root.0.write("main.tf", &block(&root.1, "/srv/both/a"));
    root.0.converge();
    assert_eq!(shared().lines().count(), 1);
    other.0.write("main.tf", &block(&other.1, "/srv/both/a"));
    other.0.apply().expect_error().says("another resource has made");

    // And the other way round.
    other.0.write("main.tf", &block(&other.1, "/srv/both/b"));
    other.0.converge();
    assert_eq!(shared().lines().count(), 2);
    root.0.run(&["destroy", "-auto-approve", "-json"]).expect_success();
    root.0.write("main.tf", &block(&root.1, "/srv/both/b"));
    root.0.apply().expect_error().says("another resource has made");
    other.0.destroy().expect_success();
    assert_eq!(shared(), "");
    root.0.converge();
    root.0.destroy().expect_success();
    assert_eq!(shared(), "");
}

#[test]
fn of_two_applies_at_once_that_mean_one_name_only_one_gets_it() {
    let lab = Lab::current().unwrap();
    let place = Scratch::on(&lab, lab.host(Variant::Root).unwrap());
    let (path, directory, volume) = (place.path("one"), place.path("two"), unique("volume"));
    let host = hcl::quoted(&hcl::connection(place.host()));
    // As by two people, each with a state of their own.
    let workspaces = ["a", "b"].map(|content| {
        let workspace = Workspace::for_test();
        workspace.write("provider.tf", &hcl::provider_block(&lab, ""));
        let content = format!("content = {}", hcl::quoted(content));
        let others = format!(
            "resource \"windlass_directory\" \"it\" {{\n  host = {host}\n  path = {}\n  on_destroy = \
             \"delete\"\n}}\nresource \"windlass_docker_volume\" \"it\" {{\n  host = {host}\n  name = {}\n  \
             remove_on_destroy = true\n}}\n",
            hcl::quoted(&directory),
            hcl::quoted(&volume),
        );
        workspace.write("main.tf", &(file_block("it", &host, &path, &[&content]) + &others));
        workspace
    });
    let runs = workspaces.each_ref().map(Workspace::start_apply).map(|run| run.finish());
    for kind in ["windlass_file.it", "windlass_directory.it", "windlass_docker_volume.it"] {
        let made = workspaces.iter().filter(|workspace| !workspace.state(kind).is_null()).count();
        assert_eq!(made, 1, "{kind}: {runs:#?}");
    }
    // Who did not get it changed nothing, and takes nothing away.
    let winner = usize::from(workspaces[0].state("windlass_file.it").is_null());
    let won = place.read(&path).unwrap();
    assert_eq!(won, ["a", "b"][winner]);
    workspaces[1 - winner].destroy().expect_success();
    assert_eq!(place.read(&path).as_deref(), Some(won.as_str()));
    workspaces[winner].destroy().expect_success();
    assert_eq!(place.read(&path), None);
}
