//! Import, and stacks that others have made.

use std::fs;

use acceptance_tests::{STACK, Stack, hcl};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use lab::{Host, Lab, Variant};
use serde_json::Value;

#[test]
fn an_own_stack_comes_back_by_import() {
    let lab = Lab::current().unwrap();
    let hosts = [Variant::Root, Variant::Sudo].map(|variant| lab.host(variant).unwrap());
    let mut stack = Stack::on(&lab, hosts[0]);
    stack.also_on(hosts[1]);
    let address = |host: &Host| format!("windlass_compose_stack.{}", host.variant.name());
    let block = |host: &Host| {
        let (label, connection) = (host.variant.name(), hcl::quoted(&hcl::connection(host)));
        let config = "config = [file(\"${path.module}/compose.tpl.yaml\")]";
        hcl::resource_block("windlass_compose_stack", label, &connection, &stack.name, config)
    };
    stack.workspace.write("stacks.tf", &hosts.map(block).concat());
    stack.workspace.write("compose.tpl.yaml", &stack.one_service());
    stack.workspace.apply().expect_success();
    let mut before = Vec::new();
    for host in hosts {
        stack.host = host.clone();
        before.push((stack.containers(), stack.workspace.state(&address(host))));
    }
    stack.workspace.run(&["state", "rm", &address(hosts[0]), &address(hosts[1])]).expect_success();
    for (host, (_, before)) in hosts.iter().zip(&before) {
        stack.host = (*host).clone();
        stack.workspace.import(&address(host), &stack.import_id()).expect_success();
        let state = stack.workspace.state(&address(host));
        for attribute in ["services", "source_hash", "directory", "id"] {
            assert_eq!(state[attribute], before[attribute], "{attribute} on {}", host.name);
        }
    }
    let changes = stack.workspace.changes();
    assert!(changes.values().all(|change| change.actions == ["update"]), "{changes:#?}");
    stack.workspace.converge_as_planned();
    for (host, (before, _)) in hosts.iter().zip(before) {
        stack.host = (*host).clone();
        assert_eq!(stack.containers(), before, "adopting it has replaced containers on {}", host.name);
    }
}

#[test]
fn a_stack_that_was_started_by_hand_is_adopted() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let directory = format!("/srv/{}", stack.name);
    let hand_made = stack.one_service().replace("  app:", "  app: &app").to_owned()
        + "  other:\n    <<: *app\n    command: [sleep, infinity]\n    environment: { A: \"1\" }\n";
    stack.root_runs(&["mkdir", &directory]);
    stack.write_on_host(&format!("{directory}/compose.yaml"), &hand_made);
    stack.shell(&format!("cd {directory} && docker compose up -d"));
    let before = stack.containers();

    // The same, but for one service.
    stack.workspace.write("compose.tpl.yaml", &hand_made.replace("A: \"1\"", "A: \"2\""));
    stack.configure("config = [file(\"${path.module}/compose.tpl.yaml\")]");
    stack.workspace.apply().expect_error().says("did not make").says("import").says(&stack.name);
    assert_eq!(stack.containers(), before, "a refused create has changed something");

    stack.workspace.import(STACK, &stack.import_id()).expect_success();
    assert_eq!(stack.workspace.state(STACK)["directory"], directory);
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(
        change.before["services"]["app"]["config_hash"],
        change.after["services"]["app"]["config_hash"]
    );
    stack.workspace.apply_planned().expect_success();
    let after = stack.containers();
    assert_eq!(after["app"], before["app"], "what did not differ was replaced");
    assert_ne!(after["other"], before["other"]);
    stack.workspace.expect_no_changes();
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
}

#[test]
fn what_is_not_there_cannot_be_imported() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    stack.configure_one_service();
    let run = stack.workspace.import(STACK, &stack.import_id());
    assert_ne!(run.code, Some(0));
    let run = stack.workspace.import(STACK, "ssh://nowhere");
    assert!(run.stderr.contains("<connection>|<name of the project>"), "{}", run.stderr);
}

/// Whoever has Compose's hash over a short secret can find the secret.
#[test]
fn an_import_tells_nothing_of_secrets() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let directory = format!("/srv/{}", stack.name);
    let secret = "  secret:\n    <<: *app\n    environment: { PIN: \"${PIN}\" }\n";
    let text = stack.one_service().replace("  app:", "  app: &app") + secret;
    stack.root_runs(&["mkdir", &directory]);
    stack.write_on_host(&format!("{directory}/compose.yaml"), &text);
    stack.write_on_host(&format!("{directory}/.env"), "PIN=1234\n");
    stack.shell(&format!("cd {directory} && docker compose up -d"));
    let labels = |service: &str| {
        let find = format!(
            "docker ps -q --filter label=com.docker.compose.service={service} --filter name={}-",
            stack.name
        );
        stack.shell(&format!(
            "docker inspect -f '{{{{index .Config.Labels \"com.docker.compose.config-hash\"}}}}' $({find})"
        ))
    };
    let hashes = ["app", "secret"].map(labels).map(|label| label.trim().to_owned());
    stack.workspace.write("compose.tpl.yaml", &text);
    stack.configure(
        "config = [file(\"${path.module}/compose.tpl.yaml\")]\n  secrets_wo = { PIN = \"1234\" }\n  \
         secrets_wo_version = \"1\"",
    );
    stack.workspace.import(STACK, &stack.import_id()).expect_success();
    let nothing_is_told = || {
        let state = fs::read_to_string(stack.workspace.path().join("terraform.tfstate")).unwrap();
        let parsed: Value = serde_json::from_str(&state).unwrap();
        let private = parsed["resources"][0]["instances"][0]["private"].as_str().unwrap();
        let private = String::from_utf8(BASE64_STANDARD.decode(private).unwrap()).unwrap();
        for (hash, text) in hashes.iter().flat_map(|hash| [(hash, &state), (hash, &private)]) {
            assert!(hash.len() == 64 && !text.contains(hash.as_str()), "{hash} is in {text}");
        }
    };
    nothing_is_told();
    let before = stack.containers();
    let change = stack.workspace.expect_change(STACK, &["update"]);
    let services = |side: &Value, service: &str, field: &str| side["services"][service][field].clone();
    for field in ["config_hash", "containers", "image_id", "status"] {
        let (was, will) = (services(&change.before, "app", field), services(&change.after, "app", field));
        assert_eq!(was, will, "{field}");
        assert!(!was.is_null(), "{field}");
    }
    stack.workspace.apply().expect_success();
    assert_eq!(stack.containers()["app"], before["app"], "what did not differ was replaced");
    stack.workspace.expect_no_changes();
    let key = stack.shell("stat -c %a ~/.windlass ~/.windlass/key");
    assert_eq!(key.split_whitespace().collect::<Vec<_>>(), ["700", "600"]);
}
