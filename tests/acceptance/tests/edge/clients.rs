//! Docker's client in places where not everybody looks.

use acceptance_tests::Stack;
use lab::{Lab, Variant};

/// What matters of the confinement of a snap: a client below /snap/bin alone, with a /tmp of its own.
const SNAP: &str = r#"mkdir -p /snap/bin /usr/lib/real-docker
mv /usr/bin/docker /usr/lib/real-docker/docker
cat >/snap/bin/docker <<'CLIENT'
#!/bin/sh
exec unshare --mount --propagation private sh -c \
    'mount -t tmpfs tmpfs /tmp && exec /usr/lib/real-docker/docker "$@"' docker "$@"
CLIENT
chmod 755 /snap/bin/docker"#;

/// As on NixOS: where only the `PATH` of the login leads.
const ELSEWHERE: &str = "rm -r /snap && mkdir -p /opt/elsewhere/bin && \
     mv /usr/lib/real-docker/docker /opt/elsewhere/bin/docker && \
     echo 'SetEnv PATH=/opt/elsewhere/bin:/usr/local/bin:/usr/bin:/bin' >/etc/ssh/sshd_config.d/path.conf";

#[test]
fn a_client_that_only_the_login_finds_or_that_has_a_tmp_of_its_own_will_do() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    let stack = Stack::on(&lab, &host);
    let app = stack.service("app", "    env_file: app.env\n    volumes: [\"./app.conf:/app.conf:ro\"]\n");
    stack.workspace.write("app/compose.yaml", &format!("services:\n{app}"));
    stack.workspace.write("app/app.env", "LEVEL=info\n");
    stack.workspace.write("app/app.conf", "one\n");
    stack.configure("source_dir = \"${path.module}/app\"");
    let runs = |client: &str| stack.shell(&format!("{client} exec {}-app-1 cat /app.conf", stack.name));

    stack.shell(SNAP);
    stack.workspace.converge();
    assert_eq!(runs("/snap/bin/docker"), "one");
    assert_eq!(stack.shell("ls /tmp"), "");

    stack.shell(ELSEWHERE);
    lab.restart_sshd(&host).unwrap();
    stack.workspace.expect_no_changes();
    stack.workspace.write("app/app.conf", "two\n");
    stack.workspace.converge();
    assert_eq!(runs("/opt/elsewhere/bin/docker"), "two");
    stack.workspace.destroy().expect_success();
    assert_eq!(stack.shell(&format!("/opt/elsewhere/bin/docker ps -aqf name={}-", stack.name)), "");
}
