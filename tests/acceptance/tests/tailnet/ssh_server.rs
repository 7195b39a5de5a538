//! Tailscale SSH: a machine without a network device, as a job of CI is, reaches a host by the tailnet
//! alone, through the SOCKS5 proxy of its own Tailscale, and has no key at all.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use acceptance_tests::{Workspace, hcl, is_full_run};
use lab::{Lab, Variant};
use remote::{
    Command, Connection, Dial, Error, Executor, Input,
    collect::run,
    conformance::{self, suite},
    credentials::{SshSettings, choose},
};
use serde_json::{Value, json};
use ssh::Pool;
use tailnet_tests::{HeadscaleServer, Machine as Runner};

use crate::Machine;

/// How long the host may take to hear of a policy.
const HEARD: Duration = Duration::from_secs(30);

/// What everybody has who logs in.
const EVERYTHING: &str = r#"
locals { users = toset(["root", "deploy"]) }

resource "windlass_host" "web" {
  for_each = local.users
  address  = "ADDRESS"
  user     = each.key
  host_key = "HOST_KEY"
  proxy    = "PROXY"
}

resource "windlass_file" "note" {
  for_each = local.users
  host     = windlass_host.web[each.key].connection
  path     = "/tmp/note-of-${each.key}"
  content  = "by ${each.key}\n"
}

resource "windlass_command" "whoami" {
  for_each = local.users
  host     = windlass_host.web[each.key].connection
  create   = ["id", "-un"]
}

resource "windlass_compose_stack" "web" {
  for_each = local.users
  host     = windlass_host.web[each.key].connection
  name     = "of-${each.key}"
  config   = [file("${path.module}/compose.yaml")]
}
"#;

/// A tailnet with a host that serves Tailscale SSH, and what a job of CI has.
struct Tailnet<'a> {
    server: HeadscaleServer,
    host: Machine<'a>,
    /// The host's address in the tailnet.
    address: String,
    /// The host's key, as the tailnet tells it.
    host_key: String,
    proxy: String,
    _runner: Runner,
}

impl<'a> Tailnet<'a> {
    fn start(lab: &'a Lab, variant: Variant) -> Self {
        let server = HeadscaleServer::start_with_relay(&lab.own_address().unwrap());
        server.set_policy(&policy("accept", &["root", "deploy"]));
        let host = Machine::start(lab, variant);
        let key = |tag: &str| {
            let key = server.run(&["preauthkeys", "create", "--tags", tag, "--expiration", "1h"]);
            key["key"].as_str().unwrap().to_owned()
        };
        host.shell(&format!(
            "tailscale up --login-server={} --auth-key={} --hostname=web --accept-dns=false --ssh --timeout=60s",
            server.url(),
            key("tag:prod")
        ));
        let (runner, proxy) = Runner::start_with_proxy();
        runner.up(&server, &key("tag:ci"), "ci", &[]);
        let status = runner.status();
        let web =
            status["Peer"].as_object().unwrap().values().find(|peer| peer["HostName"] == "web").unwrap();
        let keys = web["sshHostKeys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap());
        let host_key = keys.clone().find(|key| key.starts_with("ssh-ed25519 ")).unwrap().to_owned();
        let address = web["TailscaleIPs"][0].as_str().unwrap().to_owned();
        Self { server, host, address, host_key, proxy, _runner: runner }
    }

    /// What runs commands as this user, by no key.
    fn executor(&self, pool: &Pool, user: &str) -> Arc<dyn Executor> {
        let key = hcl::fingerprint(&self.host_key).replace('+', "-").replace('/', "_");
        let text = format!("ssh://{user}@{}?host_key=ssh-ed25519:{key}&proxy={}", self.address, self.proxy);
        let Connection::Ssh(connection) = text.parse().unwrap() else { panic!("{text}") };
        let credentials = choose(&connection, &[SshSettings::default()], |_| None).unwrap();
        pool.executor(&connection, &credentials)
    }

    /// How the user is let in, once that is as `awaited` says: a changed policy takes its way.
    async fn answer(&self, user: &str, awaited: impl Fn(&Result<(), Error>) -> bool) -> Result<(), Error> {
        let end = Instant::now() + HEARD;
        loop {
            let pool = Pool::with_agent(None);
            let executor = self.executor(&pool, user);
            let answer = run(executor.as_ref(), &Command::new(["true"]), Input::Nothing).await.map(drop);
            pool.close().await;
            if awaited(&answer) {
                return answer;
            }
            assert!(Instant::now() < end, "{user}: {answer:?}");
        }
    }

    fn workspace(&self, lab: &Lab) -> Workspace {
        let workspace = Workspace::for_test();
        workspace.write("provider.tf", "provider \"windlass\" {}\n");
        let image = lab.image("busybox").unwrap();
        workspace.write(
            "compose.yaml",
            &format!("services:\n  app:\n    image: {image}\n    command: [sleep, infinity]\n    stop_grace_period: 0s\n"),
        );
        let text = EVERYTHING.replace("ADDRESS", &self.address).replace("HOST_KEY", &self.host_key);
        workspace.write("main.tf", &text.replace("PROXY", &self.proxy));
        workspace
    }
}

/// A policy that has these users log in so.
fn policy(action: &str, users: &[&str]) -> String {
    json!({
        "tagOwners": {"tag:prod": ["ops@"], "tag:ci": ["ops@"]},
        "acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}],
        "ssh": [{"action": action, "src": ["tag:ci"], "dst": ["tag:prod"], "users": users}],
    })
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_without_a_key_works_by_tailscale_ssh() {
    let lab = Lab::current().unwrap();
    let tailnet = Tailnet::start(&lab, Variant::Deploy);
    // What the tailnet tells is what sshd shows too: a pinned key stays right.
    let words = |key: &str| key.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&tailnet.host_key), words(&tailnet.host.host.host_key));

    let workspace = tailnet.workspace(&lab);
    workspace.converge();
    for user in ["root", "deploy"] {
        let facts = workspace.state(&format!("windlass_host.web[\"{user}\"]"));
        assert!(facts["docker_version"].is_string(), "{facts}");
        let owner = format!("stat -c %U:%s /tmp/note-of-{user}");
        assert_eq!(tailnet.host.shell(&owner), format!("{user}:{}", user.len() + 4));
        let said = workspace.state(&format!("windlass_command.whoami[\"{user}\"]"));
        assert_eq!(said["output"].as_str().unwrap().trim(), user, "{said}");
        let stack = workspace.state(&format!("windlass_compose_stack.web[\"{user}\"]"));
        assert_eq!(stack["services"]["app"]["status"], "running", "{stack}");
    }

    // What is cancelled ends, and nothing else of the group that Tailscale's daemon leaves it in.
    let pool = Pool::with_agent(None);
    let exec = tailnet.executor(&pool, "root");
    let sleeper = Command::new(["sh", "-c", "sleep 4711 & sleep 4712"]).timeout(Some(Duration::from_secs(1)));
    let ended = run(exec.as_ref(), &sleeper, Input::Nothing).await;
    assert!(matches!(ended, Err(Error::Timeout { .. })), "{ended:?}");
    tailnet.host.shell(
        "count=0; while grep -aqs 'sleep.471[12]' /proc/[0-9]*/cmdline; do sleep 0.1; count=$((count + 1)); [ $count -lt 100 ] || exit 1; done",
    );
    assert_eq!(tailnet.host.status()["BackendState"], "Running");
    pool.close().await;

    // Somebody else may not log in, and is told why; somebody who has to confirm it is told where.
    tailnet.server.set_policy(&policy("accept", &["root"]));
    let refused =
        |answer: &Result<(), Error>| matches!(answer, Err(Error::TailnetPolicy { confirm_at: None, .. }));
    assert!(tailnet.answer("deploy", refused).await.is_err());
    let run = workspace.plan();
    run.expect_error()
        .says("let user deploy")
        .says("the tailnet's policy decides")
        .says("\"deploy\" in `users`");

    tailnet.server.set_policy(&policy("check", &["root", "deploy"]));
    let asked =
        |answer: &Result<(), Error>| matches!(answer, Err(Error::TailnetPolicy { confirm_at: Some(_), .. }));
    let Err(Error::TailnetPolicy { confirm_at: Some(address), .. }) = tailnet.answer("root", asked).await
    else {
        panic!("nobody was asked")
    };
    let run = workspace.plan();
    run.expect_error().says("confirmed it in a browser").says(tailnet.server.url()).says("`accept`");
    // Somebody confirms the first of them; the next command is let in for both users.
    tailnet.server.run(&["auth", "approve", "--auth-id", address.rsplit('/').next().unwrap()]);
    tailnet.answer("root", Result::is_ok).await.unwrap();
    workspace.expect_no_changes();
    workspace.destroy().expect_success();
    assert_eq!(tailnet.host.shell("docker ps --all --quiet; ls /tmp/note-of-* 2>/dev/null; true"), "");
}

/// The suite of executors by Tailscale SSH, and what makes it one. It takes most of a minute: each command starts
/// `su` twice.
async fn conforms(variant: Variant, user: &str) {
    if !is_full_run() {
        return;
    }
    let lab = Lab::current().unwrap();
    let tailnet = Tailnet::start(&lab, variant);
    let pool = Pool::with_agent(None);
    let exec = tailnet.executor(&pool, user);
    let refused = exec.dial(&Dial::Unix("/var/run/docker.sock".into())).await.err().unwrap();
    assert!(refused.may_be_forbidden(), "{refused:?}");
    suite(&conformance::Host { exec, echo: None }).await;
    pool.close().await;
    // What ended commands has ended no server.
    let status: Value = tailnet.host.status();
    assert_eq!(status["BackendState"], "Running");
}

#[tokio::test(flavor = "multi_thread")]
async fn tailscale_ssh_conforms() {
    conforms(Variant::Deploy, "deploy").await;
}

/// Where `su` is BusyBox's, commands are in the server's own process group.
#[tokio::test(flavor = "multi_thread")]
async fn tailscale_ssh_without_a_usable_su_conforms() {
    conforms(Variant::Busybox, "root").await;
}
