//! Another machine for the same image.

use lab::{Host, Lab, Variant};

use crate::{IT, Space};

/// Writes the image on `host`, and the stack that runs it where there is one.
fn move_to(space: &mut Space<'_>, host: &Host, with_stack: bool) {
    space.host = host.clone();
    space.configure(&[&format!("tags = [\"{}:more\"]", space.name)]);
    if with_stack {
        space.stack("app", host, &format!("{IT}.reference"));
    }
}

#[test]
fn an_image_moves_with_its_tags_and_leaves_what_runs() {
    let lab = Lab::current().unwrap();
    let (old, new) = (lab.host(Variant::Root).unwrap(), lab.host(Variant::Deploy).unwrap());
    let mut space = Space::new(&lab, old);
    space.dockerfile(&["COPY text /text"]);
    space.workspace.write("app/text", "one");
    move_to(&mut space, old, false);
    space.apply();
    let before = space.workspace.state(IT);

    move_to(&mut space, new, false);
    let change = space.workspace.expect_change(IT, &["update"]);
    assert_eq!(change.unknown["image_id"], true);
    space.apply();
    let state = space.workspace.state(IT);
    assert_eq!(state["id"], before["id"]);
    assert_eq!(space.id_of(&format!("{}:more", space.name)).as_deref(), state["image_id"].as_str());
    // Nothing of it is left where it was.
    let filter = format!("reference={}*", space.name);
    let images = ["docker", "image", "ls", "--quiet", "--filter", &filter];
    assert_eq!(lab.exec_ok(old, &images).unwrap(), "");
    let folder = format!("/root/.windlass/builds/{}", before["id"].as_str().unwrap());
    assert!(!lab.exec(old, &["test", "-e", &folder]).unwrap().status.success());

    // The new machine is the one that is looked at.
    space.root_runs(&["docker", "rmi", "--force", &space.name]);
    space.workspace.expect_change(IT, &["update"]);
    move_to(&mut space, new, true);
    space.apply();
    assert_eq!(space.file_in_container(new, "/text"), "one");

    // A stack moves after its image: what it still runs there stays, and that is told.
    move_to(&mut space, old, true);
    let run = space.workspace.apply().expect_success();
    run.expect_warning("A container uses it").says(&space.name);
    space.workspace.expect_no_changes();
    assert_eq!(space.file_in_container(old, "/text"), "one");
    assert_eq!(lab.exec_ok(new, &images).unwrap().lines().count(), 1);
    space.workspace.destroy().expect_success();
}
