//! Builds that fail.

use lab::{Lab, Variant};

use crate::{IT, Space};

#[test]
fn a_build_that_fails_shows_its_last_words_and_changes_nothing() {
    let lab = Lab::current().unwrap();
    let space = Space::new(&lab, lab.host(Variant::Root).unwrap());
    space.dockerfile(&["RUN echo good >/good"]);
    space.configure(&[]);
    space.apply();
    let before = space.id_of(&space.name);

    space.dockerfile(&["RUN --mount=type=secret,id=token cat /run/secrets/token; echo because; exit 3"]);
    space.configure(&["secrets_wo = { token = \"very-secret\" }\n  secrets_wo_version = \"1\""]);
    let run = space.workspace.apply();
    let error = run.expect_error();
    assert!(error.summary.starts_with("Could not build image"), "{error:?}");
    for part in ["because", "exit code: 3", "as it was before"] {
        assert!(error.detail.contains(part), "{part:?} is not in {error:?}");
    }
    assert!(!run.stdout.contains("very-secret") && run.stdout.contains("[secret]"), "{}", run.stdout);
    assert_eq!(space.id_of(&space.name), before);

    space.dockerfile(&["RUN echo good >/good"]);
    space.configure(&["cache_to = [\"type=registry,ref=127.0.0.1:9/x\"]", "triggers = { a = \"1\" }"]);
    let error = space.workspace.apply().expect_error();
    assert!(error.detail.contains("type=inline") && error.detail.contains("containerd"), "{error:?}");

    space.workspace.write("app/.dockerignore", "a[\n");
    let error = space.workspace.plan().expect_error();
    assert!(error.detail.contains(".dockerignore"), "{error:?}");
    space.workspace.write("app/.dockerignore", "");
    space.configure(&["dockerfile = \"None\""]);
    let error = space.workspace.plan().expect_error();
    assert!(error.summary.contains("Could not find \"None\""), "{error:?}");
    space.configure(&[]);
    space.apply();

    // What a container uses stays, and that is told.
    space.root_runs(&[
        "docker",
        "run",
        "-d",
        "--name",
        &format!("{}-app-1", space.name),
        &space.name,
        "sleep",
        "600",
    ]);
    space.workspace.destroy().expect_success().expect_warning("A container uses it");
    assert!(space.id_of(&space.name).is_some() && space.workspace.state(IT).is_null());
}
