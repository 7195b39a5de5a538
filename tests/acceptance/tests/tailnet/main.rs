//! Tailnets of hosts that are reached over SSH: a real Headscale, on this machine or on a host, and real
//! daemons of Tailscale without a network device. Nothing of it leaves this machine.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod always_on;
mod headscale;
mod member;
mod serve;
mod ssh_server;

use acceptance_tests::{Workspace, hcl};
use lab::{Host, Lab, Throwaway, Variant};
use tailnet_tests::tailscale_binary;

/// What `tailscale` is on a host: it notes whether it was called in a session of somebody who waits, in
/// one of its own, or as a unit of systemd, and what for, and is Tailscale's own program then.
const TAILSCALE: &str = r#"#!/bin/sh
leader=$(tr '\0' ' ' </proc/"$(cut -d ' ' -f 6 /proc/self/stat)"/cmdline)
case $leader in
*windlass-detached*) session=own; [ -z "$INVOCATION_ID" ] || session=unit ;;
*) session=shared ;;
esac
printf '%s %s\n' "$session" "$1" >>/var/log/tailscale-calls
exec /opt/tailscale/tailscale "$@"
"#;

/// Starts the daemon in the way of the host, and waits until it listens.
const START: &str = r#"
chmod 755 /opt/tailscale/tailscaled /usr/local/bin/tailscale
ln -s tailscaled /opt/tailscale/tailscale
touch /var/log/tailscale-calls && chmod 666 /var/log/tailscale-calls
set -- /opt/tailscale/tailscaled --tun=userspace-networking --port=0 --no-logs-no-support --statedir=/var/lib/tailscale
if [ -d /run/systemd/system ]; then
  systemd-run --quiet --unit=tailscaled --setenv=HOME=/root --setenv=TS_DEBUG_USE_DERP_HTTP=1 "$@"
else
  TS_DEBUG_USE_DERP_HTTP=1 setsid "$@" </dev/null >/var/log/tailscaled.log 2>&1 &
fi
count=0
until [ -S /var/run/tailscale/tailscaled.sock ] || [ "$count" = 300 ]; do sleep 0.1; count=$((count + 1)); done
[ -S /var/run/tailscale/tailscaled.sock ]
"#;

/// A host of one test that has Tailscale.
struct Machine<'a> {
    lab: &'a Lab,
    host: Throwaway<'a>,
}

impl<'a> Machine<'a> {
    fn start(lab: &'a Lab, variant: Variant) -> Self {
        let machine = Self { lab, host: lab.add_host(variant).unwrap() };
        machine.shell("mkdir -p /opt/tailscale /var/lib/tailscale /var/run/tailscale");
        machine.write("/opt/tailscale/tailscaled", &std::fs::read(tailscale_binary()).unwrap());
        machine.write("/usr/local/bin/tailscale", TAILSCALE.as_bytes());
        machine.shell(START);
        machine
    }

    /// Runs a line of shell as root there.
    #[track_caller]
    fn shell(&self, line: &str) -> String {
        self.lab.exec_ok(&self.host, &["sh", "-c", line]).unwrap()
    }

    fn write(&self, path: &str, content: &[u8]) {
        let output = self.lab.exec_with_input(&self.host, &["tee", "--", path], content);
        // What `tee` repeats is of no use.
        assert!(output.unwrap().status.success(), "{path} could not be written");
    }

    /// What Tailscale there says of itself.
    fn status(&self) -> serde_json::Value {
        serde_json::from_str(&self.shell("/opt/tailscale/tailscale status --json")).unwrap()
    }

    /// In which sessions `tailscale` was called with this word first: `shared`, `own` or `unit`.
    fn calls(&self, word: &str) -> Vec<String> {
        let log = self.shell("cat /var/log/tailscale-calls");
        let calls = log.lines().filter_map(|line| line.split_once(' ')).filter(|(_, called)| *called == word);
        calls.map(|(session, _)| session.to_owned()).collect()
    }

    fn connection(&self) -> String {
        hcl::quoted(&hcl::connection(&self.host))
    }
}

/// A workspace whose provider can log in to the lab's hosts and knows this tailnet.
fn workspace(lab: &Lab, tailnet: &str) -> Workspace {
    let workspace = Workspace::for_test();
    let block = format!("tailnet {{\n    {tailnet}\n  }}");
    workspace.write("provider.tf", &hcl::provider_block(lab, &block));
    workspace
}

/// What is in a directory of nobody's home that our commands use for a while.
fn left_behind(lab: &Lab, host: &Host) -> String {
    let line = "find / -xdev -name '.windlass-tailscale*' 2>/dev/null; true";
    lab.exec_ok(host, &["sh", "-c", line]).unwrap()
}
