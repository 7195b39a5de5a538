//! `secrets_sops_file`: values of an encrypted file in the containers of a stack.

use acceptance_tests::{Keys, STACK, SecretHunt, Stack};
use lab::{Lab, Variant};

const TOKENS: [&str; 2] = ["token-Kq7$open{x}-one", "token-Zr9$open{x}-two"];

/// `app` has the token, `other` the name of a region, both from the file; `third` has neither.
fn compose(stack: &Stack<'_>) -> String {
    let with = |variable: &str| format!("    environment: {{ V: \"${{{variable}}}\" }}\n");
    [
        "services:\n".to_owned(),
        stack.service("app", &with("TOKEN")),
        stack.service("other", &with("REGION")),
        stack.service("third", ""),
    ]
    .concat()
}

fn plain(token: &str) -> String {
    format!("TOKEN: \"{token}\"\nREGION: eu-Wm3-north\n")
}

const FILE: &str = "secrets_sops_file = \"${path.module}/secrets.yaml\"";

#[test]
fn values_reach_containers_and_are_in_neither_plan_nor_state() {
    let lab = Lab::current().unwrap();
    let mut stack = Stack::on(&lab, lab.host(Variant::Deploy).unwrap());
    let keys = Keys::generate();
    let hunt = SecretHunt::new(&[TOKENS[0], TOKENS[1], "eu-Wm3-north", &keys.identity]);
    hunt.log_everything(&mut stack.workspace);
    keys.write(&stack.workspace, "secrets.yaml", &plain(TOKENS[0]));
    stack.configure_text_with(&compose(&stack), FILE);

    // A plan needs no key, and an apply without one says so before anything is done.
    hunt.in_run(&stack.workspace.plan().expect_success());
    hunt.in_run(&stack.workspace.run(&["show", "-json", "plan.bin"]).expect_success());
    let refused = stack.workspace.apply();
    refused.expect_error().says("no age identity").says("Nothing was changed.").at("secrets_sops_file");
    assert!(stack.containers().is_empty());

    stack.workspace.env("SOPS_AGE_KEY", &keys.identity);
    hunt.in_run(&stack.workspace.apply().expect_success());
    stack.workspace.expect_no_changes();
    assert_eq!(stack.variable("app", "V"), TOKENS[0]);
    assert_eq!(stack.variable("other", "V"), "eu-Wm3-north");
    let before = stack.containers();

    // Another file: the plan shows its hash, and what has the value of before stays.
    let hash = stack.workspace.state(STACK)["secrets_sops_hash"].clone();
    keys.write(&stack.workspace, "secrets.yaml", &plain(TOKENS[1]));
    let change = stack.workspace.expect_change(STACK, &["update"]);
    assert_eq!(change.before["secrets_sops_hash"], hash);
    assert_ne!(change.after["secrets_sops_hash"], hash);
    assert_eq!(change.before["services"]["third"], change.after["services"]["third"]);
    hunt.in_run(&stack.workspace.apply().expect_success());
    stack.workspace.expect_no_changes();
    assert_eq!(stack.variable("app", "V"), TOKENS[1]);
    let after = stack.containers();
    assert_ne!(before["app"], after["app"]);
    assert_eq!((&before["other"], &before["third"]), (&after["other"], &after["third"]));

    hunt.in_run(&stack.workspace.run(&["show", "-json"]).expect_success());
    hunt.in_workspace(&stack.workspace);
    stack.workspace.destroy().expect_success();
}

#[test]
fn mistakes_name_the_attribute() {
    let lab = Lab::current().unwrap();
    let mut stack = Stack::on(&lab, lab.host(Variant::Root).unwrap());
    let (keys, other) = (Keys::generate(), Keys::generate());
    let configure = |stack: &Stack<'_>, more: &str| {
        stack.configure_text_with(&compose(stack), &format!("{FILE}\n  {more}"));
    };
    configure(&stack, "");
    stack.workspace.plan().expect_error().says("cannot be read").at("secrets_sops_file");
    keys.write(&stack.workspace, "secrets.yaml", "TOKEN: {a: b}\n");
    stack.workspace.plan().expect_error().says("`TOKEN` in the file is a map").at("secrets_sops_file");
    keys.write(&stack.workspace, "secrets.yaml", "TOKEN: x\nREGION: y\nPATH: z\n");
    stack
        .workspace
        .plan()
        .expect_error()
        .says("PATH is what Compose itself runs with")
        .at("secrets_sops_file");
    keys.write(&stack.workspace, "secrets.yaml", &plain(TOKENS[0]));
    for (more, says) in [
        ("environment = { TOKEN = \"x\" }", "TOKEN is in `environment` as well"),
        (
            "secrets_wo = { REGION = \"x\" }\n  secrets_wo_version = \"1\"",
            "REGION is in `secrets_wo` as well",
        ),
    ] {
        configure(&stack, more);
        stack.workspace.plan().expect_error().says(says).says("Nothing was changed.").at("secrets_sops_file");
    }
    configure(&stack, "");
    stack.workspace.env("SOPS_AGE_KEY", &other.identity);
    stack
        .workspace
        .apply()
        .expect_error()
        .says(&stack.could_not("start"))
        .says(&format!("which is encrypted for {}", keys.recipient))
        .at("secrets_sops_file");
    assert!(stack.containers().is_empty());
}
