//! What a tailnet costs: a large policy, many machines, and a host that joins.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, ensure};
use protocol_tests::{CAPABILITIES, Launch, Mode, Resource, Session, Stored, failed, values};
use serde_json::json;
use tailnet_tests::{Fault, HeadscaleServer, TailscaleServer, tailscale_binary};
use tfvalue::Value;

use crate::{Bench, samples::Samples, table::Row};

const ROUNDS: usize = 7;
const RULES: usize = 5_000;
const BYTES: usize = 1 << 20;
const DEVICES: usize = 1_000;

/// What starts the daemon of a host that has none.
const DAEMON: &str = "chmod 755 /usr/local/bin/tailscaled; ln -sf tailscaled /usr/local/bin/tailscale; mkdir -p /var/run/tailscale
setsid tailscaled --tun=userspace-networking --port=0 --no-logs-no-support --statedir=/var/lib/tailscale \
</dev/null >/var/log/tailscaled.log 2>&1 &
count=0; until [ -S /var/run/tailscale/tailscaled.sock ] || [ $count = 300 ]; do sleep 0.1; count=$((count + 1)); done
[ -S /var/run/tailscale/tailscaled.sock ]";

pub(crate) async fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    // What these servers do is not to be measured: they answer from memory.
    let server = TailscaleServer::start();
    let block = [("base_url", Value::from(server.url())), ("api_key", TailscaleServer::API_KEY.into())];
    let session = provider(bench, &block).await?;
    let text = large_policy();
    ensure!(text.len().abs_diff(BYTES) < BYTES / 100, "the policy has {} bytes", text.len());
    rows.push(policy(&session, &server, &text, "a policy of 1 MB").await?);
    // As `jsonencode` writes one, where every rule stands far from the beginning of its line.
    let line: Vec<&str> = text.lines().map(|line| line.split(" //").next().unwrap_or_default()).collect();
    rows.push(policy(&session, &server, &line.concat(), "a policy in one line").await?);
    rows.push(devices(&session, &server).await?);
    session.into_core().shutdown().await?;
    rows.push(join(bench).await?);
    Ok(rows)
}

/// A provider that knows a tailnet by this block.
async fn provider(bench: &Bench, block: &[(&str, Value)]) -> Result<Session> {
    let mut launch = Launch::new(&bench.provider, Mode::Tls)?;
    for (name, value) in bench.place.environment() {
        launch = launch.env(name, value);
    }
    let session = Session::open(launch.start().await?).await?;
    let shape = session.provider()?;
    let nested = shape.block.block_types.iter().find(|nested| nested.type_name == "tailnet");
    let nested = nested.and_then(|nested| nested.block.as_ref()).context("there is no block tailnet")?;
    let block = values::config(nested, block.iter().cloned())?;
    let config = shape.config([("tailnet", Value::list_of([block]))])?;
    let problems = session.configure(shape.encode(&config)?).await?;
    ensure!(!failed(&problems), "Configure failed: {problems:?}");
    Ok(session)
}

/// A policy of so many rules and bytes.
fn large_policy() -> String {
    let mut text = String::from("{\n\"tagOwners\": {\"tag:prod\": [\"ana@example.org\"]},\n\"acls\": [\n");
    let length = (BYTES - text.len()) / RULES;
    for number in 0..RULES {
        let rule = format!(
            "{{\"action\": \"accept\", \"src\": [\"10.{}.{}.0/24\"], \"dst\": [\"tag:prod:{}\"]}},",
            number / 250,
            number % 250,
            1 + number
        );
        let _ = writeln!(text, "{rule} //{}", "x".repeat(length.saturating_sub(rule.len() + 4)));
    }
    text + "]}\n"
}

async fn policy(session: &Session, server: &TailscaleServer, text: &str, what: &str) -> Result<Row> {
    let resource = session.resource("windlass_tailnet_policy")?;
    let config = resource.config([("policy", Value::from(text))])?;
    let mut samples = Samples::default();
    for _ in 0..ROUNDS {
        server.fault("POST /api/v2/tailnet/-/acl/validate", Fault::Body(200, "{}".to_owned()));
        let planned = samples
            .of(async {
                let problems = resource.validate(&config, CAPABILITIES).await?;
                ensure!(!failed(&problems), "validate failed: {problems:?}");
                resource.plan(&Stored::default(), &config).await
            })
            .await?;
        ensure!(!failed(&planned.problems), "plan failed: {:?}", planned.problems);
    }
    Ok(Row::median(format!("validate and plan {what} and {RULES} rules"), &samples, "ms")?.limit(300.0))
}

async fn devices(session: &Session, server: &TailscaleServer) -> Result<Row> {
    for number in 0..DEVICES {
        let (second, first) = (number / 250, 1 + number % 250);
        server.add_device(json!({
            "id": format!("{number}"), "nodeId": format!("n{number}"), "name": format!("web-{number}.tail.ts.net"),
            "hostname": format!("web-{number}"), "addresses": [format!("100.64.{second}.{first}"), format!("fd7a:115c:a1e0::{number:x}")],
            "tags": ["tag:prod"], "authorized": true, "connectedToControl": true, "os": "linux", "isEphemeral": false,
            "created": "2026-11-01T00:00:00Z", "lastSeen": null, "expires": "", "keyExpiryDisabled": true, "user": "",
            "advertisedRoutes": [], "enabledRoutes": [],
        }));
    }
    let shape = session.data_source("windlass_tailnet_devices")?;
    let config = shape.config([("tags", Value::list_of(["tag:prod"]))])?;
    let mut samples = Samples::default();
    for _ in 0..ROUNDS {
        let (found, problems) = samples.of(session.read_data_source(&shape, &config)).await?;
        ensure!(!failed(&problems), "read failed: {problems:?}");
        let count = match found.attribute("devices") {
            Some(Value::List(devices)) => devices.len(),
            _ => 0,
        };
        ensure!(count == DEVICES, "{count} devices were found");
    }
    Ok(Row::median(format!("list and match {DEVICES} devices"), &samples, "ms")?.limit(1000.0))
}

/// A host of the lab joins a Headscale on this machine.
async fn join(bench: &Bench) -> Result<Row> {
    let place = &bench.place;
    let server = HeadscaleServer::start_at(&place.own_address()?);
    server.set_policy(r#"{"tagOwners": {"tag:prod": ["ops@"]}, "acls": []}"#);
    place.put("/usr/local/bin/tailscaled", &std::fs::read(tailscale_binary())?)?;
    place.asked(DAEMON)?;
    let block = [
        ("control", Value::from("headscale")),
        ("base_url", server.url().into()),
        ("api_key", server.api_key().into()),
    ];
    let session = provider(bench, &block).await?;
    let resource = session.resource("windlass_tailnet_member")?;
    let config = resource.config([
        ("host", Value::from(place.connection())),
        ("hostname", "web".into()),
        ("accept_dns", false.into()),
        ("tags", Value::list_of(["tag:prod"])),
    ])?;
    let [mut ours, mut typed] = std::array::from_fn(|_| Samples::default());
    for _ in 0..ROUNDS {
        let made = ours.of(carried_out(&resource, &Stored::default(), &config)).await?;
        carried_out(&resource, &made, &Value::Null).await?;

        let key = server.run(&["preauthkeys", "create", "--tags", "tag:prod", "--expiration", "10m"]);
        let key = key["key"].as_str().context("Headscale made no key")?;
        let up = format!(
            "tailscale up --login-server={} --auth-key={key} --hostname=web --accept-dns=false --timeout=60s",
            server.url()
        );
        typed.of(place.typed(&up)).await?;
        place.typed("tailscale logout").await?;
        for node in server.nodes() {
            server.run(&["nodes", "delete", "--force", "--identifier", &node["id"].to_string()]);
        }
    }
    session.into_core().shutdown().await?;
    let beside = typed.median()?;
    Ok(Row::median("a host joins its tailnet", &ours, "ms")?
        .limit(beside + 1000.0)
        .beside(format!("`tailscale up`, typed {beside:.0} ms")))
}

async fn carried_out(resource: &Resource, prior: &Stored, config: &Value) -> Result<Stored> {
    let planned = resource.plan(prior, config).await?;
    ensure!(!failed(&planned.problems), "plan failed: {:?}", planned.problems);
    let reached = resource.apply(&planned).await?;
    ensure!(!failed(&reached.problems), "apply failed: {:?}", reached.problems);
    Ok(reached.stored)
}
