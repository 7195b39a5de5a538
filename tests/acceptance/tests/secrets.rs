//! Where secrets do not go, and where values do not come from.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{fs, process::Command};

use acceptance_tests::{Run, STACK, SecretHunt, Stack, hcl};
use lab::{Lab, Variant};

const TOKEN: [&str; 2] = ["token-Kq7-sesame-one", "token-Zr9-sesame-two"];
const CONTENT: [&str; 2] = ["content-Wm3-of-a-file-one", "content-Lp8-of-a-file-two"];
const FILE: [&str; 2] = ["secret-Xd2-of-the-stack-one", "secret-Jn6-of-the-stack-two"];
const PASSPHRASE: &str = "passphrase-Vb5-of-the-key";
/// Where containerd keeps what it gives to containers; old pages of it are not wiped.
const DAEMON: &str = "/var/lib/docker/containerd/daemon/io.containerd.metadata.v1.bolt/meta.db";
const MOTD: &str = "/home/deploy/secret-file";

/// Variables that come by the environment and are stored nowhere.
const VARIABLES: &str = r#"
variable "token" { ephemeral = true }
variable "content" { ephemeral = true }
variable "file" { ephemeral = true }
variable "private_key" { ephemeral = true }
variable "passphrase" { ephemeral = true }
variable "password" { ephemeral = true }
"#;

/// Gives the stack's host an encrypted key of its own and takes the lab's away; the private key.
fn own_key(stack: &Stack<'_>) -> String {
    let file = stack.workspace.home().join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-C", "", "-N", PASSPHRASE, "-f"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let public = fs::read(file.with_extension("pub")).unwrap();
    let private = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let output =
        stack.lab.exec_with_input(&stack.host, &["tee", "/home/deploy/.ssh/authorized_keys"], &public);
    assert!(output.unwrap().status.success());
    private
}

fn configure(stack: &Stack<'_>, version: &str, command: &str) {
    let registry = &stack.lab.state().private_registry;
    stack.workspace.write("variables.tf", VARIABLES);
    stack.workspace.write(
        "provider.tf",
        &format!(
            "provider \"windlass\" {{\n  ssh {{\n    private_key = var.private_key\n    passphrase = var.passphrase\n    agent = false\n  }}\n  {}\n}}\n",
            hcl::registry_block_with(stack.lab, "var.password")
        ),
    );
    stack.workspace.write(
        "file.tf",
        &format!(
            "resource \"windlass_file\" \"secret\" {{\n  host = {}\n  path = \"{MOTD}\"\n  mode = \"0600\"\n\
             \x20 content_wo = var.content\n  content_wo_version = \"{version}\"\n}}\n",
            hcl::quoted(&hcl::connection(&stack.host))
        ),
    );
    let image = stack.image("busybox").replace(&stack.lab.state().registry, &registry.address);
    let text = stack.compose_file("secrets.yaml", &[("IMAGE", &image), ("COMMAND", command)]);
    stack.configure_text_with(
        &text,
        &format!(
            "secrets_wo = {{ TOKEN = var.token }}\n  secrets_wo_version = \"{version}\"\n  \
         secret_files_wo = {{ \"private/file\" = var.file }}\n  secret_files_wo_version = \"{version}\""
        ),
    );
}

#[test]
fn no_secret_is_in_state_plan_log_arguments_labels_or_readable_files() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let mut stack = Stack::on(&lab, &host);
    let key = own_key(&stack);
    let password = lab.state().private_registry.password.as_str();
    let mut secrets = vec![PASSPHRASE, password, key.lines().nth(2).unwrap()];
    secrets.extend(TOKEN.iter().chain(&CONTENT).chain(&FILE));
    let hunt = SecretHunt::new(&secrets);
    hunt.log_everything(&mut stack.workspace);
    stack
        .workspace
        .env("TF_VAR_private_key", &key)
        .env("TF_VAR_passphrase", PASSPHRASE)
        .env("TF_VAR_password", password);
    let well = "[sleep, infinity]";
    let watch = hunt.watch_arguments();
    for (version, round) in [("1", 0), ("2", 1)] {
        stack.workspace.env("TF_VAR_token", TOKEN[round]).env("TF_VAR_content", CONTENT[round]);
        stack.workspace.env("TF_VAR_file", FILE[round]);
        configure(&stack, version, well);
        hunt.in_run(&stack.workspace.plan().expect_success());
        hunt.in_run(&stack.workspace.run(&["show", "-json", "plan.bin"]).expect_success());
        hunt.in_run(&stack.workspace.apply().expect_success());
        stack.workspace.expect_no_changes();
        hunt.in_run(&stack.workspace.run(&["show", "-json"]).expect_success());
    }
    let env = format!("{}/.env", stack.directory());
    let held = stack.root_runs(&["cat", &env]);
    assert!(held.contains(TOKEN[1]) && !held.contains(TOKEN[0]), "an old secret is still there");
    let file = format!("{}/private/file", stack.directory());
    assert_eq!(stack.root_runs(&["cat", &file]), FILE[1]);
    assert_eq!(stack.root_runs(&["stat", "-c", "%U %a", &env, MOTD, &file]), ["deploy 600"; 3].join("\n"));

    // A program that tells its secrets to its log: what is shown of it is scrubbed.
    configure(&stack, "2", "[sh, -c, \"echo using $$T at $$URL; cat /run/secrets/file; env; exit 1\"]");
    let run = stack.workspace.apply();
    run.expect_error().says("using [secret] at http://u:[secret]@db");
    hunt.in_run(&run);
    configure(&stack, "2", well);
    hunt.in_run(&stack.workspace.apply().expect_success());
    watch.finish();
    hunt.in_workspace(&stack.workspace);

    let ids = stack.root_runs(&["docker", "ps", "-aq", "--no-trunc"]);
    let labels: String = ids
        .lines()
        .map(|id| {
            stack.root_runs(&["docker", "inspect", "--format", "{{json .Config.Labels}} {{json .Name}}", id])
        })
        .collect();
    hunt.in_run(&Run { code: None, stdout: labels, stderr: String::new(), took: Default::default() });
    // The daemon keeps the environment that it gives to containers, for root alone.
    let app = stack.root_runs(&["docker", "ps", "-q", "--no-trunc", "--filter", "name=-app-1"]);
    let config = format!("/var/lib/docker/containers/{app}/config.v2.json");
    let task = format!("/run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby/{app}/config.json");
    // What a failed apply goes back to.
    let good = stack.shell(&format!("realpath {}/.windlass/good", stack.directory()));
    let kept = [format!("{good}/.env"), format!("{good}/private/file")];
    assert_eq!(stack.root_runs(&["stat", "-c", "%U %a", &kept[0], &kept[1]]), "deploy 600\ndeploy 600");
    hunt.on_host(&lab, &host, &[&env, MOTD, &file, &config, &task, DAEMON, &kept[0], &kept[1]]);

    stack.workspace.destroy().expect_success();
    hunt.in_workspace(&stack.workspace);
    hunt.on_host(&lab, &host, &[DAEMON]);
    assert!(stack.workspace.state(STACK).is_null());
}

#[test]
fn values_come_from_the_configuration_alone() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let mut stack = Stack::on(&lab, &host);
    stack.workspace.env("LEAK", "from the CLI").env("COMPOSE_PROFILES", "leaked");
    for file in [".bashrc", ".profile", ".bash_profile", ".ssh/environment"] {
        let line = format!(
            "printf '%s\\n' 'export LEAK=host COMPOSE_PROFILES=leaked' | cat - /home/deploy/{file} > /tmp/x; cat /tmp/x > /home/deploy/{file}"
        );
        stack.shell(&format!("touch /home/deploy/{file}; {line}"));
    }
    stack.shell(
        "printf 'LEAK=host\\nCOMPOSE_PROFILES=leaked\\n' | tee -a /etc/environment /home/deploy/.env /.env",
    );
    let login = stack.shell("su - deploy -c 'echo $LEAK'");
    assert_eq!(login, "host", "nothing could leak from the host");

    let text = stack.compose_file("values.yaml", &[]);
    stack.workspace.write("app/compose.yaml", &text);
    stack.workspace.write("app/.env", "OWN=own\n");
    let attributes = "source_dir = \"${path.module}/app\"\n  environment = { SET = \"set\" }";
    stack.configure(attributes);
    stack.workspace.converge();
    assert_eq!(stack.containers().keys().collect::<Vec<_>>(), ["app"]);
    let container = format!("{}-app-1", stack.name);
    let environment = stack.root_runs(&["docker", "exec", &container, "env"]);
    let mut values: Vec<&str> =
        environment.lines().filter(|line| line.starts_with(['A', 'B', 'C', 'L'])).collect();
    values.sort_unstable();
    assert_eq!(values, ["A=nothing", "B=set", "C=own"]);

    // What is only in the environment of either end is not defined.
    stack.workspace.write("app/compose.yaml", &text.replace("${LEAK:-nothing}", "${LEAK}"));
    stack.workspace.plan().expect_error().says("variables that have no value: LEAK");
}
