//! `windlass_container_logs`: the last lines that containers wrote.
//!
//! Nothing on the host is touched. It never trusts on first use.

mod moment;

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use docker::{
    Engine,
    engine::{Container, LogPart},
};
use framework::{
    Attribute, Context, DataSource, Diagnostic, Diagnostics, Field, Model, Rule, Schema, Timeouts, Type,
    validate,
};
use stack::containers::by_service;

use moment::Moment;

use crate::{
    failure::{Failure, UNCHANGED},
    hosted::{Host, Hosts, check_connection},
    machine::READ,
};

/// The type of the data source.
pub(crate) const TYPE: &str = "windlass_container_logs";

/// The most lines of a container.
const MOST_LINES: i64 = 10_000;

/// The most bytes of a container that go into the state: its last ones.
const MOST_BYTES: usize = 1 << 20;

/// The data source `windlass_container_logs`.
pub(crate) struct LogsDataSource {
    hosts: Arc<Hosts>,
}

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct Logs {
    host: Field<String>,
    stack: Field<String>,
    service: Field<String>,
    container: Field<String>,
    tail: Field<u64>,
    since: Field<String>,
    until: Field<String>,
    timestamps: Field<bool>,
    lines: Field<BTreeMap<String, Vec<String>>>,
    text: Field<String>,
}

impl LogsDataSource {
    /// The data source, on the hosts that the provider knows.
    pub(crate) fn new(hosts: Arc<Hosts>) -> Self {
        Self { hosts }
    }
}

#[async_trait]
impl DataSource for LogsDataSource {
    type Model = Logs;

    fn type_name(&self) -> &'static str {
        TYPE
    }

    fn schema(&self) -> Schema {
        Schema::new(0)
            .describe(
                "The last lines that a container, or those of a stack, wrote to stdout and stderr. They are read at \
                 every plan and **end up in the state**, whatever is in them: `lines` and `text` are sensitive, so the \
                 CLI does not show them unless an output asks for it.",
            )
            .attributes(which())
            .attributes(part())
            .attributes(computed())
            .rule(Rule::exactly_one_of(["container", "stack"]))
            .rule(Rule::required_with("service", ["stack"]))
            .timeouts(Timeouts { read: Some(READ), ..Timeouts::default() })
    }

    async fn read(&self, _cx: &Context, config: Logs) -> Result<Logs, Diagnostics> {
        let title = format!("Could not read the logs of {}", config.subject());
        let lines = async { gather(&self.hosts.for_data_source(&config.host).await?, &title, &config).await };
        let lines = lines.await.map_err(|failure| failure.into_diagnostics(&title, UNCHANGED))?;
        Ok(Logs { text: Field::Known(joined(&lines)), lines: Field::Known(lines), ..config })
    }
}

fn which() -> [Attribute; 4] {
    [
        Attribute::string("host")
            .required()
            .check(check_connection)
            .describe("The host, as a connection. Its key must be in there or in known_hosts."),
        Attribute::string("stack").validate(validate::non_empty()).describe("The name of a Compose project."),
        Attribute::string("service")
            .validate(validate::non_empty())
            .describe("A service of the project. Default: all of them."),
        Attribute::string("container")
            .validate(validate::non_empty())
            .describe("The name of a container, instead of a project."),
    ]
}

fn part() -> [Attribute; 4] {
    let moment = |name: &str| Attribute::string(name).check(|text: &String| Moment::parse(text).map(drop));
    [
        Attribute::number("tail").default(100).validate(validate::between(1, MOST_LINES)).describe(
            "How many lines of each container, 1 to 10000: the last ones, of those that `since` and `until` leave. \
             Default: 100. Of more than 1 MiB the end is taken.",
        ),
        moment("since").describe(
            "Only what was written since then: a moment such as `2026-01-31T12:00:00Z`, or a duration such as `10m`, \
             counted back by the host's own clock, with which each plan reads something else. Parts of a second count \
             as a whole one.",
        ),
        moment("until").describe(
            "Only what was written until then, in the same words. All of the log is read for it, back from its end.",
        ),
        Attribute::bool("timestamps").default(false).describe(
            "Begin each line with the moment when it was written, such as `2026-01-31T12:00:00.000000000Z`, and a space. \
             Default: `false`.",
        ),
    ]
}

fn computed() -> [Attribute; 2] {
    [
        Attribute::map("lines", Type::list(Type::String)).computed().sensitive().describe(
            "The lines of each container, by its name, oldest first. None for a container whose log driver cannot be \
             read back.",
        ),
        Attribute::string("text").computed().sensitive().describe(
            "The same in one text; where there are several containers, each line begins with `<container> | `.",
        ),
    ]
}

impl Logs {
    /// What was asked for, in words.
    fn subject(&self) -> String {
        match (self.container.as_str(), self.service.as_str()) {
            (Some(container), _) => format!("container {container:?}"),
            (None, Some(service)) => format!("service {service:?} of compose stack {:?}", self.stack_name()),
            (None, None) => format!("compose stack {:?}", self.stack_name()),
        }
    }

    fn stack_name(&self) -> &str {
        self.stack.as_str().unwrap_or_default()
    }
}

async fn gather(host: &Host, title: &str, config: &Logs) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let engine = host.engine().await?;
    let containers = match config.container.as_str() {
        Some(name) => engine.container(name).await?.into_iter().collect(),
        None => {
            let all = engine.containers(config.stack_name()).await?;
            of_service(&all, config.service.as_str())
        }
    };
    if containers.is_empty() {
        return Err(absent(title, host.name(), config).into());
    }
    let part = part_of(&engine, config).await?;
    let mut lines = BTreeMap::new();
    for container in containers {
        let wrote = engine.logs(&container.id, &part).await?;
        lines.insert(container.name, end_of(wrote, MOST_BYTES));
    }
    Ok(lines)
}

/// What is asked of each container. The clock is the one by which its lines are dated.
async fn part_of(engine: &Engine, config: &Logs) -> Result<LogPart, Failure> {
    let moment = |field: &Field<String>| field.as_str().and_then(|text| Moment::parse(text).ok());
    let (since, until) = (moment(&config.since), moment(&config.until));
    let now = match since.into_iter().chain(until).any(Moment::is_relative) {
        true => engine.now().await?,
        false => 0,
    };
    Ok(LogPart {
        lines: config.tail.known().and_then(|tail| usize::try_from(*tail).ok()).unwrap_or(100),
        since: since.map(|moment| moment.floor(now)),
        until: until.map(|moment| moment.ceiling(now)),
        timestamps: config.timestamps.is_true(),
    })
}

/// The containers of one service, or of all; one-offs are of none.
fn of_service(containers: &[Container], service: Option<&str>) -> Vec<Container> {
    let services = by_service(containers).into_iter();
    let wanted = services.filter(|(name, _)| service.is_none_or(|service| service == name));
    wanted.flat_map(|(_, own)| own).cloned().collect()
}

/// The last lines that fit; a line that does not fit at all is cut.
fn end_of(lines: Vec<String>, most: usize) -> Vec<String> {
    let mut left = most;
    let mut kept: Vec<String> = Vec::new();
    for line in lines.into_iter().rev() {
        if line.len() > left && !kept.is_empty() {
            break;
        }
        let mut start = line.len().saturating_sub(left);
        while !line.is_char_boundary(start) {
            start += 1;
        }
        left = left.saturating_sub(line.len());
        kept.push(line[start..].to_owned());
    }
    kept.reverse();
    kept
}

fn joined(lines: &BTreeMap<String, Vec<String>>) -> String {
    let several = lines.len() > 1;
    let mut text = String::new();
    for (container, lines) in lines {
        for line in lines {
            if several {
                text += &format!("{container} | ");
            }
            text += line;
            text.push('\n');
        }
    }
    text
}

fn absent(title: &str, host: &str, config: &Logs) -> Diagnostic {
    let attribute = if config.container.is_known() { "container" } else { "stack" };
    Diagnostic::error(title)
        .detail(format!("There is no such container on {host}."))
        .detail(UNCHANGED)
        .detail("Correct the name (`docker ps --all` on the host shows them), or start it first.")
        .at(attribute)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn of_too_much_the_end_is_taken() {
        assert_eq!(end_of(texts(&["aaaa", "bb", "cc"]), 100), ["aaaa", "bb", "cc"]);
        assert_eq!(end_of(texts(&["aaaa", "bb", "cc"]), 5), ["bb", "cc"]);
        assert_eq!(end_of(texts(&["aaaa", "üüüü"]), 5), ["üü"]);
        assert_eq!(end_of(Vec::new(), 5), Vec::<String>::new());
    }

    #[test]
    fn lines_of_several_containers_say_whose_they_are() {
        let one = BTreeMap::from([("web-app-1".to_owned(), texts(&["hello", "you"]))]);
        assert_eq!(joined(&one), "hello\nyou\n");
        let mut two = one;
        two.insert("web-db-1".to_owned(), texts(&["ready"]));
        assert_eq!(joined(&two), "web-app-1 | hello\nweb-app-1 | you\nweb-db-1 | ready\n");
    }
}
