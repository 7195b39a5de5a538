//! The whole life of an image, and of a stack that runs it.

use lab::{Lab, Variant};

use crate::{IT, Space};

const LINES: [&str; 5] = [
    "ARG WHO",
    "RUN --mount=type=secret,id=token wc -c </run/secrets/token >/length",
    "RUN echo \"$WHO\" >/who",
    "COPY . /app",
    "LABEL x=y",
];
const TOKEN: &str = "build-secret-8c1f";
const ARGS: &str = r#"args = { WHO = "a $5 b" }"#;

fn secrets(version: &str) -> String {
    format!("secrets_wo = {{ token = \"{TOKEN}{version}\" }}\n  secrets_wo_version = \"{version}\"")
}

#[test]
fn an_image_of_root_is_built_run_changed_and_removed() {
    lives_on(Variant::Root);
}

#[test]
fn an_image_of_a_user_is_built_run_changed_and_removed() {
    lives_on(Variant::Deploy);
}

fn lives_on(variant: Variant) {
    let lab = Lab::current().unwrap();
    let space = Space::new(&lab, lab.host(variant).unwrap());
    built_and_run(&space);
    changed(&space);
    changed_behind_our_back(&space);
    space.workspace.destroy().expect_success();
    assert_eq!(space.id_of(&space.name), None);
    let left = space.lab.exec(&space.host, &["sh", "-c", "ls ~*/.windlass/builds"]).unwrap();
    let id = space.workspace.state(IT)["id"].clone();
    assert!(id.is_null() && !String::from_utf8_lossy(&left.stdout).contains("app"), "{left:?}");
}

fn built_and_run(space: &Space<'_>) {
    space.dockerfile(&LINES);
    space.workspace.write("app/.dockerignore", "*.log\n");
    space.workspace.write("app/text", "one");
    space.workspace.write("app/x.log", "1");
    space.configure(&[ARGS, &secrets("1"), "tags = [\"it:$${unused}\"]"]);
    assert!(space.workspace.plan().expect_error().detail.contains("name of an image"));

    let more = format!("tags = [\"{}:more\"]", space.name);
    space.configure(&[ARGS, &secrets("1"), &more]);
    space.stack("app", &space.host, &format!("{IT}.reference"));
    let change = space.workspace.expect_change(IT, &["create"]);
    assert_eq!(change.unknown["reference"], true);
    assert_eq!(change.after["source_hash"].as_str().unwrap().len(), 64);
    space.apply();
    let state = space.workspace.state(IT);
    assert_eq!((state["reference"].clone(), state["digest"].is_null()), (state["image_id"].clone(), true));
    assert_eq!(space.id_of(&format!("{}:more", space.name)).as_deref(), state["image_id"].as_str());
    assert_eq!(space.file_in_container(&space.host, "/app/text"), "one");
    assert_eq!(space.file_in_container(&space.host, "/who"), "a $5 b");
    assert_eq!(space.file_in_container(&space.host, "/length"), (TOKEN.len() + 1).to_string());

    // The secret is nowhere but where it was needed, and that is gone.
    let shown = space.workspace.run(&["show", "-json"]).expect_success();
    let history = space.root_runs(&["docker", "history", "--no-trunc", &space.name]);
    assert!(!shown.stdout.contains(TOKEN) && !history.contains(TOKEN));
    let found = "grep -rlF build-secret-8c1f1 /tmp /root /home 2>/dev/null; true";
    assert_eq!(space.root_runs(&["sh", "-c", found]), "");
}

fn changed(space: &Space<'_>) {
    let more = format!("tags = [\"{}:more\"]", space.name);
    let reference = space.workspace.state(IT)["reference"].clone();
    // What is no part of the context changes nothing, and neither does a cache.
    space.workspace.write("app/x.log", "2");
    space.workspace.expect_no_changes();
    space.configure(&[ARGS, &secrets("1"), &more, "cache_to = [\"type=inline\"]"]);
    let change = space.workspace.expect_change(IT, &["update"]);
    assert_eq!(change.after["reference"], reference);

    // A changed file goes as far as into the container, in one apply.
    space.workspace.write("app/text", "two");
    let changes = space.workspace.changes();
    assert_eq!(changes[IT].actions, ["update"]);
    assert_eq!(changes["windlass_compose_stack.app"].actions, ["update"]);
    space.apply();
    assert_eq!(space.file_in_container(&space.host, "/app/text"), "two");
    // The image of before stays for who wants to go back; its tags are those of the new one.
    assert!(space.id_of(reference.as_str().unwrap()).is_some());

    // Another secret is another build; a name that is wanted no more goes.
    space.configure(&[ARGS, &secrets("12")]);
    space.workspace.expect_change(IT, &["update"]);
    space.apply();
    assert_eq!(space.id_of(&format!("{}:more", space.name)), None);
}

fn changed_behind_our_back(space: &Space<'_>) {
    let busybox = space.lab.image("busybox").unwrap();
    space.root_runs(&["docker", "pull", "--quiet", busybox]);
    space.root_runs(&["docker", "tag", busybox, &space.name]);
    let change = space.workspace.expect_change(IT, &["update"]);
    assert_ne!(change.before["image_id"], space.workspace.state(IT)["image_id"]);
    space.workspace.apply().expect_success();
    space.workspace.expect_no_changes();
    assert_eq!(space.id_of(&space.name).as_deref(), space.workspace.state(IT)["image_id"].as_str());

    space.root_runs(&["docker", "rmi", "--force", &space.name]);
    space.workspace.expect_change(IT, &["update"]);
    space.apply();
    assert!(space.id_of(&space.name).is_some());
}
