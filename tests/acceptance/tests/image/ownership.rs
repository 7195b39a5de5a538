//! Whose an image is that has a name.

use acceptance_tests::Workspace;
use lab::{Lab, Variant};

use crate::{IT, Image};

#[test]
fn a_name_is_not_enough_to_take_over_or_to_remove_an_image() {
    let lab = Lab::current().unwrap();
    let image = Image::on(&lab, lab.host(Variant::Root).unwrap());
    image.dockerfile(&["RUN echo ours >/whose"]);
    image.configure(&["lifecycle {\n    create_before_destroy = true\n  }"]);
    image.workspace.apply().expect_success();
    let built = image.id_of(&image.name);
    assert!(built.is_some());

    // Another state.
    let other = Workspace::for_test();
    for name in ["provider.tf", "image.tf", "app/Dockerfile"] {
        let text = std::fs::read_to_string(image.workspace.path().join(name)).unwrap();
        other.write(name, &text.replace("echo ours", "echo theirs"));
    }
    other.apply().expect_error().says("Another resource builds the image").says(&image.name);
    assert_eq!(image.id_of(&image.name), built);

    // A replacement that comes before what it replaces.
    let replace = format!("-replace={IT}");
    image
        .workspace
        .run(&["apply", "-auto-approve", "-json", &replace])
        .expect_error()
        .says("create_before_destroy");
    assert_eq!(image.id_of(&image.name), built);
    image.workspace.expect_no_changes();

    // Once it is gone, its name is free.
    image.workspace.destroy().expect_success();
    assert_eq!(image.id_of(&image.name), None);
    other.apply().expect_success();
    assert!(image.id_of(&image.name).is_some_and(|id| Some(id) != built));
    other.destroy().expect_success();
}
