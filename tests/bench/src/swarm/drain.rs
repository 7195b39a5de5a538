//! What those who ask a service notice while the node is drained that all of it runs on.

use std::{thread, time::Duration};

use acceptance_tests::Workspace;
use anyhow::Result;

use super::{
    requests::{Outcome, RATE, Requests},
    servers::{Servers, apply, until},
};
use crate::{Bench, place::Place, say, table::Row};

const ROUNDS: usize = 3;
/// The two nodes that the service may run on, of which the first has both replicas.
const FROM: usize = 3;
const TO: usize = 4;
/// How long it is asked before and after.
const AROUND: Duration = Duration::from_secs(3);
/// How a container says that it can be asked.
const HEALTH: &str = "--health-cmd 'curl -fsS -o /dev/null http://127.0.0.1/' --health-interval 1s";

/// A way to drain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As the provider does it.
    Graceful,
    /// The same, of a service that does not say when it can be asked.
    Unchecked,
    /// As Docker does it.
    Plain,
}

pub(crate) async fn measure(bench: &'static Bench) -> Result<Vec<Row>> {
    // CLIs are waited for without a pause.
    tokio::task::spawn_blocking(move || rows(bench)).await?
}

fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let servers = Servers::new(bench)?;
    let drain = Draining { image: servers.image("nginx")?, workspace: bench.workspace()?, servers: &servers };
    drain.by_provider("active")?;
    let [mut graceful, mut unchecked, mut plain] = std::array::from_fn(|_| Outcome::default());
    for round in 0..ROUNDS {
        graceful.add(drain.once(Way::Graceful, round)?);
        unchecked.add(drain.once(Way::Unchecked, round)?);
        plain.add(drain.once(Way::Plain, round)?);
    }
    let lost = f64::from(u32::try_from(graceful.failed.len())?);
    Ok(vec![
        Row::new(format!("requests lost in a graceful drain, at {RATE}/s"), lost, "").limit(0.0).beside(format!(
            "of {} in {ROUNDS} drains ({} found one address closed, and took the next); without a health check {}; `docker \
             node update --availability drain` {}",
            graceful.count(),
            graceful.passed.len(),
            unchecked.in_words(),
            plain.in_words()
        )),
    ])
}

/// A service that is asked, and nodes that it leaves.
struct Draining<'a> {
    servers: &'a Servers,
    workspace: Workspace,
    image: String,
}

impl Draining<'_> {
    /// Makes a service, drains its node while it is asked, and takes it away again.
    fn once(&self, way: Way, round: usize) -> Result<Outcome> {
        let (first, [from, to]) = (self.servers.first(), self.nodes());
        let kind = match way {
            Way::Graceful => "graceful",
            Way::Unchecked => "unchecked",
            Way::Plain => "plain",
        };
        let name = format!("{}-{kind}-{round}", self.servers.name);
        self.serve(&name, if way == Way::Unchecked { "" } else { HEALTH })?;
        let requests = Requests::start(self.servers, &name, &name, &self.image)?;
        thread::sleep(AROUND);
        match way {
            Way::Graceful | Way::Unchecked => self.by_provider("drain")?,
            Way::Plain => {
                drop(first.asked(&format!("docker node update --availability drain {}", from.name()))?)
            }
        }
        self.until_on(&name, to)?;
        thread::sleep(AROUND);
        let outcome = requests.stop()?;
        outcome.failed.iter().for_each(|failed| say(&format!("{kind}: failed at {failed}")));
        outcome.passed.iter().for_each(|passed| say(&format!("{kind}: went elsewhere at {passed}")));
        first.asked(&format!("docker service rm {name}"))?;
        match way {
            Way::Graceful | Way::Unchecked => self.by_provider("active")?,
            Way::Plain => {
                drop(first.asked(&format!("docker node update --availability active {}", from.name()))?)
            }
        }
        let gone = format!("docker network rm {name}");
        until("the network to go", || Ok(first.asked(&gone).ok()))?;
        Ok(outcome)
    }

    fn nodes(&self) -> [&Place; 2] {
        [&self.servers.places[FROM], &self.servers.places[TO]]
    }

    /// Has the provider change what the first node takes.
    fn by_provider(&self, availability: &str) -> Result<()> {
        let more = format!("availability = count.index == {FROM} ? {availability:?} : \"active\"");
        self.workspace.write("main.tf", &self.servers.configuration(&more));
        apply(&self.workspace).map(drop)
    }

    /// Has both replicas of a service on the first node, though they may run on either.
    fn serve(&self, name: &str, health: &str) -> Result<()> {
        let (first, [from, to]) = (self.servers.first(), self.nodes());
        first.asked(&format!(
            "docker network create --driver overlay --attachable {name} && \
             docker node update --availability pause {} && \
             docker service create --quiet --detach --name {name} --network {name} --endpoint-mode dnsrr --replicas 2 \
             --constraint node.role==worker --update-order start-first {health} {}",
            to.name(),
            self.image
        ))?;
        self.until_on(name, from)?;
        first.asked(&format!("docker node update --availability active {}", to.name()))?;
        Ok(())
    }

    /// Waits until both replicas run on a node, and nothing of the service on any other.
    fn until_on(&self, name: &str, node: &Place) -> Result<()> {
        let format = "{{.Node}} {{.CurrentState}}";
        let line = format!("docker service ps {name} --filter desired-state=running --format '{format}'");
        let wanted = format!("{} Running", node.name());
        until(&format!("the service to run on {}", node.name()), || {
            let tasks = self.servers.first().asked(&line)?;
            Ok((tasks.lines().filter(|task| task.starts_with(&wanted)).count() == 2
                && tasks.lines().count() == 2)
                .then_some(()))
        })
    }
}
