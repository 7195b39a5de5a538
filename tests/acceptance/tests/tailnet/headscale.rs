//! A Headscale on a host of ours: no key anywhere, its interface reached over SSH alone; one apply makes
//! the policy, a key, and lets the host join that the Headscale runs on.

use acceptance_tests::Workspace;
use lab::{Lab, Variant};
use tailnet_tests::{configuration, headscale_binary};

use crate::{Machine, workspace};

/// Where the container has its files, and the host those of the container.
const DIRECTORY: &str = "/etc/headscale";

/// Starts the program of the host, and waits until it lets itself be asked.
const ON_THE_HOST: &str = "setsid headscale serve </dev/null >/var/log/headscale.log 2>&1 &";

/// Starts it in a container that publishes no port.
const IN_A_CONTAINER: &str = "tar -C / -c usr/local/bin/headscale | docker import - headscale:test >/dev/null
    docker run --detach --name vpn --volume /etc/headscale:/etc/headscale headscale:test headscale serve >/dev/null";

fn wait_for(machine: &Machine<'_>, command: &str) {
    machine.shell(&format!(
        "count=0; until {command} users list >/dev/null 2>&1 || [ $count = 300 ]; do sleep 0.1; count=$((count + 1)); done; \
         {command} users create ops"
    ));
}

/// Runs `command` of Headscale, and gives what it prints as JSON.
#[track_caller]
fn asked(machine: &Machine<'_>, command: &str) -> serde_json::Value {
    serde_json::from_str(&machine.shell(&format!("{command} --output json"))).unwrap()
}

/// Everything in one apply, and nothing is left to do then.
fn everything(machine: &Machine<'_>, workspace: &Workspace, headscale: &str, login_server: &str) {
    let connection = machine.connection();
    workspace.write(
        "tailnet.tf",
        &format!(
            r#"
resource "windlass_tailnet_policy" "this" {{
  policy = jsonencode({{
    tagOwners = {{ "tag:prod" = ["ops@"] }}
    acls      = [{{ action = "accept", src = ["tag:prod"], dst = ["tag:prod:*"] }}]
  }})
}}

resource "windlass_tailnet_key" "cloud" {{
  tags       = ["tag:prod"]
  expiry     = "1h"
  depends_on = [windlass_tailnet_policy.this]
}}

resource "windlass_tailnet_member" "vpn" {{
  host         = {connection}
  login_server = "{login_server}"
  hostname     = "vpn"
  tags         = ["tag:prod"]
  accept_dns   = false
  depends_on   = [windlass_tailnet_policy.this]
}}

resource "windlass_tailnet_device" "vpn" {{
  hostname   = windlass_tailnet_member.vpn.hostname
  tags       = ["tag:prod"]
  depends_on = [windlass_tailnet_member.vpn]
}}
"#
        ),
    );
    workspace.converge();
    let nodes = asked(machine, &format!("{headscale} nodes list"));
    assert_eq!(nodes[0]["tags"], serde_json::json!(["tag:prod"]));
    let state = workspace.state("windlass_tailnet_device.vpn");
    assert_eq!(state["ipv4"], nodes[0]["ip_addresses"][0]);
    let key = workspace.state("windlass_tailnet_key.cloud");
    assert!(key["key"].as_str().unwrap().starts_with("hskey-auth-"), "{key}");

    // One key of the interface for each process that asks, and each is over with its process.
    let keys = asked(machine, &format!("{headscale} apikeys list"));
    let keys = keys.as_array().unwrap();
    assert_eq!(keys.len(), 3, "the plan and the apply of an apply, and a plan: {keys:?}");
    for key in keys {
        let (created, expires) = (&key["created_at"]["seconds"], &key["expiration"]["seconds"]);
        let lifetime = expires.as_i64().unwrap() - created.as_i64().unwrap();
        assert!(lifetime < 300, "it was not given back: {key}");
    }

    workspace.destroy().expect_success();
    assert_eq!(asked(machine, &format!("{headscale} nodes list")), serde_json::Value::Null);
    // The device may have gone before the host; its daemon calls itself stopped then.
    let prefs: serde_json::Value =
        serde_json::from_str(&machine.shell("/opt/tailscale/tailscale debug prefs")).unwrap();
    assert_eq!(prefs["LoggedOut"], true);
}

/// A host with Tailscale and Headscale's program and files; `listen` is where it shall.
fn machine<'a>(lab: &'a Lab, variant: Variant, listen: &str, url: &str) -> Machine<'a> {
    let machine = Machine::start(lab, variant);
    machine.write("/usr/local/bin/headscale", &std::fs::read(headscale_binary()).unwrap());
    machine.shell(&format!("chmod 755 /usr/local/bin/headscale; mkdir -p {DIRECTORY}"));
    for (name, text) in configuration(DIRECTORY, listen, url) {
        machine.write(&format!("{DIRECTORY}/{name}"), text.as_bytes());
    }
    machine
}

#[test]
fn a_program_on_a_host_that_is_reached_by_sudo_needs_no_key() {
    let lab = Lab::current().unwrap();
    let url = "http://127.0.0.1:8080";
    let machine = machine(&lab, Variant::Sudo, "127.0.0.1:8080", url);
    machine.shell(ON_THE_HOST);
    wait_for(&machine, "headscale");
    let workspace = workspace(&lab, &format!("control = \"headscale\"\n    host = {}", machine.connection()));
    everything(&machine, &workspace, "headscale", url);
}

#[test]
fn a_container_that_publishes_no_port_needs_no_key() {
    let lab = Lab::current().unwrap();
    let machine = machine(&lab, Variant::Root, "0.0.0.0:8080", "http://vpn.tailnet.example:8080");
    machine.shell(IN_A_CONTAINER);
    let headscale = "docker exec vpn headscale";
    wait_for(&machine, headscale);
    let address = machine.shell("docker inspect --format '{{.NetworkSettings.IPAddress}}' vpn");
    let workspace = workspace(
        &lab,
        &format!("control = \"headscale\"\n    host = {}\n    container = \"vpn\"", machine.connection()),
    );
    everything(&machine, &workspace, headscale, &format!("http://{}:8080", address.trim()));
}
