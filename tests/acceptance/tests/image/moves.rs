//! Another machine for the same image.

use lab::{Host, Lab, Variant};

use crate::{IT, Image};

/// Writes the image on `host`, and the stack that runs it where there is one.
fn move_to(image: &mut Image<'_>, host: &Host, with_stack: bool) {
    image.host = host.clone();
    image.configure(&[&format!("tags = [\"{}:more\"]", image.name)]);
    if with_stack {
        image.stack("app", host, &format!("{IT}.reference"));
    }
}

#[test]
fn an_image_moves_with_its_tags_and_leaves_what_runs() {
    let lab = Lab::current().unwrap();
    let (old, new) = (lab.host(Variant::Root).unwrap(), lab.host(Variant::Deploy).unwrap());
    let mut image = Image::on(&lab, old);
    image.also_on(old);
    image.also_on(new);
    image.dockerfile(&["COPY text /text"]);
    image.workspace.write("app/text", "one");
    move_to(&mut image, old, false);
    image.workspace.converge();
    let before = image.workspace.state(IT);

    move_to(&mut image, new, false);
    let change = image.workspace.expect_change(IT, &["update"]);
    assert_eq!(change.unknown["image_id"], true);
    image.workspace.converge();
    let state = image.workspace.state(IT);
    assert_eq!(state["id"], before["id"]);
    assert_eq!(image.id_of(&format!("{}:more", image.name)).as_deref(), state["image_id"].as_str());
    // Nothing of it is left where it was.
    let filter = format!("reference={}*", image.name);
    let images = ["docker", "image", "ls", "--quiet", "--filter", &filter];
    assert_eq!(lab.exec_ok(old, &images).unwrap(), "");
    let folder = format!("/root/.windlass/builds/{}", before["id"].as_str().unwrap());
    assert!(!lab.exec(old, &["test", "-e", &folder]).unwrap().status.success());

    // The new machine is the one that is looked at.
    image.root_runs(&["docker", "rmi", "--force", &image.name]);
    image.workspace.expect_change(IT, &["update"]);
    move_to(&mut image, new, true);
    image.workspace.converge();
    assert_eq!(image.file_in_container(new, "/text"), "one");

    // A stack moves after its image: what it still runs there stays, and that is told.
    move_to(&mut image, old, true);
    let run = image.workspace.apply().expect_success();
    run.expect_warning("A container uses it").says(&image.name);
    image.workspace.expect_no_changes();
    assert_eq!(image.file_in_container(old, "/text"), "one");
    assert_eq!(lab.exec_ok(new, &images).unwrap().lines().count(), 1);
    image.workspace.destroy().expect_success();
}
