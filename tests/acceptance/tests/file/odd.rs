//! Paths, contents and places that break what is not careful.

use acceptance_tests::{Scratch, Workspace, hcl, unique};
use lab::{Lab, Variant};

use crate::file_block;

/// What a shell, a quoting mistake or an option parser would stumble over.
const NAMES: [&str; 9] = [
    "with space",
    "quote'\"s",
    "$HOME ${x} $(touch pwned)",
    "semi;touch pwned;",
    "new\nline",
    "-rf",
    "ümläut ☃",
    "back\\slash `touch pwned`",
    "*?[a-z]~{a,b}",
];

#[test]
fn odd_names_and_contents_arrive_as_they_are() {
    let lab = Lab::current().unwrap();
    let workspace = Workspace::for_test();
    // As root without and as a user with sudo: each wraps commands in another way.
    let places: Vec<_> =
        [Variant::Root, Variant::Sudo].map(|variant| Scratch::on(&lab, lab.host(variant).unwrap())).into();
    let mut text = hcl::provider_block(&lab, "");
    for place in &places {
        let host = hcl::quoted(&hcl::connection(place.host()));
        for (index, name) in NAMES.iter().enumerate() {
            let content = format!("{name}\r\n\t'\"`$(id)`%{{ %%{{ ${{x}} \\0\n");
            let lines = [format!("content = {}", hcl::quoted(&content))];
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            let path = place.path(&format!("{name}/{name}"));
            text += &file_block(&format!("{}{index}", place.host().name), &host, &path, &lines);
        }
    }
    workspace.write("main.tf", &text);
    workspace.converge();
    for place in &places {
        for name in NAMES {
            let content = format!("{name}\r\n\t'\"`$(id)`%{{ %%{{ ${{x}} \\0\n");
            assert_eq!(place.read(&place.path(&format!("{name}/{name}"))), Some(content));
        }
        let listed = place.root_runs(&["find", place.root(), "-name", "pwned*"]);
        assert_eq!(listed, "", "something was executed");
    }
    workspace.destroy().expect_success();
    for place in &places {
        assert_eq!(place.root_runs(&["find", place.root(), "-type", "f"]), "");
    }
}

#[test]
fn an_owner_may_be_a_number_that_nobody_has() {
    let lab = Lab::current().unwrap();
    let place = Scratch::on(&lab, lab.host(Variant::Sudo).unwrap());
    let host = hcl::quoted(&hcl::connection(place.host()));
    let path = place.path("nameless");
    let workspace = Workspace::for_test();
    workspace.write("provider.tf", &hcl::provider_block(&lab, ""));
    let configure = |owner: &str| {
        let lines = ["content = \"1\"", &format!("owner = \"{owner}\""), "group = \"4711\""];
        workspace.write("main.tf", &file_block("f", &host, &path, &lines));
    };
    configure("4711");
    workspace.converge();
    assert_eq!(place.stat(&path, "%u:%g"), "4711:4711");
    place.root_runs(&["chown", "0:0", &path]);
    workspace.expect_change("windlass_file.f", &["update"]);
    workspace.converge_as_planned();
    configure("no-such-user");
    workspace.apply().expect_error().says("no-such-user");
    assert_eq!((place.stat(&path, "%u:%g"), place.read(&path).as_deref()), ("4711:4711".into(), Some("1")));
}

#[test]
fn a_source_is_copied_as_it_is_and_followed() {
    let lab = Lab::current().unwrap();
    let place = Scratch::on(&lab, lab.host(Variant::NoForward).unwrap());
    let path = place.path("blob");
    let workspace = Workspace::for_test();
    let host = hcl::quoted(&hcl::connection(place.host()));
    let text = hcl::provider_block(&lab, "")
        + &file_block("blob", &host, &path, &["source = \"${path.module}/blob\"", "mode = \"750\""]);
    workspace.write("main.tf", &text);
    // Larger than any buffer on the way, and no text.
    let blob: Vec<u8> =
        (0..3_000_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::write(workspace.path().join("blob"), &blob).unwrap();
    workspace.converge();
    let remote = place.root_runs(&["sha256sum", "--", &path]);
    let local = std::process::Command::new("sha256sum").arg(workspace.path().join("blob")).output().unwrap();
    assert_eq!(&remote.as_bytes()[..64], &local.stdout[..64]);
    assert_eq!(place.stat(&path, "%a %s"), "750 3000000");

    workspace.write("blob", "small now");
    workspace.expect_change("windlass_file.blob", &["update"]);
    workspace.apply_planned().expect_success();
    assert_eq!(place.read(&path).as_deref(), Some("small now"));

    std::fs::remove_file(workspace.path().join("blob")).unwrap();
    workspace.plan().expect_error().says("Could not read").says("source").says("No such file");
    workspace.write("blob", "");
    workspace.destroy().expect_success();
    assert_eq!(place.read(&path), None);
}

#[test]
fn a_file_on_this_machine_needs_no_ssh() {
    // An earlier build waited for ever here, for the end of an input that was still open.
    let workspace = Workspace::for_test();
    let path = workspace.path().join(unique("local dir")).join("file");
    let text =
        file_block("it", "\"local://\"", path.to_str().unwrap(), &["content = \"x\"", "mode = \"0600\""]);
    workspace.write("main.tf", &text);
    let run = workspace.apply().expect_success();
    assert!(run.took.as_secs() < 60, "{:?}", run.took);
    workspace.expect_no_changes();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "x");
    std::fs::write(&path, "y").unwrap();
    workspace.expect_change("windlass_file.it", &["update"]);
    workspace.apply_planned().expect_success();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "x");
    workspace.destroy().expect_success();
    assert!(!path.exists());
}

#[test]
fn a_failed_write_leaves_the_old_file_and_says_why() {
    let lab = Lab::current().unwrap();
    let place = Scratch::on(&lab, lab.host(Variant::Deploy).unwrap());
    let path = place.path("full/file");
    let disk = lab.small_disk(place.host(), &place.path("full"), 256 << 10).unwrap();
    let workspace = Workspace::for_test();
    let host = hcl::quoted(&hcl::connection(place.host()));
    let configure = |path: &str, content: &str| {
        let content = format!("content = {content}");
        workspace
            .write("main.tf", &(hcl::provider_block(&lab, "") + &file_block("it", &host, path, &[&content])));
    };
    configure(&path, "\"old\"");
    workspace.apply().expect_success();
    disk.fill().unwrap();
    configure(&path, "join(\"\", [for i in range(1000) : format(\"%0200d\", i)])");
    let error = workspace.apply().expect_error();
    error
        .says("Could not update file")
        .says("o space is left")
        .says("as it was before")
        .says("Free some space");
    assert_eq!(place.read(&path).as_deref(), Some("old"));
    assert_eq!(place.root_runs(&["sh", "-c", "ls -A \"$1\" | wc -l", "sh", &place.path("full")]), "2");
    disk.empty().unwrap();
    workspace.converge();

    // Not ours to write, and something else in the way.
    configure("/etc/windlass-test", "\"\"");
    workspace.apply().expect_error().says("Could not create file").says("ermi").says("sudo = true");
    let occupied = place.path("occupied");
    place.root_runs(&["mkdir", &occupied]);
    configure(&occupied, "\"\"");
    workspace.apply().expect_error().says("a directory in its place").says("out of the way");
    workspace.destroy().expect_success();
    drop(disk);
}

#[test]
fn mistakes_in_the_configuration_are_found_before_anything_is_reached() {
    let workspace = Workspace::for_test();
    for (path, lines, says) in [
        ("relative", &["content = \"\""][..], "must be an absolute path"),
        ("/a/../b", &["content = \"\""], "without `.` and `..`"),
        ("/a//b", &["content = \"\""], "empty parts"),
        ("/a", &["content = \"\"", "mode = \"rw\""], "octal"),
        ("/a", &[], "content_wo"),
        ("/a", &["content = \"\"", "source = \"x\""], "content"),
        ("/a", &["content_wo = \"x\""], "content_wo_version"),
        ("/a", &["content = \"\"", "content_wo_version = \"x\""], "content_wo"),
        ("/a", &["content = \"\"", "on_destroy = \"burn\""], "keep"),
    ] {
        workspace.write("main.tf", &file_block("it", "\"ssh://192.0.2.1\"", path, lines));
        workspace.plan().expect_error().says(says);
    }
    workspace.write("main.tf", &file_block("it", "\"http://x\"", "/a", &["content = \"\""]));
    workspace.plan().expect_error().says("host");
}
