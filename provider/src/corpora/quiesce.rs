//! The block `quiesce` of backups and restores.

use std::{collections::BTreeSet, time::Duration};

use backup::{Mode, Quiesce};
use framework::{Attribute, Block, Field, Model, Type, schema::parse_duration, validate};

use crate::{failure::Failure, hosted::Host};

/// The words of `mode`.
const MODES: [&str; 2] = ["pause", "stop"];

/// After how long services go on in any case, where nobody says.
const TIMEOUT: &str = "15m";

/// The least and the most of it.
const LIMITS: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(24 * 3600)];

/// The most services.
const SERVICES: usize = 200;

/// Which services hold still.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct QuiesceModel {
    pub(crate) stack: Field<String>,
    pub(crate) services: Field<Vec<String>>,
    pub(crate) mode: Field<String>,
    pub(crate) timeout: Field<String>,
}

/// The block; `mode` is what it is where nobody says.
pub(crate) fn quiesce_block(description: &str, mode: &'static str) -> Block {
    let name = |text: &str| !text.is_empty() && text.len() <= 200 && !text.contains(char::is_control);
    Block::single("quiesce")
        .describe(format!(
            "{description} The lock of the stack is held meanwhile, so that nobody deploys it. Before the first service \
             holds still, a timer is started on the host, apart from the connection, which has all of them go on when \
             `timeout` is over: also when the machine that runs tofu is gone by then. What was not done until then \
             does not count. A machine that starts anew has no timer: what was paused or stopped then starts with it, if its restart \
             policy would have started it before (in place of `unless-stopped`, which would not start what was stopped, \
             the policy is `always` as long as it is)."
        ))
        .attributes([
            Attribute::string("stack").required().check(|text: &String| {
                let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
                let is_name = !text.is_empty() && text.len() <= 200 && text.chars().all(fits);
                if is_name { Ok(()) } else { Err("must be the name of a Compose project".to_owned()) }
            })
            .describe("The name of the stack (the Compose project) on the host. One that is not there yet holds still anyway."),
            Attribute::list("services", Type::String)
                .validate(validate::length(1, SERVICES))
                .validate(validate::each(validate::pattern("the name of a service", name)))
                .describe(
                    "Which of its services hold still: those that write. Default: all, and what `docker compose run` \
                     has started. A service whose own container makes the copy (`postgres`, `exec`) cannot.",
                ),
            Attribute::string("mode").default(mode).validate(validate::one_of(MODES)).describe(format!(
                "`pause` freezes them where they are, which takes no time, and keeps what they have in memory and have \
                 not written yet; `stop` stops them, so that they write all of it, and starts them again in the order of \
                 their `depends_on`. Default: `{mode}`."
            )),
            Attribute::string("timeout").default(TIMEOUT).check(|text: &String| {
                let time = parse_duration(text)?;
                let fits = LIMITS[0] <= time && time <= LIMITS[1];
                if fits { Ok(()) } else { Err("must be from 10s to 24h".to_owned()) }
            })
            .describe("After how long they go on in any case, such as `5m`. Default: `15m`."),
        ])
}

impl QuiesceModel {
    /// Which services of `host` it means.
    pub(crate) async fn quiesce(&self, host: &Host) -> Result<Quiesce, Failure> {
        let timeout = self.timeout.known().map_or(TIMEOUT, String::as_str);
        let services = self.services.clone().known_or_default();
        Ok(Quiesce {
            host: host.for_stacks().await?,
            stack: self.stack.as_str().unwrap_or_default().to_owned(),
            services: services.into_iter().collect::<BTreeSet<_>>(),
            mode: if self.mode.as_str() == Some("stop") { Mode::Stop } else { Mode::Pause },
            timeout: parse_duration(timeout).unwrap_or(LIMITS[1]),
        })
    }
}

/// The services that a block means, where there is one.
pub(crate) async fn quiesce(block: Option<&QuiesceModel>, host: &Host) -> Result<Option<Quiesce>, Failure> {
    match block {
        Some(block) => block.quiesce(host).await.map(Some),
        None => Ok(None),
    }
}
