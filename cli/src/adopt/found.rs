//! What a host has that nobody manages yet.

use std::collections::{BTreeMap, BTreeSet};

use compose::layout::ENV_FILE;
use compose::outline::references;
use docker::engine::{NetworkSpec, VolumeSpec};
use serde::Deserialize;

/// All that can be adopted, and what cannot.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Compose projects.
    pub projects: Vec<Project>,
    /// Networks that belong to none.
    pub networks: Vec<NetworkSpec>,
    /// Volumes that belong to none.
    pub volumes: Vec<VolumeSpec>,
    /// Files that cron reads.
    pub cron: Vec<CronFile>,
    /// What is left out.
    pub left_out: Vec<LeftOut>,
}

/// Something that is not adopted.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LeftOut {
    /// What it is.
    pub what: String,
    /// Why not.
    pub why: String,
}

impl LeftOut {
    /// A project.
    pub fn project(name: &str, why: String) -> Self {
        Self { what: format!("project {name}"), why }
    }
}

/// A Compose project that somebody has started by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// Its directory.
    pub directory: String,
    /// Its Compose files, relative to that, in the order in which they are merged.
    pub files: Vec<String>,
    /// Everything that Compose reads of it but `.env`, by paths relative to its directory.
    pub texts: BTreeMap<String, Text>,
    /// The profiles that its containers need.
    pub profiles: BTreeSet<String>,
    /// Its services that run, where these are not all that its profiles switch on.
    pub started: Option<BTreeSet<String>>,
    /// Whether there is a `.env` beside its files.
    pub has_env: bool,
    /// Whether it uses variables that nothing sets.
    pub has_undefined: bool,
    /// What the first plan will show to be otherwise than its files say.
    pub differences: Vec<String>,
}

/// A file that Compose reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What is in it.
    pub text: String,
    /// Whether it says how the project is, and is no list of values, any of which may be a secret.
    pub is_compose: bool,
}

/// Where files lie that say for each line whose it is; other folders have the crontabs of users.
const CRON_FOLDER: &str = "/etc/cron.d/";

/// A file that cron reads.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are what their names say")]
pub struct CronFile {
    pub path: String,
    pub mode: String,
    pub owner: String,
    pub group: String,
    pub text: String,
}

impl CronFile {
    /// Its name in its folder.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The user whose own crontab it is, and nobody's else: such a file is named like its user.
    pub fn user(&self) -> Option<&str> {
        (!self.path.starts_with(CRON_FOLDER)).then(|| self.name())
    }

    /// Where it is copied to, relative to the folder of what is written.
    pub fn copy(&self) -> String {
        let name = self.name();
        self.user().map_or_else(|| format!("cron/{name}"), |user| format!("cron/crontabs/{user}"))
    }
}

/// A path in `directory`, relative to it.
pub fn below<'p>(path: &'p str, directory: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(directory.trim_end_matches('/'))?.strip_prefix('/')?;
    (!rest.is_empty() && !rest.split('/').any(|part| part == "..")).then_some(rest)
}

/// Whether a text that is to say how something is made seems to say a secret: a network share is mounted with
/// its password among the options.
pub fn may_be_secret(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["pass", "secret", "token"].iter().any(|word| text.contains(word))
}

/// Whether a file that Compose reads is a Compose file, by its name.
pub fn is_compose(path: &str) -> bool {
    [".yaml", ".yml"].iter().any(|ending| path.ends_with(ending))
}

/// The files of a project that Compose may read with the Compose file at `path`: what `text` names is beside
/// it, or in the project's directory. The `.env` there is none of them; nor is what only Compose knows the
/// name of, and what is elsewhere.
pub fn read_with(path: &str, text: &str) -> BTreeSet<String> {
    let named = references(text).unwrap_or_default();
    let named = named.iter().filter(|name| !name.contains('$') && !name.starts_with(['/', '~']));
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let places = named.flat_map(|name| [format!("./{folder}/{name}"), format!("./{name}")]);
    let values = format!("./{folder}/{ENV_FILE}");
    let all = places.chain([values]).filter_map(|place| compose::inside_directory(&place));
    all.filter(|path| path != ENV_FILE).collect()
}

/// What `docker compose config --format json` says of a project with all of its profiles.
#[derive(Debug, Deserialize)]
pub struct Document {
    #[serde(default)]
    services: BTreeMap<String, Service>,
}

#[derive(Debug, Deserialize)]
struct Service {
    #[serde(default)]
    profiles: Vec<String>,
    scale: Option<u32>,
    deploy: Option<Deploy>,
}

#[derive(Debug, Deserialize)]
struct Deploy {
    replicas: Option<u32>,
}

impl Service {
    fn replicas(&self) -> u32 {
        self.deploy.as_ref().and_then(|deploy| deploy.replicas).or(self.scale).unwrap_or(1)
    }

    fn is_on(&self, profiles: &BTreeSet<String>) -> bool {
        self.profiles.is_empty() || self.profiles.iter().any(|profile| profiles.contains(profile))
    }
}

impl Document {
    /// Reads one.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// The profiles that `running` services need.
    pub fn profiles<'s>(&self, running: impl IntoIterator<Item = &'s String>) -> BTreeSet<String> {
        let first = |name: &String| self.services.get(name)?.profiles.first().cloned();
        running.into_iter().filter_map(first).collect()
    }

    /// The `running` services, where these are not all that `profiles` switch on.
    pub fn started<'s>(
        &self,
        running: impl IntoIterator<Item = &'s String>,
        profiles: &BTreeSet<String>,
    ) -> Option<BTreeSet<String>> {
        let running: BTreeSet<String> =
            running.into_iter().filter(|name| self.services.contains_key(*name)).cloned().collect();
        let is_missing = |(name, service): (&String, &Service)| {
            service.is_on(profiles) && service.replicas() > 0 && !running.contains(name)
        };
        self.services.iter().any(is_missing).then_some(running)
    }

    /// How `service` with `replicas` containers, labelled with the hash `label`, is otherwise than the files
    /// say, whose own hash of it is `hash`.
    pub fn difference(
        &self,
        service: &str,
        replicas: u32,
        (label, hash): (&str, Option<&String>),
    ) -> Option<String> {
        let Some(wanted) = self.services.get(service) else {
            return Some(format!("the files have no service {service} (any more), and it will be removed"));
        };
        if hash.is_some_and(|hash| hash != label) {
            return Some(format!(
                "service {service} was started from other files, or with variables of a shell, and will be replaced"
            ));
        }
        let scaled = wanted.replicas() != replicas;
        scaled.then(|| {
            format!("service {service} has {replicas} containers, and will have {}", wanted.replicas())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_below_a_directory_can_be_shipped_there() {
        assert_eq!(below("/srv/shop/a/b.yaml", "/srv/shop"), Some("a/b.yaml"));
        assert_eq!(below("/srv/shop/a", "/srv/shop/"), Some("a"));
        for path in ["/srv/shop", "/srv/shop/", "/srv/shopping/a", "/etc/a", "/srv/shop/../a"] {
            assert_eq!(below(path, "/srv/shop"), None, "{path}");
        }
    }

    #[test]
    fn what_compose_reads_beside_a_file_is_found_by_it() {
        let text = "include: [sub/more.yaml]\nservices:\n  a: { env_file: [.env, ./a.env, '${X}.env', /etc/b.env, ../c] }\n";
        assert_eq!(read_with("compose.yaml", text), names(&["a.env", "sub/more.yaml"]));
        let text = "services: { b: { env_file: b.env } }";
        assert_eq!(read_with("sub/more.yaml", text), names(&["b.env", "sub/.env", "sub/b.env"]));
        assert!(read_with("compose.yaml", "[").is_empty());
    }

    #[test]
    fn passwords_of_network_shares_are_known() {
        assert!(may_be_secret("addr=nas,username=a,Password=b") && !may_be_secret("addr=nas,rw"));
    }

    fn document() -> Document {
        Document::parse(
            br#"{"services":{"app":{"scale":2},"db":{"deploy":{"replicas":1}},"off":{"scale":0},
                "debug":{"profiles":["tools","x"]},"job":{"profiles":["jobs"]}}}"#,
        )
        .unwrap()
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_service_that_runs_has_switched_on_its_profile() {
        assert_eq!(document().profiles(&names(&["app", "debug", "gone"])), names(&["tools"]));
        assert!(Document::parse(b"[").is_err());
    }

    #[test]
    fn which_services_are_started_is_told_only_where_one_is_not() {
        let started =
            |running: &[&str], profiles: &[&str]| document().started(&names(running), &names(profiles));
        assert_eq!(started(&["app", "db"], &[]), None);
        assert_eq!(started(&["app", "gone"], &[]), Some(names(&["app"])));
        assert_eq!(started(&["app", "db"], &["tools"]), Some(names(&["app", "db"])));
    }

    #[test]
    fn what_is_otherwise_than_the_files_say_is_told() {
        let hash = "h".to_owned();
        let told = |service, replicas, label| document().difference(service, replicas, (label, Some(&hash)));
        assert_eq!(told("app", 2, "h"), None);
        assert_eq!(told("app", 1, "h").unwrap(), "service app has 1 containers, and will have 2");
        assert!(told("app", 2, "other").unwrap().contains("variables of a shell"));
        assert!(told("gone", 1, "h").unwrap().contains("no service gone"));
    }
}
