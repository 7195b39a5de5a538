//! What is shipped, and what becomes of shipped files that others write to or close.

use acceptance_tests::{STACK, Stack};
use lab::{Lab, Variant};

/// Writes `compose.yaml` with one service to `folder` of the workspace.
fn write_service(stack: &Stack<'_>, folder: &str, more: &str) {
    let text = format!("services:\n{}", stack.service("app", more));
    stack.workspace.write(&format!("{folder}compose.yaml"), &text);
}

#[test]
fn the_directory_of_the_configuration_itself_can_be_shipped() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let workspace = &stack.workspace;
    write_service(&stack, "", "    volumes: [./site:/site:ro]\n");
    workspace.write("site/index.html", "hello");
    workspace.write(".terraform/providers/plugin", &"x".repeat(2_000_000));
    workspace.write("prod.auto.tfvars", "");
    // Of these tests, not of the configuration.
    workspace.write(".windlassignore", "/home\n/dev.tfrc\n");
    stack.configure("source_dir = path.module");

    // The state is made, and the plan is written to this very directory.
    workspace.run(&["plan", "-json", "-out=p"]).expect_success();
    workspace.run(&["apply", "-json", "p"]).expect_success();
    workspace.expect_no_changes();
    let list = format!("cd {} && find . -type f ! -path './.windlass/*' | sort", stack.directory());
    let there = stack.shell(&list);
    assert_eq!(
        there.split_whitespace().collect::<Vec<_>>(),
        ["./.env", "./compose.yaml", "./site/index.html"]
    );
    workspace.destroy().expect_success();
    stack.expect_gone();
}

#[test]
fn what_the_product_writes_is_named_and_kept_or_is_its_own() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let configure = |more: &str| stack.configure(&format!("source_dir = \"${{path.module}}/web\"\n  {more}"));
    write_service(&stack, "web/", "    environment: { LEVEL: \"${LEVEL}\" }\n    volumes: [./acme:/acme]\n");
    stack.workspace.write("web/acme/acme.json", "{}");
    configure("environment = { LEVEL = \"info\" }");
    stack.workspace.apply().expect_success();
    let directory = stack.directory();
    let file = format!("{directory}/acme/acme.json");
    let read = |path: &str| stack.root_runs(&["cat", path]);

    stack.write_on_host(&file, "certificate-1");
    stack.workspace.plan().expect_warning("were changed on the host").says("acme/acme.json");
    configure("environment = { LEVEL = \"debug\" }");
    stack.workspace.apply().expect_success().expect_warning("Overwrote files").says("acme/acme.json");
    assert_eq!(read(&file), "{}");
    let kept = stack.shell(&format!("cat {directory}/.windlass/replaced/*/acme/acme.json"));
    assert_eq!(kept, "certificate-1");

    // From here on it is the host's, whatever it held when it became so.
    stack.write_on_host(&file, "certificate-2");
    configure("environment = { LEVEL = \"debug\" }\n  seed_files = [\"acme/\"]");
    stack.workspace.apply().expect_success();
    stack.write_on_host(&file, "certificate-3");
    stack.workspace.expect_no_changes();
    configure("environment = { LEVEL = \"info\" }\n  seed_files = [\"acme/\"]");
    stack.workspace.apply().expect_success();
    assert_eq!(read(&file), "certificate-3");
    // One that is gone comes again.
    stack.root_runs(&["rm", &file]);
    stack.workspace.expect_change(STACK, &["update"]);
    stack.workspace.converge_as_planned();
    assert_eq!(read(&file), "{}");
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
    assert_eq!(read(&file), "{}");
    assert!(!stack.exists(&format!("{directory}/.windlass")));
}

#[test]
fn a_directory_that_a_container_has_closed_hinders_nothing() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Deploy).unwrap());
    let configure = |level: &str| {
        let more = format!("environment = {{ LEVEL = \"{level}\" }}");
        stack.configure(&format!("source_dir = \"${{path.module}}/web\"\n  {more}"));
    };
    let image = stack.image("busybox");
    let text = format!(
        "services:\n  db:\n    image: {image}\n    stop_grace_period: 0s\n    environment: {{ LEVEL: \"${{LEVEL}}\" }}\n    \
         volumes: [./data:/data]\n    command: [sh, -c, \"chown 999:999 /data && chmod 700 /data && echo row > \
         /data/table && exec sleep 86400\"]\n"
    );
    stack.workspace.write("web/compose.yaml", &text);
    stack.workspace.write("web/data/.gitkeep", "");
    configure("info");
    stack.workspace.apply().expect_success();
    stack.workspace.expect_no_changes();
    stack.workspace.plan().expect_warning("may not be read").says("data/.gitkeep");
    let before = stack.containers();

    configure("debug");
    stack.workspace.apply().expect_success();
    assert_ne!(stack.containers(), before);
    stack.workspace.expect_no_changes();
    let directory = stack.directory();
    assert!(stack.exists(&format!("{directory}/.windlass/good/compose.yaml")));

    let left = stack.workspace.destroy().expect_success();
    left.expect_warning("Left files of compose stack").says("data/.gitkeep");
    stack.expect_gone();
    assert_eq!(stack.root_runs(&["cat", &format!("{directory}/data/table")]).trim(), "row");
    assert!(!stack.exists(&format!("{directory}/.windlass")) && !stack.exists(&format!("{directory}/.env")));
}
