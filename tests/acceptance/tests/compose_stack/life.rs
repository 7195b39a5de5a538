//! From the first plan to the end.

use acceptance_tests::{STACK, Stack};
use lab::{Lab, Variant};

fn write_sources(stack: &Stack<'_>) {
    stack.workspace.write("app/compose.yaml", &stack.compose_file("life.yaml", &[]));
    stack.workspace.write("app/site/index.html", "hello\n");
    stack.workspace.write("app/.env", "OWN=own\n");
}

fn configure(stack: &Stack<'_>, greeting: &str) {
    stack.configure(&format!(
        "source_dir = \"${{path.module}}/app\"\n  environment = {{ GREETING = \"{greeting}\" }}"
    ));
}

#[test]
fn a_stack_lives_and_dies() {
    let lab = Lab::current().unwrap();
    let host = lab.host(Variant::Deploy).unwrap();
    let mut stack = Stack::on(&lab, host);
    write_sources(&stack);
    configure(&stack, "one");

    let planned = stack.workspace.expect_change(STACK, &["create"]);
    assert_eq!(planned.after["services"]["web"]["status"], "healthy");
    assert_eq!(planned.after["services"]["prepare"]["status"], "completed");
    stack.workspace.converge_as_planned();
    let first = stack.containers();
    assert_eq!(first.keys().collect::<Vec<_>>(), ["prepare", "side", "web"]);
    let directory = stack.directory();
    assert_eq!(directory, format!("/home/deploy/windlass/{}", stack.name));
    assert_eq!(stack.root_runs(&["stat", "-c", "%U %a", &format!("{directory}/.env")]).trim(), "deploy 600");

    // Another value for one service changes this one only, in place.
    configure(&stack, "two");
    let planned = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(planned.before["services"]["web"], planned.after["services"]["web"]);
    assert_ne!(
        planned.before["services"]["side"]["environment_hash"],
        planned.after["services"]["side"]["environment_hash"]
    );
    stack.workspace.apply_planned().expect_success();
    let second = stack.containers();
    assert_ne!(first["side"], second["side"]);
    assert_eq!((&first["web"], &first["prepare"]), (&second["web"], &second["prepare"]));
    stack.workspace.expect_no_changes();

    // So does another content of a shipped file; a file that is no more goes from the host.
    stack.workspace.write("app/site/index.html", "changed\n");
    stack.workspace.write("app/site/more.html", "more\n");
    let planned = stack.workspace.expect_change(STACK, &["update"]);
    assert_ne!(
        planned.before["services"]["web"]["files_hash"],
        planned.after["services"]["web"]["files_hash"]
    );
    assert_eq!(planned.before["services"]["side"], planned.after["services"]["side"]);
    stack.workspace.apply_planned().expect_success();
    assert_ne!(second["web"], stack.containers()["web"]);
    assert!(stack.exists(&format!("{directory}/site/more.html")));
    std::fs::remove_file(stack.workspace.path().join("app/site/more.html")).unwrap();
    stack.workspace.apply().expect_success();
    assert!(!stack.exists(&format!("{directory}/site/more.html")));
    stack.workspace.expect_no_changes();

    // Another name is another project.
    let old = std::mem::replace(&mut stack.name, acceptance_tests::unique("test"));
    configure(&stack, "two");
    assert!(stack.workspace.expect_change(STACK, &["delete", "create"]).is_replace());
    stack.workspace.apply_planned().expect_success();
    assert!(!stack.exists(&directory), "the files of {old} are still there");
    stack.workspace.expect_no_changes();

    // What the stack's services wrote stays where it is, also when the stack goes.
    let directory = stack.directory();
    stack.shell(&format!("mkdir {directory}/data && echo kept > {directory}/data/file"));
    stack.workspace.expect_no_changes();
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
    assert_eq!(stack.root_runs(&["find", &directory, "-type", "f"]).trim(), format!("{directory}/data/file"));
    stack.workspace.destroy().expect_success();
}

#[test]
fn volumes_stay_unless_the_state_says_otherwise() {
    let lab = Lab::current().unwrap();
    let host = lab.host(Variant::Root).unwrap();
    let stack = Stack::on(&lab, host);
    let text = format!("{}    volumes: [\"data:/data\"]\nvolumes: {{ data: {{}} }}\n", stack.one_service());
    stack.workspace.write("compose.tpl.yaml", &text);
    let volume = format!("{}_data", stack.name);
    let volumes = || stack.root_runs(&["docker", "volume", "ls", "-q"]).lines().any(|line| line == volume);
    let config = "config = [file(\"${path.module}/compose.tpl.yaml\")]";

    stack.configure(config);
    stack.workspace.apply().expect_success();
    stack.workspace.destroy().expect_success();
    assert!(volumes(), "the volume is gone");

    stack.workspace.apply().expect_success();
    stack.configure(&format!("{config}\n  remove_volumes_on_destroy = true"));
    let before = stack.containers();
    let planned = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(planned.before["services"], planned.after["services"]);
    stack.workspace.apply_planned().expect_success();
    assert_eq!(stack.containers(), before);
    stack.workspace.destroy().expect_success();
    assert!(!volumes(), "the volume is still there");
}
