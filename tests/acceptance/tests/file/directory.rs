//! `windlass_directory`, from the first apply to the destruction.

use acceptance_tests::{Scratch, Workspace, hcl};
use lab::{Lab, Variant};

#[test]
fn a_directory_is_made_changed_found_changed_and_never_emptied() {
    let lab = Lab::current().unwrap();
    let place = Scratch::on(&lab, lab.host(Variant::Sudo).unwrap());
    let path = place.path("made here/data");
    let host = hcl::quoted(&hcl::connection(place.host()));
    let workspace = Workspace::for_test();
    workspace.write("provider.tf", &hcl::provider_block(&lab, ""));
    let configure = |path: &str, lines: &str| {
        let path = hcl::quoted(path);
        let text = format!(
            "resource \"windlass_directory\" \"d\" {{\n  host = {host}\n  path = {path}\n  {lines}\n}}\n"
        );
        workspace.write("main.tf", &text);
    };
    configure(&path, "owner = \"1000\"\n  mode = \"2750\"");
    workspace.converge();
    assert_eq!(place.stat(&path, "%a %u"), "2750 1000");
    place.write(&format!("{path}/row"), "1\n");

    // Changed behind our back, and by us: what is in it stays.
    place.root_runs(&["chmod", "777", &path]);
    workspace.expect_change("windlass_directory.d", &["update"]);
    configure(&path, "owner = \"0\"\n  mode = \"700\"\n  on_destroy = \"delete\"");
    workspace.converge();
    assert_eq!(place.stat(&path, "%a %U"), "700 root");
    assert_eq!(place.read(&format!("{path}/row")).as_deref(), Some("1\n"));

    // Another one's is not changed, and none that is not empty is removed.
    let other = place.path("theirs");
    place.root_runs(&["mkdir", "-m", "711", &other]);
    let second = Workspace::for_test();
    second.write("provider.tf", &hcl::provider_block(&lab, ""));
    for path in [&path, &other] {
        let line = format!("host = {host}\n  path = {}", hcl::quoted(path));
        second.write("main.tf", &format!("resource \"windlass_directory\" \"d\" {{\n  {line}\n}}\n"));
        second
            .plan()
            .expect_success()
            .expect_warning("as things are")
            .says("already")
            .says("The plan goes on");
        second.apply().expect_error().says("already").says("import");
    }
    assert_eq!(place.stat(&other, "%a"), "711");
    workspace.destroy().expect_error().says("not empty").says("row");
    place.root_runs(&["rm", &format!("{path}/row")]);
    workspace.destroy().expect_success();
    assert!(place.root_runs(&["ls", "-A", &place.path("made here")]).is_empty());
}
