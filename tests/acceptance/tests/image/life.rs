//! The whole life of an image, and of a stack that runs it.

use lab::{Lab, Variant};

use crate::{IT, Image};

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
    let image = Image::on(&lab, lab.host(variant).unwrap());
    built_and_run(&image);
    changed(&image);
    changed_behind_our_back(&image);
    image.workspace.destroy().expect_success();
    assert_eq!(image.id_of(&image.name), None);
    let left = image.lab.exec(&image.host, &["sh", "-c", "ls ~*/.windlass/builds"]).unwrap();
    let id = image.workspace.state(IT)["id"].clone();
    assert!(id.is_null() && !String::from_utf8_lossy(&left.stdout).contains("app"), "{left:?}");
}

fn built_and_run(image: &Image<'_>) {
    image.dockerfile(&LINES);
    image.workspace.write("app/.dockerignore", "*.log\n");
    image.workspace.write("app/text", "one");
    image.workspace.write("app/x.log", "1");
    image.configure(&[ARGS, &secrets("1"), "tags = [\"it:$${unused}\"]"]);
    assert!(image.workspace.plan().expect_error().detail.contains("name of an image"));

    let more = format!("tags = [\"{}:more\"]", image.name);
    image.configure(&[ARGS, &secrets("1"), &more]);
    image.stack("app", &image.host, &format!("{IT}.reference"));
    let change = image.workspace.expect_change(IT, &["create"]);
    assert_eq!(change.unknown["reference"], true);
    assert_eq!(change.after["source_hash"].as_str().unwrap().len(), 64);
    image.workspace.converge_as_planned();
    let state = image.workspace.state(IT);
    assert_eq!((state["reference"].clone(), state["digest"].is_null()), (state["image_id"].clone(), true));
    assert_eq!(image.id_of(&format!("{}:more", image.name)).as_deref(), state["image_id"].as_str());
    assert_eq!(image.file_in_container(&image.host, "/app/text"), "one");
    assert_eq!(image.file_in_container(&image.host, "/who"), "a $5 b");
    assert_eq!(image.file_in_container(&image.host, "/length"), (TOKEN.len() + 1).to_string());

    // The secret is nowhere but where it was needed, and that is gone.
    let shown = image.workspace.run(&["show", "-json"]).expect_success();
    let history = image.root_runs(&["docker", "history", "--no-trunc", &image.name]);
    assert!(!shown.stdout.contains(TOKEN) && !history.contains(TOKEN));
    let found = "grep -rlF build-secret-8c1f1 /tmp /root /home 2>/dev/null; true";
    assert_eq!(image.root_runs(&["sh", "-c", found]), "");
}

fn changed(image: &Image<'_>) {
    let more = format!("tags = [\"{}:more\"]", image.name);
    let reference = image.workspace.state(IT)["reference"].clone();
    // What is no part of the context changes nothing, and neither does a cache.
    image.workspace.write("app/x.log", "2");
    image.workspace.expect_no_changes();
    image.configure(&[ARGS, &secrets("1"), &more, "cache_to = [\"type=inline\"]"]);
    let change = image.workspace.expect_change(IT, &["update"]);
    assert_eq!(change.after["reference"], reference);

    // A changed file goes as far as into the container, in one apply.
    image.workspace.write("app/text", "two");
    let changes = image.workspace.changes();
    assert_eq!(changes[IT].actions, ["update"]);
    assert_eq!(changes["windlass_compose_stack.app"].actions, ["update"]);
    image.workspace.converge();
    assert_eq!(image.file_in_container(&image.host, "/app/text"), "two");
    // The image of before stays for who wants to go back; its tags are those of the new one.
    assert!(image.id_of(reference.as_str().unwrap()).is_some());

    // Another secret is another build; a name that is wanted no more goes.
    image.configure(&[ARGS, &secrets("12")]);
    image.workspace.expect_change(IT, &["update"]);
    image.workspace.converge_as_planned();
    assert_eq!(image.id_of(&format!("{}:more", image.name)), None);
}

fn changed_behind_our_back(image: &Image<'_>) {
    let busybox = image.lab.image("busybox").unwrap();
    image.root_runs(&["docker", "pull", "--quiet", busybox]);
    image.root_runs(&["docker", "tag", busybox, &image.name]);
    let change = image.workspace.expect_change(IT, &["update"]);
    assert_ne!(change.before["image_id"], image.workspace.state(IT)["image_id"]);
    image.workspace.apply_planned().expect_success();
    image.workspace.expect_no_changes();
    assert_eq!(image.id_of(&image.name).as_deref(), image.workspace.state(IT)["image_id"].as_str());

    image.root_runs(&["docker", "rmi", "--force", &image.name]);
    image.workspace.expect_change(IT, &["update"]);
    image.workspace.converge_as_planned();
    assert!(image.id_of(&image.name).is_some());
}
