//! Compose files that refer to others, and ones with nothing in them.

use acceptance_tests::{STACK, Stack, is_full_run};
use lab::{Lab, Variant};

#[test]
fn includes_and_extensions_live_and_die() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Deploy).unwrap());
    let write = |include: &str, level: &str, image_label: &str| {
        let text = stack.compose_file("edge/alone.yaml", &[]);
        stack.workspace.write("app/compose.yaml", &format!("{include}{text}"));
        stack.workspace.write("app/.env", &format!("LEVEL={level}\n"));
        let base = stack.compose_file("edge/base.yaml", &[("LABELS", image_label)]);
        stack.workspace.write("app/common/base.yaml", &base);
    };
    stack.workspace.write("app/parts/cache/compose.yaml", &stack.compose_file("edge/cache.yaml", &[]));
    stack.workspace.write("app/parts/cache/.env", "SIZE=small\n");
    stack.workspace.write("app/common/base.env", "BASE=one\n");
    write(&stack.compose_file("edge/include.part.yaml", &[]), "info", "labels: { a: \"1\" }");
    stack.configure("source_dir = \"${path.module}/app\"");
    stack.workspace.converge();
    let first = stack.containers();
    assert_eq!(first.keys().collect::<Vec<_>>(), ["alone", "cache", "web"]);
    let set = |service: &str, name: &str| stack.variable(service, name);
    assert_eq!((set("web", "BASE"), set("web", "LEVEL")), ("one".to_owned(), "info".to_owned()));
    assert_eq!(set("cache", "SIZE"), "small");

    // What the extended service reads, and what the included file reads.
    stack.workspace.write("app/common/base.env", "BASE=two\n");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    for kept in ["cache", "alone"] {
        assert_eq!(change.before["services"][kept], change.after["services"][kept], "{kept}");
    }
    stack.workspace.apply().expect_success();
    let second = stack.containers();
    assert_ne!(second["web"], first["web"]);
    assert_eq!((&second["cache"], &second["alone"]), (&first["cache"], &first["alone"]));
    assert_eq!(set("web", "BASE"), "two");
    stack.workspace.write("app/parts/cache/.env", "SIZE=large\n");
    stack.workspace.apply().expect_success();
    let third = stack.containers();
    assert_eq!((&third["web"], &third["alone"]), (&second["web"], &second["alone"]));
    assert_eq!(set("cache", "SIZE"), "large");
    stack.workspace.expect_no_changes();

    // The include goes, and with it its services.
    write("", "info", "labels: { a: \"1\" }");
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert!(change.after["services"]["cache"].is_null());
    stack.workspace.apply_planned().expect_success();
    assert_eq!(stack.containers().keys().collect::<Vec<_>>(), ["alone", "web"]);
    stack.workspace.expect_no_changes();
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
}

#[test]
fn a_stack_without_services_is_one() {
    if !is_full_run() {
        return;
    }
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    stack.configure_text("services: {}\n");
    stack.workspace.apply().expect_success();
    assert_eq!(stack.workspace.state(STACK)["services"], serde_json::json!({}));
    stack.workspace.expect_no_changes();

    // Services come, and all of them go again.
    stack.configure_one_service();
    stack.workspace.apply().expect_success();
    assert_eq!(stack.containers().len(), 1);
    stack.configure_text("services: {}\n");
    stack.workspace.expect_change(STACK, &["update"]);
    stack.workspace.apply_planned().expect_success();
    assert!(stack.containers().is_empty());
    stack.workspace.expect_no_changes();
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
}

#[test]
fn files_that_compose_does_not_take_are_told() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    for (text, said) in
        [("# nothing\n", "empty compose file"), ("volumes:\n  data:\n  - x\n", "compose.yaml")]
    {
        stack.configure_text(text);
        stack
            .workspace
            .plan()
            .expect_error()
            .says("Could not plan compose stack")
            .says(said)
            .says("Nothing was changed.");
    }
}
