//! One project: what the local Compose makes of it, and what is wrong with that.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

use compose::discovery::{Env, NAMES};
use compose::policy::{Facts, Subject};
use compose::{Compose, Config, Project, ReadyState, dotenv};
use docker::Cli;
use remote::Local;
use secret::Scrubber;
use swarm::stacks::{self, Files};
use tokio_util::sync::CancellationToken;
use tree::{Modes, Tree};

use super::finding::{Finding, Level};
use super::rules::{Rules, Wanted};
use crate::exit::Failure;

/// What a variable is that a template names without a value: text, number and port.
const STAND_IN: &str = "1";
/// What Compose says of the files.
const COMPOSE: &str = "compose";
/// What a swarm cannot do.
const SWARM: &str = "swarm";
/// The rule about variables that the template does not name.
const ENV_TEMPLATE: &str = "env_template";
/// The rule about variables that nothing names.
const UNDEFINED: &str = "undefined_variables";

/// Everything that is wrong with a project.
///
/// # Errors
/// When it cannot be looked at, or there is no Compose to ask.
pub async fn check(wanted: &Wanted, rules: &Rules) -> Result<Vec<Finding>, Failure> {
    let failed = || Failure::new(format!("Could not check {}", wanted.path.display()));
    let directory = wanted.path.canonicalize().map_err(|error| failed().because(&error))?;
    let own = read_if_there(&directory.join(".env")).map_err(|error| failed().because(&error))?;
    let template = match &rules.env_template {
        Some(name) => read_if_there(&directory.join(name)).map_err(|error| failed().because(&error))?,
        None => None,
    };
    let values = values(own.as_deref(), template.as_deref());
    let env = Env { text: Some(&values), given: &|_| Ok(None) };
    let found =
        env.files(&|name| directory.join(name).is_file()).map_err(|error| failed().because(&error))?;
    if found.files.is_empty() {
        let names = NAMES.join(", ");
        return Err(failed().with(format!("There is no Compose file in it: none is called {names}.")));
    }
    let profiles = env.profiles().map_err(|error| failed().because(&error))?;
    let mut env_file = tempfile::NamedTempFile::new().map_err(|error| failed().because(&error))?;
    env_file.write_all(values.as_bytes()).map_err(|error| failed().because(&error))?;
    let absolute = |path: &Path| path.display().to_string();
    let project = Project {
        name: "check".into(),
        directory: absolute(&directory),
        files: found.files.iter().map(|name| absolute(&directory.join(name))).collect(),
        profiles,
        env_file: absolute(env_file.path()),
    };
    let place = Place { wanted, directory: &directory, files: &found.files };
    let local = Local::default();
    let compose = Compose::new(&local, client(), Scrubber::default(), CancellationToken::new())
        .naming(project.directory.clone(), wanted.path.display().to_string());
    compose.version().await.map_err(|error| failed().because(&error))?;
    let (document, unset) = match compose.resolve_structure(&project).await {
        Ok(answer) => answer,
        Err(why) => {
            let said = why.output().map(str::to_owned);
            let said = said.ok_or_else(|| failed().because(&*why.error))?;
            return Ok(vec![place.finding(Level::Error, COMPOSE, said.trim(), None)]);
        }
    };
    let config = Config::parse(&document).map_err(|error| failed().because(&error))?;
    let mut findings =
        variables(&place, &unset, rules.env_template.as_deref().filter(|_| template.is_some()));
    findings.extend(services(&place, &config, rules));
    if wanted.swarm {
        findings.extend(in_swarm(&place, &config, &values, template.is_some())?);
    }
    Ok(findings)
}

/// The client of this machine; no daemon is asked.
fn client() -> Cli {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    Cli::new("/var/run/docker.sock", variable("HOME")).found_by(&variable("PATH"), &[])
}

fn read_if_there(path: &Path) -> std::io::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The variables: those of the project's own `.env`, then those of the template, with something in the place of
/// what it leaves open.
fn values(own: Option<&str>, template: Option<&str>) -> String {
    let template = template.unwrap_or_default();
    let named = dotenv::variables(template).unwrap_or_default();
    let open: BTreeSet<&str> =
        named.iter().filter(|(_, given)| !**given).map(|(name, _)| name.as_str()).collect();
    let stand_ins: String = open.iter().map(|name| format!("{name}={STAND_IN}\n")).collect();
    dotenv::followed_by(own.unwrap_or_default(), &format!("{stand_ins}{}", dotenv::without(template, &open)))
}

/// Where findings are.
struct Place<'a> {
    wanted: &'a Wanted,
    directory: &'a Path,
    files: &'a [String],
}

impl Place<'_> {
    /// The directory as machines want it: without `./` before it.
    fn shown(&self) -> &Path {
        self.wanted.path.strip_prefix(".").unwrap_or(&self.wanted.path)
    }

    /// One about a service, at the line where a file of the project begins it; else about the first file.
    fn finding(&self, level: Level, rule: &str, message: &str, service: Option<&str>) -> Finding {
        let at = service.and_then(|service| {
            self.files.iter().find_map(|name| {
                let text = std::fs::read_to_string(self.directory.join(name)).ok()?;
                Some((name, line_of(&text, service)?))
            })
        });
        let file =
            at.map_or(self.files.first(), |(name, _)| Some(name)).map(String::as_str).unwrap_or_default();
        Finding {
            level,
            rule: rule.to_owned(),
            message: message.to_owned(),
            file: self.shown().join(file).display().to_string(),
            line: at.map(|(_, line)| line),
            service: service.map(str::to_owned),
        }
    }
}

/// The line, from 1, where a service begins, below the line `services:`.
fn line_of(text: &str, service: &str) -> Option<usize> {
    let mut lines = text.lines().enumerate().skip_while(|(_, line)| line.trim_end() != "services:");
    lines.next()?;
    let names = [format!("{service}:"), format!("{service:?}:"), format!("'{service}':")];
    let begins = |line: &str| names.iter().any(|name| line.trim_start().starts_with(name.as_str()));
    let inside = lines.take_while(|(_, line)| line.is_empty() || line.starts_with([' ', '\t', '#']));
    inside.into_iter().find(|(_, line)| begins(line)).map(|(at, _)| at + 1)
}

/// Variables that have no value: with a template, each is missing there; without one, a configuration may give it.
fn variables(place: &Place<'_>, unset: &BTreeSet<String>, template: Option<&str>) -> Vec<Finding> {
    let one = |name: &String| match template {
        Some(template) => {
            let message = format!("{name} is used and has no value, and {template} does not name it");
            place.finding(Level::Error, ENV_TEMPLATE, &message, None)
        }
        None => {
            let message = format!(
                "{name} has no value in .env; `environment` or `secrets_wo` of the stack must give it"
            );
            place.finding(Level::Warning, UNDEFINED, &message, None)
        }
    };
    unset.iter().map(one).collect()
}

/// What does not keep to the rules.
fn services(place: &Place<'_>, config: &Config, rules: &Rules) -> Vec<Finding> {
    let facts: BTreeMap<&String, Facts> =
        config.services.keys().map(|name| (name, Facts::of(&config.document["services"][name]))).collect();
    // What a program beside Compose provides is no container.
    let containers = config.services.iter().filter(|(_, one)| !one.image.is_empty());
    let subjects = containers.map(|(name, service)| {
        let image = service.build.is_none().then_some(service.image.as_str());
        (name.clone(), Subject { image, ready: ReadyState::of(service), facts: &facts[name] })
    });
    let found = rules.policies.violations(&subjects.collect());
    let told = |one: &compose::policy::Violation| {
        let message = format!("{} {}", one.path, one.what);
        place.finding(Level::Error, one.rule.name(), &message, Some(&one.service))
    };
    found.iter().map(told).collect()
}

/// What a swarm cannot do, and what it leaves out.
fn in_swarm(
    place: &Place<'_>,
    config: &Config,
    values: &str,
    has_template: bool,
) -> Result<Vec<Finding>, Failure> {
    let directory = place.directory.display().to_string();
    let source = Tree::directory(&directory, Modes::of_word(None)).map_err(|error| {
        Failure::new(format!("Could not check {}", place.wanted.path.display()))
            .with(error.problems.join("\n"))
    })?;
    let names = dotenv::variables(values).unwrap_or_default().into_keys();
    let environment = names.map(|name| (name, STAND_IN.to_owned())).collect();
    let translated = stacks::translate(&Files {
        name: &config.name,
        root: &directory,
        document: &config.document,
        runs: &BTreeSet::new(),
        source: &source,
        secret_files: &BTreeMap::new(),
        environment: &environment,
        secrets: &BTreeMap::new(),
        accepted: &BTreeSet::new(),
    });
    Ok(match translated {
        Err(problems) => problems
            .iter()
            .map(|problem| {
                // What a configuration gives is not known here.
                let may_be_given = matches!(problem, stacks::Problem::Content { .. }) && !has_template;
                let level = if may_be_given { Level::Warning } else { Level::Error };
                place.finding(level, SWARM, &problem.to_string(), None)
            })
            .collect(),
        Ok(wanted) => {
            let left_out = |(service, keys): (&String, &BTreeSet<String>)| {
                let keys = keys.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
                let message = format!("services.{service}: a swarm leaves out {keys}");
                place.finding(Level::Warning, SWARM, &message, Some(service))
            };
            wanted.ignored.iter().map(left_out).collect()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_template_leaves_open_gets_a_stand_in() {
        let all = values(Some("A=own\n"), Some("# about\nA=template\nB=\nC=given\nD\n"));
        let text = all.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect::<Vec<_>>();
        let has = |line: &str| text.contains(&line);
        assert!(has("A=own") && has("B=1") && has("C=given") && !has("A=template"), "{all}");
    }

    #[test]
    fn services_are_found_where_they_begin() {
        let text = "x-base:\n  api: {}\nservices:\n  # api: not here\n  web:\n    image: a\n  'api':\n    image: b\nvolumes:\n  data:\n";
        assert_eq!((line_of(text, "web"), line_of(text, "api")), (Some(5), Some(7)));
        assert_eq!((line_of(text, "data"), line_of("a: b\n", "a")), (None, None));
    }
}
