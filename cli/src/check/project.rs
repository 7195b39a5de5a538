//! One directory with Compose files: what the local Compose makes of it, and what is wrong with that.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use compose::discovery::{Env, NAMES};
use compose::{Config, Project, dotenv};

use super::STAND_IN;
use super::finding::{Finding, Level};
use super::local::{LocalCompose, without_log};
use super::rules::{Rules, Wanted};
use super::services::{COMPOSE, Decided, ENV_TEMPLATE, OfSwarm, Place, UNDEFINED, in_swarm, violations};
use crate::exit::Failure;

/// Whether a directory has Compose files of its own.
pub fn is_one(directory: &Path) -> bool {
    NAMES.iter().any(|name| directory.join(name).is_file())
}

/// Everything that is wrong with a project.
///
/// # Errors
/// When it cannot be looked at.
pub async fn check(local: &LocalCompose, wanted: &Wanted, rules: &Rules) -> Result<Vec<Finding>, Failure> {
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
        return Err(failed().with(format!(
            "There is no Compose file in it (none is called {names}), and no configuration of OpenTofu or Terraform."
        )));
    }
    let profiles = env.profiles().map_err(|error| failed().because(&error))?;
    let mut env_file = tempfile::NamedTempFile::new().map_err(|error| failed().because(&error))?;
    env_file.write_all(values.as_bytes()).map_err(|error| failed().because(&error))?;
    let project = project(&directory, &found.files, profiles, env_file.path());
    let place = Place { shown: wanted.shown(), directory: &directory, files: &found.files, written_at: None };
    let (document, unset) = match local.of(&directory, &wanted.path).resolve_structure(&project).await {
        Ok(answer) => answer,
        Err(why) => {
            let said = why.output().map(str::to_owned);
            let said = said.ok_or_else(|| failed().because(&*why.error))?;
            return Ok(vec![place.finding(Level::Error, COMPOSE, &without_log(&said), None)]);
        }
    };
    let config = Config::parse(&document).map_err(|error| failed().because(&error))?;
    let mut findings =
        variables(&place, &unset, rules.env_template.as_deref().filter(|_| template.is_some()));
    findings.extend(violations(&place, &config, rules, &Decided::default()));
    if wanted.swarm {
        let names = dotenv::variables(&values).unwrap_or_default().into_keys();
        let of = OfSwarm {
            environment: names.map(|name| (name, STAND_IN.to_owned())).collect(),
            accepted: Some(BTreeSet::new()),
            contents: Some(BTreeSet::new()),
            // What a configuration gives is not known here.
            may_be_given: template.is_none(),
            ..OfSwarm::default()
        };
        findings.extend(in_swarm(&place, &config, &of)?);
    }
    Ok(findings)
}

/// A project as Compose is told of it.
pub fn project(directory: &Path, files: &[String], profiles: Vec<String>, env_file: &Path) -> Project {
    let absolute = |path: &Path| path.display().to_string();
    // Where the first file lies, as for a person who stands there.
    let folder =
        files.first().and_then(|file| file.rsplit_once('/')).map(|(folder, _)| directory.join(folder));
    Project {
        name: "check".into(),
        directory: absolute(folder.as_deref().unwrap_or(directory)),
        files: files.iter().map(|name| absolute(&directory.join(name))).collect(),
        profiles,
        env_file: absolute(env_file),
    }
}

/// The text of a file, where there is one.
///
/// # Errors
/// When it cannot be read.
pub fn read_if_there(path: &Path) -> std::io::Result<Option<String>> {
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

/// Variables that have no value: with a template, each is missing there; without one, a configuration may give it.
fn variables(place: &Place<'_>, unset: &BTreeSet<String>, template: Option<&str>) -> Vec<Finding> {
    let one = |name: &String| match template {
        Some(template) => {
            let message = format!("{name} is used and has no value, and {template} does not name it");
            place.about_variable(Level::Error, ENV_TEMPLATE, &message, name)
        }
        None => {
            let message = format!(
                "{name} has no value in .env; `environment` or `secrets_wo` of the stack must give it"
            );
            place.about_variable(Level::Warning, UNDEFINED, &message, name)
        }
    };
    unset.iter().map(one).collect()
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
    fn a_project_stands_where_its_first_file_is() {
        let files = ["deploy/prod.yaml".to_owned(), "base.yaml".to_owned()];
        let one = project(Path::new("/srv/app"), &files, Vec::new(), Path::new("/tmp/x"));
        assert_eq!(one.directory, "/srv/app/deploy");
        assert_eq!(one.files, ["/srv/app/deploy/prod.yaml", "/srv/app/base.yaml"]);
        assert_eq!(
            project(Path::new("/srv/app"), &files[1..], Vec::new(), Path::new("/tmp/x")).directory,
            "/srv/app"
        );
    }
}
