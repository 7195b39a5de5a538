//! The tailnet part of `examples/systems/always-on`, with a Headscale: the default workspace writes the
//! policy, that of a drill joins and leaves; and the module that it stands on.

use acceptance_tests::{Workspace, copy_example, test_module};
use lab::{Lab, Variant};
use serde_json::{Value, json};
use tailnet_tests::HeadscaleServer;

use crate::Machine;

fn tags(server: &HeadscaleServer) -> Vec<(String, Value)> {
    let nodes = server.nodes().into_iter();
    let mut tags: Vec<_> =
        nodes.map(|node| (node["name"].as_str().unwrap().to_owned(), node["tags"].clone())).collect();
    tags.sort_by(|one, other| one.0.cmp(&other.0));
    tags
}

/// The machine that the workspace works on from now on. `tailnet.serve` needs Tailscale's own server.
fn choose(workspace: &Workspace, machine: &Machine<'_>) {
    let host = &machine.host;
    let variables = json!({
        "address": host.address, "host_key": host.host_key, "user": host.user,
        "private_key_file": host.private_key_file, "release": "none",
        "tailnet": {"admins": ["ops@"], "serve": false},
    });
    workspace.write("terraform.tfvars.json", &variables.to_string());
}

#[test]
fn a_drill_joins_and_leaves_without_the_policy() {
    let lab = Lab::current().unwrap();
    let server = HeadscaleServer::start_at(&lab.own_address().unwrap());
    let mut workspace = Workspace::for_test();
    copy_example("always-on", &workspace);
    workspace.env("HEADSCALE_ENDPOINT", server.url()).env("HEADSCALE_API_KEY", &server.api_key());
    workspace.env("TF_VAR_api_token", "token-of-the-api").env("TF_VAR_llm_api_key", "key-of-the-model");
    let [production, drill] = [(), ()].map(|()| Machine::start(&lab, Variant::Root));
    let apply = |workspace: &Workspace| {
        workspace.run(&["apply", "-input=false", "-auto-approve", "-target=module.tailnet"]).expect_success();
    };

    choose(&workspace, &production);
    apply(&workspace);
    assert_eq!(tags(&server), [("always-on".to_owned(), json!(["tag:prod"]))]);
    let policy = server.run(&["policy", "get"]);
    for tag in ["tag:prod", "tag:dr-drill", "tag:gha-deployer"] {
        assert!(policy["tagOwners"][tag].is_array(), "{policy}");
    }

    // Somebody forgets the deployer: refused when it is planned.
    let path = "modules/tailnet/main.tf";
    let text = std::fs::read_to_string(workspace.path().join(path)).unwrap();
    let without = text.replace("for tag in local.deployer : { action", "for tag in [] : { action");
    assert_ne!(text, without);
    workspace.write(path, &without);
    let run = workspace.run(&["plan", "-input=false", "-json", "-target=module.tailnet"]);
    run.expect_error().says("tag:gha-deployer");
    workspace.write(path, &text);

    // A drill is a workspace of its own, on a machine of its own.
    workspace.run(&["workspace", "new", "drill"]).expect_success();
    workspace.env("TF_VAR_workspace", "drill");
    choose(&workspace, &drill);
    apply(&workspace);
    let both = [
        ("always-on".to_owned(), json!(["tag:prod"])),
        ("always-on-drill".to_owned(), json!(["tag:dr-drill"])),
    ];
    assert_eq!(tags(&server), both);
    let destroy = ["destroy", "-input=false", "-auto-approve", "-target=module.tailnet"];
    workspace.run(&destroy).expect_success();
    assert_eq!(tags(&server), both[..1]);
    assert_eq!(drill.status()["BackendState"], "NeedsLogin");
    assert_eq!(server.run(&["policy", "get"]), policy, "the policy is another workspace's");
}

#[test]
fn the_module_keeps_what_its_own_tests_say() {
    test_module("tailnet");
}
