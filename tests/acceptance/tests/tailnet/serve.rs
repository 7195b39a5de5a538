//! `windlass_tailscale_serve` over SSH, where the login may look at the daemon and not give it orders.

use lab::{Lab, Variant};
use tailnet_tests::{HeadscaleServer, TailscaleServer};

use crate::{Machine, workspace};

const SERVE: &str = "windlass_tailscale_serve.web";

#[test]
fn a_host_serves_by_sudo() {
    let lab = Lab::current().unwrap();
    let headscale = HeadscaleServer::start_at(&lab.own_address().unwrap());
    let machine = Machine::start(&lab, Variant::Sudo);
    let key = headscale.run(&["preauthkeys", "create", "--user", "1", "--expiration", "1h"]);
    machine.shell(&format!(
        "tailscale up --login-server={} --auth-key={} --hostname=web --accept-dns=false --timeout=60s",
        headscale.url(),
        key["key"].as_str().unwrap()
    ));
    let tailscale = TailscaleServer::start();
    let workspace = workspace(
        &lab,
        &format!("base_url = {:?}\n    api_key = {:?}", tailscale.url(), TailscaleServer::API_KEY),
    );
    let configure = |target: &str| {
        workspace.write(
            "serve.tf",
            &format!(
                "resource \"windlass_tailscale_serve\" \"web\" {{\n  host = {}\n  handler {{\n    listen = 80\n    \
                 protocol = \"http\"\n    target = \"{target}\"\n  }}\n}}\n",
                machine.connection()
            ),
        );
    };
    let served = || -> serde_json::Value {
        serde_json::from_str(&machine.shell("tailscale serve status --json")).unwrap()
    };
    configure("text:one");
    workspace.expect_change(SERVE, &["create"]);
    workspace.converge();
    assert_eq!(workspace.state(SERVE)["urls"], serde_json::json!(["http://web.tailnet.test/"]));
    configure("text:two");
    workspace.expect_change(SERVE, &["update"]);
    workspace.converge();
    assert_eq!(served()["Web"]["web.tailnet.test:80"]["Handlers"]["/"]["Text"], "two");

    // Somebody clears it; it is set up again.
    machine.shell("tailscale serve reset");
    workspace.expect_change(SERVE, &["create"]);
    workspace.converge();
    workspace.destroy().expect_success();
    assert!(served().as_object().is_none_or(|map| map.is_empty()));
}
