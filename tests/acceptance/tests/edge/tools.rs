//! Hosts whose programs are not those of the GNU project.

use acceptance_tests::{STACK, Stack, hcl};
use lab::{Lab, Variant};

/// What else is on the host: a directory, a file in it, and a command.
fn others(stack: &Stack<'_>, content: &str) -> String {
    let (host, name) = (stack.connection(), &stack.name);
    format!(
        r#"
resource "windlass_directory" "d" {{
  host      = {host}
  path      = "/srv/{name}-d"
  mode      = "0750"
  on_destroy = "delete"
}}

resource "windlass_file" "f" {{
  host    = {host}
  path    = "${{windlass_directory.d.path}}/note"
  content = {}
  mode    = "0640"
  owner   = "daemon"
}}

resource "windlass_command" "c" {{
  host              = {host}
  working_directory = windlass_directory.d.path
  environment       = {{ WORD = "a b" }}
  create            = ["sh", "-c", "printf %s \"$WORD\"; pwd"]
}}

data "windlass_host" "h" {{
  host = {host}
}}

output "facts" {{
  value = [data.windlass_host.h.cpus > 0, data.windlass_host.h.memory_bytes > 0, data.windlass_host.h.docker_gid]
}}
"#,
        hcl::quoted(content)
    )
}

/// A stack with files, beside all else that there is: made, changed twice, and gone without a trace.
#[track_caller]
fn lives_on(variant: Variant) {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(variant).unwrap();
    let stack = Stack::on(&lab, &host);
    let dir = stack.workspace.path().join("app");
    std::fs::create_dir_all(dir.join("conf d")).unwrap();
    let app = stack.service("app", "    volumes: [\"./conf d/app.conf:/app.conf:ro\"]\n");
    std::fs::write(dir.join("compose.yaml"), format!("services:\n{app}")).unwrap();
    stack.configure(&format!("source_dir = {}", hcl::quoted(dir.to_str().unwrap())));
    let good = || stack.shell(&format!("readlink {}/.windlass/good", stack.directory()));
    let mut kept = String::new();
    for (round, level) in ["one", "two", "three"].into_iter().enumerate() {
        std::fs::write(dir.join("conf d/app.conf"), level).unwrap();
        stack.workspace.write("others.tf", &others(&stack, level));
        let applied = stack.workspace.apply().expect_success();
        // The CLI's own, about the provider that it is told to use.
        assert_eq!(applied.diagnostics().len(), 1, "{}", applied.stdout);
        let container = format!("{}-app-1", stack.name);
        assert_eq!(stack.root_runs(&["docker", "exec", &container, "cat", "/app.conf"]), level);
        assert_eq!(stack.shell(&format!("cat /srv/{}-d/note", stack.name)), level);
        assert_ne!(good(), kept, "round {round}: what was good is kept");
        kept = good();
    }
    stack.workspace.expect_no_changes();
    let facts = stack.workspace.run(&["output", "-json", "facts"]).expect_success().stdout;
    let gid = stack.shell("stat -c %g /run/docker.sock");
    assert_eq!(facts.split_whitespace().collect::<String>(), format!("[true,true,{}]", gid.trim()));
    assert_eq!(stack.workspace.state("windlass_command.c")["output"], format!("a b/srv/{}-d", stack.name));

    // What an apply has broken comes back from what is kept.
    std::fs::write(dir.join("conf d/app.conf"), "four").unwrap();
    let broken = app.replace("[sleep, infinity]", "[\"false\"]");
    std::fs::write(dir.join("compose.yaml"), format!("services:\n{broken}")).unwrap();
    stack.workspace.apply().expect_error();
    let container = format!("{}-app-1", stack.name);
    assert_eq!(stack.root_runs(&["docker", "exec", &container, "cat", "/app.conf"]), "three");

    let directory = stack.directory();
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
    assert!(!stack.exists(&directory) && !stack.exists(&format!("/srv/{}-d", stack.name)));
    assert!(stack.workspace.state(STACK).is_null());
}

#[test]
fn everything_lives_on_a_host_with_busybox() {
    lives_on(Variant::Busybox);
}

#[test]
fn everything_lives_on_a_host_with_the_rust_coreutils_and_sudo() {
    lives_on(Variant::Uutils);
}
