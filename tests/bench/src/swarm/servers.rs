//! The hosts that become a swarm.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use acceptance_tests::{Run, Workspace, unique};
use anyhow::{Context as _, Result, ensure};

use crate::{Bench, place::Place, plan::succeeded};

/// How many there are.
pub(crate) const NODES: usize = 5;
/// How many of them decide.
pub(crate) const MANAGERS: usize = 3;

/// Takes a host out of any swarm, with all that ran there and what it kept.
const LEAVE: &str = "docker swarm leave --force >/dev/null 2>&1; \
    for s in /tmp/bench-*-client.pl; do [ ! -e \"$s\" ] || touch \"${s%.pl}.stop\"; done; \
    for f in label=com.docker.swarm.service.id name=^bench-; do \
        docker ps -aq --filter $f | xargs -r docker rm -f >/dev/null; \
    done; \
    docker volume ls -q --filter name=bench- | xargs -r docker volume rm >/dev/null";

/// Hosts that are in no swarm before and after, also when what is between fails.
pub(crate) struct Servers {
    /// The hosts; the first are the managers.
    pub(crate) places: Vec<Place>,
    /// What everything that is made in the swarm is called.
    pub(crate) name: String,
}

impl Servers {
    /// The hosts of the lab.
    pub(crate) fn new(bench: &Bench) -> Result<Self> {
        let servers = Self { places: Place::several(&bench.state, NODES)?, name: unique("bench") };
        servers.leave()?;
        Ok(servers)
    }

    /// The first manager.
    pub(crate) fn first(&self) -> &Place {
        &self.places[0]
    }

    /// Has all of them leave their swarm.
    pub(crate) fn leave(&self) -> Result<()> {
        self.on_all(&self.places, LEAVE)
    }

    /// A line of shell on some hosts, at the same time.
    pub(crate) fn on_all(&self, places: &[Place], line: &str) -> Result<()> {
        thread::scope(|scope| {
            let all: Vec<_> = places.iter().map(|place| scope.spawn(move || place.asked(line))).collect();
            all.into_iter()
                .try_for_each(|one| one.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?.map(drop))
        })
    }

    /// An image that every host has.
    pub(crate) fn image(&self, name: &str) -> Result<String> {
        let image = self.first().image(name)?;
        self.on_all(&self.places, &format!("docker pull --quiet {image} >/dev/null"))?;
        Ok(image)
    }

    /// The swarm and its nodes as configuration; `more` goes into the block of the nodes.
    pub(crate) fn configuration(&self, more: &str) -> String {
        let hosts: Vec<String> =
            self.places.iter().map(|place| format!("{:?}", place.connection())).collect();
        format!(
            "locals {{\n  hosts = [{}]\n}}\n\
             resource \"windlass_swarm\" \"bench\" {{\n  managers = slice(local.hosts, 0, {MANAGERS})\n}}\n\
             resource \"windlass_swarm_node\" \"bench\" {{\n  count    = {NODES}\n  swarm    = windlass_swarm.bench.id\n  \
             managers = windlass_swarm.bench.managers\n  host     = local.hosts[count.index]\n  \
             role     = count.index < {MANAGERS} ? \"manager\" : \"worker\"\n  {more}\n}}\n",
            hosts.join(", ")
        )
    }

    /// Fails unless all nodes are up, and the managers among them hear from each other.
    pub(crate) fn expect_ready(&self) -> Result<()> {
        let nodes = self.first().asked(&format!("docker node ls --format '{STANDING}'"))?;
        let of = |what: &str| nodes.lines().filter(|node| node.contains(what)).count();
        let managers = of("Reachable") + of("Leader");
        ensure!((of("Ready"), managers) == (NODES, MANAGERS), "the swarm is not whole:\n{nodes}");
        Ok(())
    }

    /// The version of each service's object, which every update makes another one.
    pub(crate) fn versions(&self, stack: &str) -> Result<BTreeMap<String, String>> {
        let label = format!("label=com.docker.stack.namespace={stack}");
        let line = format!(
            "docker service ls -q --filter {label} | \
             xargs docker service inspect --format '{{{{.Spec.Name}}}} {{{{.Version.Index}}}}'"
        );
        let text = self.first().asked(&line)?;
        let parts = text.lines().map(|line| line.split_once(' ').context("a service has no version"));
        parts.map(|part| part.map(|(name, version)| (name.to_owned(), version.to_owned()))).collect()
    }
}

/// What is asked of a node.
pub(crate) const STANDING: &str = "{{.Status}} {{.ManagerStatus}}";

impl Drop for Servers {
    fn drop(&mut self) {
        let _ = self.leave();
    }
}

/// How long something may take that is waited for.
const PATIENCE: Duration = Duration::from_secs(90);

/// Waits until `look` finds what it looks for.
pub(crate) fn until<T>(what: &str, look: impl Fn() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        ensure!(Instant::now() < end, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(200));
    }
}

/// Applies what is in a workspace.
pub(crate) fn apply(workspace: &Workspace) -> Result<Run> {
    let run = workspace.run(&["apply", "-input=false", "-auto-approve", "-no-color"]);
    succeeded("apply", &run)?;
    Ok(run)
}

/// A service of a Compose file that does nothing, on no virtual address: the kernel of a lab may have
/// no means for these.
pub(crate) fn idle_service(name: &str, image: &str, value: usize) -> String {
    format!(
        "  {name}:\n    image: {image}\n    command: sleep infinity\n    init: true\n    stop_grace_period: 0s\n    \
         environment: {{ VALUE: \"{value}\" }}\n    deploy:\n      endpoint_mode: dnsrr\n      \
         update_config: {{ monitor: 1s }}\n"
    )
}
