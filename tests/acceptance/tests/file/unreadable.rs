//! What a login may not look at: unknown, told, and no change.

use acceptance_tests::{Scratch, Workspace, hcl};
use lab::{Lab, Variant};

use crate::file_block;

#[test]
fn what_a_login_may_not_look_at_is_no_change() {
    let lab = Lab::current().unwrap();
    let place = Scratch::on(&lab, lab.host(Variant::Deploy).unwrap());
    let (folder, path) = (place.path("theirs"), place.path("theirs/file"));
    let host = hcl::quoted(&hcl::connection(place.host()));
    let workspace = Workspace::for_test();
    workspace.write("provider.tf", &hcl::provider_block(&lab, ""));
    let configure = |content: &str| {
        let directory = format!(
            "resource \"windlass_directory\" \"in\" {{\n  host = {host}\n  path = {}\n}}\n",
            hcl::quoted(&place.path("theirs/in"))
        );
        let lines = [&format!("content = {}", hcl::quoted(content)), "mode = \"0000\""];
        workspace.write("main.tf", &(directory + &file_block("f", &host, &path, &lines)));
    };
    place.root_runs(&["install", "-d", "-o", &place.host().user, &folder]);

    // Nobody but root may read what was written.
    configure("one\n");
    workspace.converge();
    workspace.plan().expect_success().expect_warning("may not be read").says(&path);
    configure("two\n");
    workspace.expect_change("windlass_file.f", &["update"]);
    workspace.converge_as_planned();
    assert_eq!((place.read(&path).as_deref(), &*place.stat(&path, "%a")), (Some("two\n"), "0"));
    place.root_runs(&["chmod", "600", &path]);
    workspace.expect_change("windlass_file.f", &["update"]);
    workspace.converge_as_planned();

    // A container makes the directory its own.
    place.root_runs(&["chown", "999", &folder]);
    place.root_runs(&["chmod", "700", &folder]);
    workspace.expect_no_changes();
    let told = workspace.plan().expect_success();
    for subject in ["file", "directory"] {
        told.expect_warning(&format!("Could not look at {subject} ")).says("The last known state stands in");
    }
    let other = Workspace::for_test();
    other.write("provider.tf", &hcl::provider_block(&lab, ""));
    other.write("main.tf", &file_block("f", &host, &path, &["content = \"\""]));
    let imported = other.import("windlass_file.f", &format!("{}|{path}", hcl::connection(place.host())));
    assert!(imported.code == Some(1) && imported.stderr.contains("Could not read file"), "{imported:?}");
    configure("three\n");
    workspace.apply().expect_error().says("ermission denied").says("as it was before");
    assert_eq!(place.read(&path).as_deref(), Some("two\n"));
    configure("two\n");
    workspace.destroy().expect_error().says("ermission denied").says("still there");

    place.root_runs(&["chown", &place.host().user, &folder]);
    workspace.converge();
    workspace.destroy().expect_success();
    assert_eq!(place.read(&path), None);
}
