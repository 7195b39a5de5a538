//! Another host for the same command.

use acceptance_tests::{Scratch, hcl, unique};
use lab::{Lab, Variant};

use crate::{IT, Space};

#[test]
fn a_command_moves_to_another_machine_and_another_way_to_the_same_one_runs_nothing() {
    let lab = Lab::current().unwrap();
    let name = unique("windlass-test");
    let old = Scratch::named(&lab, lab.host(Variant::Root).unwrap(), &name);
    let new = Scratch::named(&lab, lab.host(Variant::Deploy).unwrap(), &name);
    let space = Space::new(&lab, old);
    let all = [r#"create = ["sh", "-c", "echo made >>it; wc -l <it"]"#, r#"destroy = ["rm", "it"]"#];
    space.configure(&all);
    space.apply();

    // known_hosts has the key here, instead of the connection: nothing runs.
    let text = std::fs::read_to_string(space.workspace.path().join("command.tf")).unwrap();
    let pinned = hcl::quoted(&hcl::connection(space.place.host()));
    let bare = hcl::quoted(&format!("ssh://root@{}", space.place.host().address));
    space.workspace.write("command.tf", &text.replace(&pinned, &bare));
    space.workspace.expect_change(IT, &["update"]);
    space.apply();
    assert_eq!(space.file("it").as_deref(), Some("made\n"));

    // Another machine: there first, then taken down here.
    space.configure_on(&new, &all);
    space.workspace.expect_change(IT, &["update"]);
    space.apply();
    assert_eq!((space.file("it"), new.read(&new.path("it")).as_deref()), (None, Some("made\n")));
    assert_eq!(space.workspace.state(IT)["output"], "1");
    space.workspace.destroy().expect_success();
    assert_eq!(new.read(&new.path("it")), None);
}
