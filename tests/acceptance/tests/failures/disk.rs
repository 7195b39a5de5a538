//! A disk that fills while files are shipped.

use lab::{Lab, Variant};

use crate::story::expect_story;
use acceptance_tests::{STACK, Stack};

#[test]
fn a_full_disk_leaves_the_old_files_and_containers() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let stack = Stack::on(&lab, &host);
    let directory = format!("/srv/{}", stack.name);
    let disk = lab.small_disk(&host, &directory, 4 << 20).unwrap();
    let mount = "    volumes: [\"./conf:/conf:ro\"]\n";
    stack.workspace.write("app/compose.yaml", &format!("{}{mount}", stack.one_service()));
    stack.workspace.write("app/conf/a", "old\n");
    stack.configure(&format!("source_dir = \"${{path.module}}/app\"\n  directory = \"{directory}\""));
    stack.workspace.apply().expect_success();
    let before = (stack.containers(), stack.workspace.state(STACK));

    disk.fill().unwrap();
    stack.workspace.write("app/conf/a", "new\n");
    stack.workspace.write("app/conf/b", &"x".repeat(1 << 20));
    let run = stack.workspace.apply();
    let parts =
        [directory.as_str(), "The host's disk is full", "docker system df", "runs as before the apply: "];
    expect_story(&run, &stack.could_not("update"), &parts);
    assert_eq!(stack.containers(), before.0);
    assert_eq!(stack.shell(&format!("cat {directory}/conf/a")), "old");
    assert!(!stack.exists(&format!("{directory}/conf/b")));
    let strays = stack.shell(&format!("ls -A {directory}"));
    assert!(!strays.contains(".windlass-"), "half a shipment is left behind: {strays}");
    // What the state says is still what is there.
    assert_eq!(stack.workspace.state(STACK)["services"], before.1["services"]);
    assert_eq!(stack.workspace.state(STACK)["source_hash"], before.1["source_hash"]);

    disk.empty().unwrap();
    stack.workspace.converge();
    assert_eq!(stack.shell(&format!("cat {directory}/conf/a")), "new");
}

#[test]
fn a_disk_that_is_full_from_the_start_loses_nothing() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let stack = Stack::on(&lab, &host);
    let disk = lab.small_disk(&host, "/home/deploy/windlass", 1 << 20).unwrap();
    disk.fill().unwrap();
    stack.configure_one_service();
    let run = stack.workspace.apply();
    let parts = ["The host's disk is full", "Nothing of it is left running"];
    expect_story(&run, &stack.could_not("start"), &parts);
    disk.empty().unwrap();
    stack.workspace.converge();
}
