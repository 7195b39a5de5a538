//! Another host for the same command.

use acceptance_tests::{Scratch, hcl, unique};
use lab::{Lab, Variant};

use crate::{Command, IT};

#[test]
fn a_command_moves_to_another_machine_and_another_way_to_the_same_one_runs_nothing() {
    let lab = Lab::current().unwrap();
    let name = unique("windlass-test");
    let old = Scratch::named(&lab, lab.host(Variant::Root).unwrap(), &name);
    let new = Scratch::named(&lab, lab.host(Variant::Deploy).unwrap(), &name);
    let command = Command::new(&lab, old);
    let all = [r#"create = ["sh", "-c", "echo made >>it; wc -l <it"]"#, r#"destroy = ["rm", "it"]"#];
    command.configure(&all);
    command.workspace.converge();

    // known_hosts has the key here, instead of the connection: nothing runs.
    let text = std::fs::read_to_string(command.workspace.path().join("command.tf")).unwrap();
    let pinned = hcl::quoted(&hcl::connection(command.directory.host()));
    let bare = hcl::quoted(&format!("ssh://root@{}", command.directory.host().address));
    command.workspace.write("command.tf", &text.replace(&pinned, &bare));
    command.workspace.expect_change(IT, &["update"]);
    command.workspace.converge_as_planned();
    assert_eq!(command.file("it").as_deref(), Some("made\n"));

    // Another machine: there first, then taken down here.
    command.configure_on(&new, &all);
    command.workspace.expect_change(IT, &["update"]);
    command.workspace.converge_as_planned();
    assert_eq!((command.file("it"), new.read(&new.path("it")).as_deref()), (None, Some("made\n")));
    assert_eq!(command.workspace.state(IT)["output"], "1");
    command.workspace.destroy().expect_success();
    assert_eq!(new.read(&new.path("it")), None);
}
