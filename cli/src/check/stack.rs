//! One stack of a configuration: its Compose files with what the configuration gives them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use compose::discovery::{Env, Unclear};
use compose::interpolation::Known;
use compose::layout::assignment;
use compose::needs::{Facts, needs};
use compose::{Config, Project, dotenv};

use super::configuration::{Line, Source, Stack};
use super::finding::{Finding, Level};
use super::local::{LocalCompose, required, without_log};
use super::project::{project, read_if_there};
use super::rules::{CheckSettings, Rules};
use super::services::{
    COMPOSE, Decided, ENV_TEMPLATE, OfSwarm, Place, UNDEFINED, in_swarm, looks_at_values, violations,
};
use super::{OTHER_STAND_IN, STAND_IN};
use crate::exit::Failure;

/// The rule about what cannot be said of a configuration.
const CONFIGURATION: &str = "configuration";

/// Everything that is wrong with a stack. Places are told as they are reached from `here`.
///
/// # Errors
/// When it cannot be looked at.
pub async fn check(
    local: &LocalCompose,
    stack: &Stack,
    settings: &CheckSettings,
    here: &Path,
) -> Result<Vec<Finding>, Failure> {
    let rules = match settings.rules_of(&stack.required) {
        Ok(rules) => rules,
        Err(why) => {
            return Ok(vec![told(
                &stack.at,
                Level::Error,
                CONFIGURATION,
                format!("{}: {why}", stack.address),
            )]);
        }
    };
    let checking = Checking { local, stack, rules, here };
    let files = match checking.files()? {
        Ok(files) => files,
        Err(finding) => return Ok(vec![finding]),
    };
    let mut findings = checking.template(&files)?;
    findings.extend(checking.resolved(&files).await?);
    Ok(findings)
}

/// A finding in the configuration itself.
fn told(at: &Line, level: Level, rule: &str, message: String) -> Finding {
    Finding {
        level,
        rule: rule.to_owned(),
        message,
        file: at.file.clone(),
        line: Some(at.line),
        service: None,
    }
}

struct Checking<'a> {
    local: &'a LocalCompose,
    stack: &'a Stack,
    rules: Rules,
    here: &'a Path,
}

/// The Compose files of a stack.
struct Files {
    directory: PathBuf,
    /// From the directory, in the order in which they are merged.
    names: Vec<String>,
    profiles: Vec<String>,
    /// The text of the stack's own file of variables.
    own: Option<String>,
    /// Where texts of the configuration lie meanwhile.
    _written: Option<tempfile::TempDir>,
}

impl Checking<'_> {
    fn failed(&self) -> Failure {
        Failure::new(format!("Could not check {}", self.stack.address))
    }

    fn shown(&self, directory: &Path) -> PathBuf {
        directory.strip_prefix(self.here).unwrap_or(directory).to_owned()
    }

    fn place<'f>(&'f self, files: &'f Files) -> Place<'f> {
        let is_written = files._written.is_some();
        Place {
            shown: self.shown(&files.directory),
            directory: &files.directory,
            files: &files.names,
            written_at: is_written.then_some(&self.stack.source_at),
        }
    }

    /// Whether a file may come from the configuration, or from what only a plan knows.
    fn may_be_rendered(&self, name: &str) -> bool {
        self.stack.contents.as_ref().is_none_or(|contents| contents.contains(name))
    }

    /// The Compose files, or why there are none to check.
    fn files(&self) -> Result<Result<Files, Finding>, Failure> {
        match &self.stack.source {
            Source::Texts(texts) => self.written(texts).map(Ok),
            Source::Directory(directory) => self.in_directory(directory),
        }
    }

    fn written(&self, texts: &[String]) -> Result<Files, Failure> {
        let failed = |error: std::io::Error| self.failed().because(&error);
        let folder = tempfile::tempdir().map_err(failed)?;
        let mut names = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            let name = format!("config-{at}.yaml");
            std::fs::write(folder.path().join(&name), text).map_err(failed)?;
            names.push(name);
        }
        Ok(Files {
            directory: folder.path().canonicalize().map_err(failed)?,
            names,
            profiles: self.stack.profiles.clone().unwrap_or_default(),
            own: None,
            _written: Some(folder),
        })
    }

    fn in_directory(&self, directory: &Path) -> Result<Result<Files, Finding>, Failure> {
        let Stack { address, source_at, files, env_file, .. } = self.stack;
        let at_source = |level, rule: &str, message| Ok(Err(told(source_at, level, rule, message)));
        let shown = self.shown(directory).display().to_string();
        let Ok(directory) = directory.canonicalize() else {
            let message = format!("{address}: there is no directory {shown}");
            return at_source(Level::Error, "source_dir", message);
        };
        let read =
            |name: &str| read_if_there(&directory.join(name)).map_err(|error| self.failed().because(&error));
        let first = files.as_ref().and_then(|files| files.first());
        let beside = first.and_then(|file| file.rsplit_once('/')).map(|(folder, _)| format!("{folder}/.env"));
        let beside = beside.unwrap_or_else(|| ".env".into());
        let own = read(env_file.as_deref().unwrap_or(&beside))?;
        if let (None, Some(name)) = (&own, env_file) {
            return match self.may_be_rendered(name) {
                true => at_source(
                    Level::Note,
                    CONFIGURATION,
                    format!("{address} is not checked: {name} is made by the apply"),
                ),
                false => at_source(
                    Level::Error,
                    "env_file",
                    format!("{address}: there is no file {name} in {shown}"),
                ),
            };
        }
        let found = match self.found(&directory, own.as_deref()) {
            Ok(found) => found,
            Err(why) => {
                return at_source(Level::Note, CONFIGURATION, format!("{address} is not checked: {why}"));
            }
        };
        let (names, profiles) = found;
        let rendered = names.iter().find(|name| {
            self.stack.contents.as_ref().is_some_and(|contents| contents.contains(*name))
                || self.stack.contents.is_none() && !directory.join(name).is_file()
        });
        if let Some(name) = rendered {
            return at_source(
                Level::Note,
                CONFIGURATION,
                format!("{address} is not checked: {name} is made by the apply"),
            );
        }
        if names.is_empty() {
            let may_come = compose::discovery::NAMES.iter().any(|name| self.may_be_rendered(name));
            return match may_come {
                true => at_source(
                    Level::Note,
                    CONFIGURATION,
                    format!("{address} is not checked: its Compose files are made by the apply"),
                ),
                false => at_source(
                    Level::Error,
                    COMPOSE,
                    format!("{address}: there is no Compose file in {shown}"),
                ),
            };
        }
        Ok(Ok(Files { directory, names, profiles, own, _written: None }))
    }

    /// The names of the files and the profiles.
    fn found(&self, directory: &Path, own: Option<&str>) -> Result<(Vec<String>, Vec<String>), Unclear> {
        let given = |name: &str| match self.stack.given.values.get(name) {
            Some(Some(value)) => Ok(Some(value.clone())),
            Some(None) => Err(()),
            None if self.stack.given.others => Err(()),
            None => Ok(None),
        };
        let env = Env { text: own, given: &given };
        let names = match &self.stack.files {
            Some(files) => files.clone(),
            None => env.files(&|name| directory.join(name).is_file())?.files,
        };
        let profiles = match &self.stack.profiles {
            Some(profiles) => profiles.clone(),
            None => env.profiles()?,
        };
        Ok((names, profiles))
    }

    /// Whether all variables of the template have a value.
    fn template(&self, files: &Files) -> Result<Vec<Finding>, Failure> {
        let Some(name) = &self.rules.env_template else { return Ok(Vec::new()) };
        // One beside texts starts from where the core runs, which the configuration decides.
        let text =
            read_if_there(&files.directory.join(name)).map_err(|error| self.failed().because(&error))?;
        let Some(text) = text else {
            if files._written.is_some() || self.may_be_rendered(name) {
                return Ok(Vec::new());
            }
            let message = format!("{}: there is no file {name} in its `source_dir`", self.stack.address);
            return Ok(vec![told(&self.stack.at, Level::Error, ENV_TEMPLATE, message)]);
        };
        if self.stack.given.others {
            return Ok(Vec::new());
        }
        let own = dotenv::variables(files.own.as_deref().unwrap_or_default()).unwrap_or_default();
        let named = dotenv::variables(&text).unwrap_or_default().into_keys();
        let missing =
            named.filter(|name| !self.stack.given.values.contains_key(name) && !own.contains_key(name));
        let missing: Vec<String> = missing.collect();
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let message = format!(
            "{}: {name} names variables that have no value: {}. Set them in `environment`, in `secrets_wo` or in the \
             stack's own .env file",
            self.stack.address,
            missing.join(", ")
        );
        Ok(vec![told(&self.stack.at, Level::Error, ENV_TEMPLATE, message)])
    }

    /// What Compose and the rules say. What depends on values that only a plan knows is left out: such a
    /// finding would be another one with another value.
    async fn resolved(&self, files: &Files) -> Result<Vec<Finding>, Failure> {
        let mut findings = self.with(files, STAND_IN).await?;
        let is_open = self.stack.given.values.values().any(Option::is_none);
        if !is_open || !findings.iter().any(|one| looks_at_values(&one.rule)) {
            return Ok(findings);
        }
        let others = self.with(files, OTHER_STAND_IN).await?;
        let before = findings.len();
        findings.retain(|one| !looks_at_values(&one.rule) || others.contains(one));
        if findings.len() < before {
            let message = format!(
                "{}: what its services publish or run depends on values that only a plan knows; that is not checked",
                self.stack.address
            );
            findings.push(told(&self.stack.at, Level::Note, CONFIGURATION, message));
        }
        Ok(findings)
    }

    /// The same with one value in the place of all that are not known.
    async fn with(&self, files: &Files, stand_in: &str) -> Result<Vec<Finding>, Failure> {
        let place = self.place(files);
        let given = self.stack.given.values.iter();
        let lines = given.map(|(name, value)| assignment(name, value.as_deref().unwrap_or(stand_in)));
        let mut lines: String = lines.collect();
        let own = files.own.as_deref().unwrap_or_default();
        let env_file = tempfile::NamedTempFile::new().map_err(|error| self.failed().because(&error))?;
        let project = project(&files.directory, &files.names, files.profiles.clone(), env_file.path());
        let compose = self.local.of(&files.directory, &place.shown);
        let mut wanted = BTreeSet::new();
        let ((document, unset), values) = loop {
            let values = dotenv::followed_by(&lines, own);
            std::fs::write(env_file.path(), &values).map_err(|error| self.failed().because(&error))?;
            let why = match compose.resolve_structure(&project).await {
                Ok(answer) => break (answer, values),
                Err(why) => why,
            };
            let said = why.output().map(str::to_owned);
            let said = said.ok_or_else(|| self.failed().because(&*why.error))?;
            // Whether it has a value, only a plan knows.
            match required(&said).filter(|_| self.stack.given.others) {
                Some(name) if wanted.insert(name.to_owned()) => lines += &assignment(name, stand_in),
                _ => return Ok(vec![place.finding(Level::Error, COMPOSE, &without_log(&said), None)]),
            }
        };
        let config = Config::parse(&document).map_err(|error| self.failed().because(&error))?;
        let mut findings = self.undefined(&place, (&project, &config), &unset, &values).await;
        let decided = Decided {
            images: Some(&self.stack.images),
            any_image: self.stack.any_image,
            started: self.stack.started.as_ref(),
        };
        findings.extend(violations(&place, &config, &self.rules, &decided));
        if self.stack.swarm {
            findings.extend(in_swarm(&place, &config, &self.of_swarm(stand_in))?);
        }
        Ok(findings)
    }

    fn of_swarm(&self, stand_in: &str) -> OfSwarm {
        let given = self.stack.given.values.iter();
        let plain =
            given.map(|(name, value)| (name.clone(), value.clone().unwrap_or_else(|| stand_in.to_owned())));
        OfSwarm {
            environment: plain.collect(),
            secrets: BTreeSet::new(),
            accepted: self.stack.accepted.clone(),
            contents: self.stack.contents.clone().filter(|_| !self.stack.given.others),
            may_be_given: false,
        }
    }

    /// Variables that services need which are started, and that nothing gives.
    async fn undefined(
        &self,
        place: &Place<'_>,
        (project, config): (&Project, &Config),
        unset: &BTreeSet<String>,
        values: &str,
    ) -> Vec<Finding> {
        if unset.is_empty() {
            return Vec::new();
        }
        let is_started =
            |name: &&String| self.stack.started.as_ref().is_none_or(|started| started.contains(*name));
        let services: BTreeSet<String> = config.services.keys().filter(is_started).cloned().collect();
        let raw = self.local.of(place.directory, &place.shown).raw_config(project).await;
        // Where Compose does not say who needs what, nothing is found.
        let Ok(raw) = raw else { return Vec::new() };
        let own = dotenv::variables(values).unwrap_or_default();
        let known = |name: &str| match own.get(name) {
            _ if compose::OWN_VARIABLES.contains(&name) => Known::Given,
            Some(true) => Known::Given,
            Some(false) => Known::Empty,
            None => Known::Unset,
        };
        let given = |name: &str| self.stack.given.values.contains_key(name);
        let built = dotenv::built_on_missing(values, &given, &known);
        // Env files of services are not read: a host may have others.
        let facts = Facts { known: &known, built: &built, env_texts: &|_| Vec::new() };
        let needed: BTreeMap<String, BTreeSet<String>> = needs(&raw, &services, unset, facts);
        let level = match (self.stack.given.others, self.stack.undefined_is_error) {
            (true, _) => Level::Note,
            (false, true) => Level::Error,
            (false, false) => Level::Warning,
        };
        let told = |(name, services): (&String, &BTreeSet<String>)| {
            let services = services.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let message = format!(
                "{name} has no value, and {services} of {} cannot do without it: `environment`, `secrets_wo` or the \
                 stack's own .env must give it",
                self.stack.address
            );
            place.about_variable(level, UNDEFINED, &message, name)
        };
        needed.iter().map(told).collect()
    }
}
