//! Requests at a steady rate from within an overlay network, and what came of them.

use std::process::Child;

use anyhow::{Context as _, Result, ensure};

use super::servers::Servers;

/// What asks.
const CLIENT: &str = include_str!("client.pl");
/// How often, per second.
pub(crate) const RATE: u32 = 200;

/// Requests that are on their way, until they are told to stop.
pub(crate) struct Requests<'a> {
    servers: &'a Servers,
    /// What the client is called on the first manager.
    name: String,
    client: Child,
}

/// What came of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) answered: usize,
    /// Each that failed: when, at which step, at which address, and why.
    pub(crate) failed: Vec<String>,
    /// Each address that took no connection, where another one of the same answer was tried then.
    pub(crate) passed: Vec<String>,
}

impl<'a> Requests<'a> {
    /// Asks a service of a network for its page, from the first manager.
    pub(crate) fn start(servers: &'a Servers, service: &str, network: &str, image: &str) -> Result<Self> {
        let name = format!("{service}-client");
        let (first, script) = (servers.first(), format!("/tmp/{name}.pl"));
        first.asked(&format!("rm -f /tmp/{name}.stop; cat >{script} <<'END'\n{CLIENT}END"))?;
        // It lends its network.
        first.asked(&format!(
            "docker run --detach --init --name {name} --network {network} {image} sleep infinity"
        ))?;
        let line = format!(
            "nsenter --net=/proc/$(docker inspect --format '{{{{.State.Pid}}}}' {name})/ns/net \
             perl {script} {service} {RATE} /tmp/{name}.stop"
        );
        let client = first.begin(&line)?;
        Ok(Self { servers, name, client })
    }

    /// Ends them.
    pub(crate) fn stop(self) -> Result<Outcome> {
        let (first, name) = (self.servers.first(), &self.name);
        first.asked(&format!("touch /tmp/{name}.stop"))?;
        let output = self.client.wait_with_output().context("wait for the client")?;
        first
            .asked(&format!("docker rm --force {name} >/dev/null; rm -f /tmp/{name}.stop /tmp/{name}.pl"))?;
        ensure!(output.status.success(), "the client ended with {}", output.status);
        let outcome = Outcome::of(&String::from_utf8_lossy(&output.stdout))?;
        ensure!(outcome.answered > 0, "nothing was answered: {}", outcome.failed.join("; "));
        Ok(outcome)
    }
}

impl Outcome {
    fn of(said: &str) -> Result<Self> {
        let mut outcome = Self::default();
        for line in said.lines() {
            let (word, rest) = line.split_once(' ').context("the client printed something else")?;
            match word {
                "failed" => outcome.failed.push(rest.to_owned()),
                "passed" => outcome.passed.push(rest.to_owned()),
                _ => outcome.answered += rest.parse::<usize>().context("the client printed no count")?,
            }
        }
        Ok(outcome)
    }

    /// Adds others.
    pub(crate) fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.failed.extend(other.failed);
        self.passed.extend(other.passed);
    }

    /// How many failed, of how many.
    pub(crate) fn in_words(&self) -> String {
        format!("{} of {}", self.failed.len(), self.count())
    }

    /// How many there were.
    pub(crate) fn count(&self) -> usize {
        self.answered + self.failed.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_prints_is_counted() {
        let said = "failed 1.250 connect 10.0.1.5 Connection refused\npassed 1.5 connect 10.0.1.6 No\nanswered 7\nanswered 8\n";
        let outcome = Outcome::of(said).unwrap();
        assert_eq!((outcome.answered, outcome.count()), (15, 16));
        assert_eq!(outcome.failed, ["1.250 connect 10.0.1.5 Connection refused"]);
        assert_eq!(outcome.passed, ["1.5 connect 10.0.1.6 No"]);
        assert!(Outcome::of("answered many\n").is_err());
    }
}
