//! Another host for the same file.

use acceptance_tests::{Scratch, Workspace, hcl, unique};
use lab::{Lab, Variant};

use crate::file_block;

#[test]
fn a_file_moves_to_another_machine_and_another_way_to_the_same_one_touches_nothing() {
    let lab = Lab::current().unwrap();
    let name = unique("windlass-test");
    let old = Scratch::named(&lab, lab.host(Variant::Root).unwrap(), &name);
    let new = Scratch::named(&lab, lab.host(Variant::Deploy).unwrap(), &name);
    let path = old.path("movable");
    let workspace = Workspace::for_test();
    let configure = |host: &str| {
        let text = hcl::provider_block(&lab, "") + &file_block("it", host, &path, &["content = \"here\""]);
        workspace.write("main.tf", &text);
    };

    configure(&hcl::quoted(&hcl::connection(old.host())));
    workspace.apply().expect_success();
    let inode = old.stat(&path, "%i %Y");

    // Another spelling is no change at all.
    let spelled = hcl::connection(old.host()).replace('?', ":22?");
    configure(&hcl::quoted(&spelled));
    workspace.expect_no_changes();

    // Another connection to the same machine is an update that touches nothing: known_hosts has
    // the key here, instead of the connection.
    configure(&hcl::quoted(&format!("ssh://root@{}", old.host().address)));
    let change = workspace.expect_change("windlass_file.it", &["update"]);
    assert_eq!(change.unknown["owner"], true, "who owns it there is not known yet: {change:#?}");
    workspace.converge_as_planned();
    assert_eq!(old.stat(&path, "%i %Y"), inode);

    // Another machine: there first, then gone here.
    configure(&hcl::quoted(&hcl::connection(new.host())));
    workspace.expect_change("windlass_file.it", &["update"]);
    workspace.converge_as_planned();
    assert_eq!(new.read(&path).as_deref(), Some("here"));
    assert_eq!(new.stat(&path, "%U"), "deploy");
    assert_eq!(old.read(&path), None);
    workspace.destroy().expect_success();
    assert_eq!(new.read(&path), None);
}

#[test]
fn an_imported_file_is_not_removed_by_another_way_to_it() {
    let lab = Lab::current().unwrap();
    let place = Scratch::on(&lab, lab.host(Variant::Root).unwrap());
    let path = place.path("adopted");
    place.write(&path, "mine");
    let workspace = Workspace::for_test();
    let by_known_hosts = format!("ssh://root@{}", place.host().address);
    let configure = |host: &str| {
        let text = hcl::provider_block(&lab, "")
            + &file_block("it", &hcl::quoted(host), &path, &["content = \"mine\"", "on_destroy = \"keep\""]);
        workspace.write("main.tf", &text);
    };
    configure(&by_known_hosts);
    workspace.import("windlass_file.it", &format!("{by_known_hosts}|{path}")).expect_success();
    configure(&hcl::connection(place.host()));
    workspace.apply().expect_success();
    assert_eq!(place.read(&path).as_deref(), Some("mine"));

    // And what is to be kept is kept.
    workspace.destroy().expect_success();
    assert_eq!(place.read(&path).as_deref(), Some("mine"));
}

#[test]
fn import_says_what_it_does_not_find_and_how_an_id_looks() {
    let lab = Lab::current().unwrap();
    let host = lab.host(Variant::Root).unwrap();
    let workspace = Workspace::for_test();
    let text = hcl::provider_block(&lab, "")
        + &file_block("it", &hcl::quoted(&hcl::connection(host)), "/x", &["content = \"\""]);
    workspace.write("main.tf", &text);
    let run = workspace.import("windlass_file.it", &format!("{}|/no/such/file", hcl::connection(host)));
    assert_ne!(run.code, Some(0));
    assert!(run.stderr.contains("non-existent"), "{}", run.stderr);
    let run = workspace.import("windlass_file.it", "/no/host");
    assert_ne!(run.code, Some(0));
    assert!(run.stderr.contains("<connection>|<absolute path>"), "{}", run.stderr);
}
