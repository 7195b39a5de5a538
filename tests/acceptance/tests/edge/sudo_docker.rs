//! A host whose user may run docker by sudo, and nothing else.

use acceptance_tests::{STACK, Stack, hcl};
use lab::{Lab, Variant};

/// The line of sudoers that is all there is.
const LINE: &str = "admin ALL=(root) NOPASSWD: /usr/bin/docker";

/// A host with one stack of one service and a file, and the directory that they come from.
fn stack_on<'l>(lab: &'l Lab, host: &'l lab::Host) -> (Stack<'l>, std::path::PathBuf) {
    let stack = Stack::on(lab, host);
    let dir = stack.workspace.path().join("app");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("app.conf"), "one").unwrap();
    let app = stack
        .service("app", "    volumes: [\"./app.conf:/app.conf:ro\"]\n    environment: { WORD: \"$WORD\" }\n");
    std::fs::write(dir.join("compose.yaml"), format!("services:\n{app}")).unwrap();
    (stack, dir)
}

#[test]
fn a_stack_lives_where_sudo_runs_docker_alone() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::SudoDocker).unwrap();
    let (stack, dir) = stack_on(&lab, &host);
    let source = format!(
        "source_dir = {}\n  secrets_wo = {{ WORD = \"hunter2\" }}\n  secrets_wo_version = \"1\"",
        hcl::quoted(dir.to_str().unwrap())
    );
    stack.workspace.write("host.tf", &hcl::host_block("new", &host, ""));
    stack.configure(&source);
    stack.workspace.converge();
    assert_eq!(stack.workspace.state("windlass_host.new")["sudo"], "docker");
    let connection = stack.workspace.state("windlass_host.new")["connection"].clone();
    assert!(connection.as_str().unwrap().ends_with("&sudo=docker"), "{connection}");
    let container = format!("{}-app-1", stack.name);
    let shown = |words: &[&str]| stack.root_runs(&[&["docker", "exec", &container], words].concat());
    assert_eq!(shown(&["cat", "/app.conf"]), "one");
    assert_eq!(shown(&["sh", "-c", "echo $WORD"]).trim(), "hunter2");
    // Files are the login's own.
    assert_eq!(stack.shell(&format!("stat -c %U {0} {0}/.env", stack.directory())).trim(), "admin\nadmin");

    std::fs::write(dir.join("app.conf"), "two").unwrap();
    stack.workspace.expect_change(STACK, &["update"]);
    stack.workspace.converge();
    assert_eq!(shown(&["cat", "/app.conf"]), "two");

    // An apply that fails goes back, by the same means.
    let text = std::fs::read_to_string(dir.join("compose.yaml")).unwrap();
    std::fs::write(dir.join("compose.yaml"), text.replace("[sleep, infinity]", "[\"false\"]")).unwrap();
    stack.workspace.apply().expect_error();
    assert_eq!(shown(&["cat", "/app.conf"]), "two");
    std::fs::write(dir.join("compose.yaml"), &text).unwrap();

    // What sudo does not pass on is not taken for something else.
    std::fs::write(dir.join("compose.yaml"), text.replace("./app.conf", "${PWD}/app.conf")).unwrap();
    let error = stack.workspace.plan().expect_error();
    assert!(error.detail.contains("passes neither `PWD` nor"), "{error:?}");
    std::fs::write(dir.join("compose.yaml"), &text).unwrap();
    stack.workspace.converge();

    let directory = stack.directory();
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
    assert!(!stack.exists(&directory));
    assert_eq!(stack.shell("ls -A /home/admin | grep -v -e ^[.] -e ^windlass$ || true").trim(), "");
}

#[test]
fn what_sudo_refuses_there_is_told_with_the_line_or_the_attribute() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::SudoDocker).unwrap();
    let (stack, dir) = stack_on(&lab, &host);
    let source =
        format!("source_dir = {}\n  environment = {{ WORD = \"a\" }}", hcl::quoted(dir.to_str().unwrap()));
    stack.configure(&source);
    stack.root_runs(&["sh", "-c", "mv /etc/sudoers.d/lab /root/lab.sudoers"]);
    let error = stack.workspace.plan().expect_error();
    assert!(error.detail.contains(&format!("\n{LINE}\n")), "{error:?}");
    assert!(error.detail.contains("sudo did not run \"docker\""), "{error:?}");
    stack.root_runs(&[
        "sh",
        "-c",
        &format!("echo '{LINE}' >/etc/sudoers.d/lab; chmod 440 /etc/sudoers.d/lab"),
    ]);
    stack.workspace.converge();

    let file = |attributes: &str| {
        format!(
            "resource \"windlass_file\" \"f\" {{\n  host = {}\n  content = \"x\"\n  {attributes}\n}}\n",
            stack.connection()
        )
    };
    stack.workspace.write("file.tf", &file("path = \"/home/admin/f\"\n  owner = \"daemon\""));
    let error = stack.workspace.apply().expect_error();
    assert!(error.detail.contains("Take `owner` and `group` out"), "{error:?}");
    stack.workspace.write("file.tf", &file("path = \"/etc/f\""));
    let error = stack.workspace.apply().expect_error();
    assert!(error.detail.contains("`sudo = true`"), "{error:?}");
    stack.workspace.write("file.tf", &file("path = \"/home/admin/f\""));
    stack.workspace.converge();
    assert_eq!(stack.shell("stat -c %U /home/admin/f").trim(), "admin");
    stack.workspace.destroy().expect_success();
}
