//! Files that are newer than the host's Compose.

use acceptance_tests::{CurrentCompose, STACK, Stack};
use lab::{Lab, Variant};

#[test]
fn keys_that_the_hosts_compose_is_too_old_for_are_told() {
    let lab = Lab::current().unwrap();
    let stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let version = stack.root_runs(&["docker", "compose", "version", "--short"]);
    let version = version.trim().split('-').next().unwrap();
    assert!(version.starts_with("2.26."), "the test is about the Compose of Debian 13, not {version}");
    let hook = "    post_start:\n      - command: [touch, /hooked]\n    develop:\n      watch: [{ path: ., action: rebuild }]\n";
    let text = |more: &str| format!("services:\n{}", stack.service("app", more));
    stack.configure_text(&text(hook));
    let plan = stack.workspace.plan().expect_success();
    let warning = plan.expect_warning("is too old for parts of");
    warning.says("service app: `post_start` needs Docker Compose 2.30.0 or newer").says(version);
    assert!(!warning.detail.contains("develop"), "{}", warning.detail);
    stack.workspace.apply_planned().expect_success();
    stack.workspace.expect_no_changes();
    // It refuses others, and does not say that they are new.
    stack.configure_text("services:\n  app:\n    provider: { type: awesomecloud }\n");
    let refused = stack.workspace.plan().expect_error();
    refused.says("provider").says("needs 2.36.0 or newer").says(version);
    stack.configure_text(&text(""));
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_ne!(
        change.before["services"]["app"]["config_hash"],
        change.after["services"]["app"]["config_hash"]
    );
}

/// A program as Compose calls it for a service with `provider`: it tells where what it provides is.
const PROGRAM: &str = r#"#!/bin/sh
echo "$*" >>/run/awesomecloud
case "$*" in *" up "*) echo '{"type": "setenv", "message": "URL=https://provided"}' ;; esac
"#;

/// With a current Compose: that of Debian 13 refuses `provider`.
#[test]
fn what_a_program_provides_for_a_service_has_no_containers() {
    let Some(compose) = CurrentCompose::of_run() else { return };
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Root).unwrap();
    compose.install(&lab, &host);
    let stack = Stack::on(&lab, &host);
    stack.write_on_host("/usr/local/bin/awesomecloud", PROGRAM);
    stack.root_runs(&["chmod", "755", "/usr/local/bin/awesomecloud"]);
    let text = |size: &str| {
        let app = stack.service("app", "    depends_on: [db]\n");
        format!(
            "services:\n{app}  db:\n    provider: {{ type: awesomecloud, options: {{ size: {size} }} }}\n"
        )
    };
    stack.configure_text(&text("small"));
    let planned = stack.workspace.expect_change(STACK, &["create"]);
    assert_eq!(planned.after["services"]["db"]["status"], "idle");
    stack.workspace.apply_planned().expect_success();
    let db = &stack.workspace.state(STACK)["services"]["db"];
    assert_eq!((db["image"].is_null(), db["replicas"].as_u64()), (true, Some(0)), "{db}");
    assert_eq!(stack.variable("app", "DB_URL"), "https://provided");
    stack.workspace.expect_no_changes();
    let before = stack.containers();
    assert_eq!(before.keys().collect::<Vec<_>>(), ["app"]);
    stack.configure_text(&text("large"));
    // Compose decides what to replace before the program tells the variables that containers have.
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.unknown["services"]["app"]["containers"], true);
    stack.workspace.apply_planned().expect_success();
    assert!(stack.root_runs(&["tail", "-n", "1", "/run/awesomecloud"]).contains("--size=large"));
    assert_ne!(stack.containers()["app"], before["app"]);
    stack.workspace.expect_no_changes();
    stack.workspace.destroy().expect_success();
    stack.expect_gone();
}
