//! Life beside Windlass: what a person types in the stack's directory.

use acceptance_tests::Stack;
use lab::{Lab, Variant};

#[test]
fn plain_docker_compose_sees_the_same_project() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let file = |name: &str| stack.compose_file(&format!("beside/{name}"), &[]);
    stack.workspace.write("app/deploy/compose.yaml", &file("compose.yaml"));
    stack.workspace.write("app/more.yaml", &file("more.yaml"));
    stack.workspace.write("app/deploy/more.env", "MORE=more\n");
    stack.workspace.write("app/deploy/conf/x", "x\n");
    stack.workspace.write("app/deploy/.env", "OWN='own ${A}'\n");
    stack.configure(
        "source_dir = \"${path.module}/app\"\n  files = [\"deploy/compose.yaml\", \"more.yaml\"]\n  profiles = [\"extra\"]\n\
         \x20 environment = { A = \"it's $5 \\\"now\\\"\" }\n  secrets_wo = { TOKEN = \"p$w'x\\\\\" }\n  secrets_wo_version = \"1\"",
    );
    stack.workspace.converge();
    let containers = stack.containers();
    assert_eq!(containers.keys().collect::<Vec<_>>(), ["app", "extra"]);
    let set = |name: &str| stack.variable("app", name);
    assert_eq!((set("A").as_str(), set("T").as_str()), ("it's $5 \"now\"", "p$w'x\\"));
    assert_eq!((set("O").as_str(), set("MORE").as_str()), ("own ${A}", "more"));

    let directory = format!("{}/deploy", stack.directory());
    let typed = |line: &str| stack.shell(&format!("cd {directory} && docker compose {line}"));
    let listed = typed("ps -q --no-trunc");
    for id in containers.values().flatten() {
        assert!(listed.contains(id.as_str()), "{id} is not in {listed}");
    }
    typed("up -d");
    assert_eq!(stack.containers(), containers, "a plain `up` has replaced containers");
    typed("restart app");
    stack.workspace.expect_no_changes();
}
