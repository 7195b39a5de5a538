//! What the rules say of the services of a project, and where that is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use compose::policy::{Facts, Rule, Subject};
use compose::{Config, ReadyState};
use secret::Secret;
use swarm::stacks::{self, Files, Problem};
use tree::{Modes, Tree};

use super::configuration::Line;
use super::finding::{Finding, Level};
use super::rules::Rules;
use crate::exit::Failure;

/// What Compose says of the files.
pub const COMPOSE: &str = "compose";
/// What a swarm cannot do.
pub const SWARM: &str = "swarm";
/// The rule about variables that the template does not name.
pub const ENV_TEMPLATE: &str = "env_template";
/// The rule about variables that nothing names.
pub const UNDEFINED: &str = "undefined_variables";

/// Where findings are.
pub struct Place<'a> {
    /// The directory, as it is reached from the working directory.
    pub shown: PathBuf,
    /// The directory.
    pub directory: &'a Path,
    /// The Compose files, from there.
    pub files: &'a [String],
    /// Where the configuration has the Compose files themselves, if it does.
    pub written_at: Option<&'a Line>,
}

impl Place<'_> {
    /// One about a service, at the line where a file of the project begins it; else about the first file.
    pub fn finding(&self, level: Level, rule: &str, message: &str, service: Option<&str>) -> Finding {
        let at = service.and_then(|service| self.line_with(&|text| line_of(text, service)));
        self.at(at, level, rule, message, service)
    }

    /// One about a variable, at the line where it is used first.
    pub fn about_variable(&self, level: Level, rule: &str, message: &str, name: &str) -> Finding {
        let uses = |line: &str| {
            let rest = line.split('$').skip(1).map(|rest| rest.strip_prefix('{').unwrap_or(rest));
            let name_of = |rest: &str| {
                rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next() == Some(name)
            };
            rest.into_iter().any(name_of)
        };
        let at = self.line_with(&|text| text.lines().position(uses).map(|at| at + 1));
        self.at(at, level, rule, message, None)
    }

    /// The first file that has a line.
    fn line_with(&self, find: &dyn Fn(&str) -> Option<usize>) -> Option<(&String, usize)> {
        self.files.iter().find_map(|name| {
            let text = std::fs::read_to_string(self.directory.join(name)).ok()?;
            Some((name, find(&text)?))
        })
    }

    fn at(
        &self,
        at: Option<(&String, usize)>,
        level: Level,
        rule: &str,
        message: &str,
        service: Option<&str>,
    ) -> Finding {
        let name =
            at.map_or(self.files.first(), |(name, _)| Some(name)).map(String::as_str).unwrap_or_default();
        let (file, line) = match self.written_at {
            Some(place) => (place.file.clone(), Some(place.line)),
            None => (self.shown.join(name).display().to_string(), at.map(|(_, line)| line)),
        };
        Finding {
            level,
            rule: rule.to_owned(),
            message: message.to_owned(),
            file,
            line,
            service: service.map(str::to_owned),
        }
    }
}

/// The line on which a Compose file begins a service, found by its own indentation: it is a key of what is
/// under `services:`.
fn line_of(text: &str, service: &str) -> Option<usize> {
    let lines = text.lines().enumerate().skip_while(|(_, line)| line.trim_end() != "services:").skip(1);
    let names = [format!("{service}:"), format!("\"{service}\":"), format!("'{service}':")];
    let begins = |line: &str| names.iter().any(|name| line.trim_start().starts_with(name.as_str()));
    let inside = lines.take_while(|(_, line)| line.is_empty() || line.starts_with([' ', '\t', '#']));
    inside.into_iter().find(|(_, line)| begins(line)).map(|(at, _)| at + 1)
}

/// What is decided elsewhere than in the files.
#[derive(Default)]
pub struct Decided<'a> {
    /// Images in place of those of the files; `None` for one that is not known.
    pub images: Option<&'a BTreeMap<String, Option<String>>>,
    /// Whether any image may be another one.
    pub any_image: bool,
    /// The services that are started; all without it.
    pub started: Option<&'a BTreeSet<String>>,
}

/// What does not keep to the rules.
pub fn violations(place: &Place<'_>, config: &Config, rules: &Rules, decided: &Decided<'_>) -> Vec<Finding> {
    let facts: BTreeMap<&String, Facts> =
        config.services.keys().map(|name| (name, Facts::of(&config.document["services"][name]))).collect();
    // What a program beside Compose provides is no container.
    let containers = config.services.iter().filter(|(_, one)| !one.image.is_empty());
    let subjects = containers.map(|(name, service)| {
        let own = service.build.is_none().then_some(service.image.as_str());
        let image = match decided.images.and_then(|images| images.get(name)) {
            Some(other) => other.as_deref(),
            None => own.filter(|_| !decided.any_image),
        };
        let is_started = decided.started.is_none_or(|started| started.contains(name));
        let ready = if is_started { ReadyState::of(service) } else { ReadyState::Idle };
        (name.clone(), Subject { image, ready, facts: &facts[name] })
    });
    let found = rules.policies.violations(&subjects.collect());
    let told = |one: &compose::policy::Violation| {
        let message = format!("{} {}", one.path, one.what);
        place.finding(Level::Error, one.rule.name(), &message, Some(&one.service))
    };
    found.iter().map(told).collect()
}

/// What is known of a stack on a swarm beside its files.
#[derive(Default)]
pub struct OfSwarm {
    /// Plain variables.
    pub environment: BTreeMap<String, String>,
    /// Names of secrets.
    pub secrets: BTreeSet<String>,
    /// Keys that may be lost; `None` where that is not known.
    pub accepted: Option<BTreeSet<String>>,
    /// Files that come from elsewhere; `None` where it is not known which.
    pub contents: Option<BTreeSet<String>>,
    /// Whether a content that is missing may be given all the same.
    pub may_be_given: bool,
}

/// What a swarm cannot do, and what it leaves out.
///
/// # Errors
/// When the directory cannot be read.
pub fn in_swarm(place: &Place<'_>, config: &Config, of: &OfSwarm) -> Result<Vec<Finding>, Failure> {
    let directory = place.directory.display().to_string();
    let source = Tree::directory(&directory, Modes::of_word(None)).map_err(|error| {
        Failure::new(format!("Could not check {}", place.shown.display())).with(error.problems.join("\n"))
    })?;
    let placeholder = |name: &String| (name.clone(), Secret::new(super::STAND_IN));
    let files = of.contents.iter().flatten().map(|path| (path.clone(), super::STAND_IN.to_owned()));
    let translated = stacks::translate(&Files {
        name: &config.name,
        root: &directory,
        document: &config.document,
        runs: &BTreeSet::new(),
        source: &source,
        secret_files: &files.collect(),
        environment: &of.environment,
        secrets: &of.secrets.iter().map(placeholder).collect(),
        accepted: of.accepted.as_ref().unwrap_or(&BTreeSet::new()),
    });
    let wanted = match translated {
        Ok(wanted) => wanted,
        Err(problems) => return Ok(problems.iter().filter_map(|problem| of.told(place, problem)).collect()),
    };
    let left_out = |(service, keys): (&String, &BTreeSet<String>)| {
        let keys = keys.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
        let message = format!("services.{service}: a swarm leaves out {keys}");
        place.finding(Level::Warning, SWARM, &message, Some(service))
    };
    Ok(wanted.ignored.iter().map(left_out).collect())
}

impl OfSwarm {
    fn told(&self, place: &Place<'_>, problem: &Problem) -> Option<Finding> {
        let is_content = matches!(problem, Problem::Content { .. });
        if is_content && self.contents.is_none() || problem.is_key() && self.accepted.is_none() {
            return None;
        }
        let level = if is_content && self.may_be_given { Level::Warning } else { Level::Error };
        Some(place.finding(level, SWARM, &problem.to_string(), None))
    }
}

/// The rules that look at values, which stand-ins may break.
pub fn looks_at_values(rule: &str) -> bool {
    [Rule::PinnedImages.name(), Rule::HostPorts.name(), COMPOSE, SWARM].contains(&rule)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_found_where_they_begin() {
        let text = "x-base:\n  api: {}\nservices:\n  # api: not here\n  web:\n    image: a\n  'api':\n    image: b\nvolumes:\n  data:\n";
        assert_eq!((line_of(text, "web"), line_of(text, "api")), (Some(5), Some(7)));
        assert_eq!((line_of(text, "data"), line_of("a: b\n", "a")), (None, None));
    }

    #[test]
    fn a_variable_is_found_where_it_is_used() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.yaml"), "x: $TAGS\ny: ${TAG:-1}\nz: $PORT/x\n").unwrap();
        let files = ["a.yaml".to_owned()];
        let place = Place { shown: "app".into(), directory: folder.path(), files: &files, written_at: None };
        let line = |name: &str| place.about_variable(Level::Error, UNDEFINED, "m", name).line;
        assert_eq!(
            (line("TAG"), line("PORT"), line("TAGS"), line("NONE")),
            (Some(2), Some(3), Some(1), None)
        );
        let at = Line { file: "main.tf".into(), line: 7 };
        let place = Place { written_at: Some(&at), ..place };
        let found = place.about_variable(Level::Error, UNDEFINED, "m", "TAG");
        assert_eq!((found.file.as_str(), found.line), ("main.tf", Some(7)));
    }
}
