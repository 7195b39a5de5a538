//! Builds that fail.

use lab::{Lab, Variant};

use crate::{IT, Image};

#[test]
fn a_build_that_fails_shows_its_last_words_and_changes_nothing() {
    let lab = Lab::current().unwrap();
    let image = Image::on(&lab, lab.host(Variant::Root).unwrap());
    image.dockerfile(&["RUN echo good >/good"]);
    image.configure(&[]);
    image.workspace.converge();
    let before = image.id_of(&image.name);

    image.dockerfile(&["RUN --mount=type=secret,id=token cat /run/secrets/token; echo because; exit 3"]);
    image.configure(&["secrets_wo = { token = \"very-secret\" }\n  secrets_wo_version = \"1\""]);
    let run = image.workspace.apply();
    let error = run.expect_error();
    assert!(error.summary.starts_with("Could not build image"), "{error:?}");
    for part in ["because", "exit code: 3", "as it was before"] {
        assert!(error.detail.contains(part), "{part:?} is not in {error:?}");
    }
    assert!(!run.stdout.contains("very-secret") && run.stdout.contains("[secret]"), "{}", run.stdout);
    assert_eq!(image.id_of(&image.name), before);

    image.dockerfile(&["RUN echo good >/good"]);
    image.configure(&["cache_to = [\"type=registry,ref=127.0.0.1:9/x\"]", "triggers = { a = \"1\" }"]);
    let error = image.workspace.apply().expect_error();
    assert!(error.detail.contains("type=inline") && error.detail.contains("containerd"), "{error:?}");

    image.workspace.write("app/.dockerignore", "a[\n");
    let error = image.workspace.plan().expect_error();
    assert!(error.detail.contains(".dockerignore"), "{error:?}");
    image.workspace.write("app/.dockerignore", "");
    image.configure(&["dockerfile = \"None\""]);
    let error = image.workspace.plan().expect_error();
    assert!(error.summary.contains("Could not find \"None\""), "{error:?}");
    image.configure(&[]);
    image.workspace.converge();

    // What a container uses stays, and that is told.
    image.root_runs(&[
        "docker",
        "run",
        "-d",
        "--name",
        &format!("{}-app-1", image.name),
        &image.name,
        "sleep",
        "600",
    ]);
    image.workspace.destroy().expect_success().expect_warning("A container uses it");
    assert!(image.id_of(&image.name).is_some() && image.workspace.state(IT).is_null());
}
