//! `[check]` of `windlass.toml`: what is checked, and what is required of it, in the words of the provider's
//! `require` blocks.

use std::path::{Path, PathBuf};

use compose::policy::{BadEntry, HostPort, Pin, Policies};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// `[check]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckSettings {
    /// Directories with Compose files or a configuration, from where `windlass.toml` lies.
    pub directories: Vec<String>,
    /// The same, of stacks for a Docker Swarm.
    pub swarm: Vec<String>,
    /// What every service must keep to.
    pub require: Require,
}

/// `[check.require]`
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Require {
    pinned_images: Option<PinnedImages>,
    healthchecks: bool,
    memory_limits: bool,
    cpu_limits: bool,
    memory_reservations: bool,
    cpu_reservations: bool,
    no_privileged: bool,
    host_ports_allowed: Option<Vec<String>>,
    env_template: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum PinnedImages {
    Tag,
    Digest,
    None,
}

/// What is asked of every project.
#[derive(Debug, Default)]
pub struct Rules {
    /// What services must keep to.
    pub policies: Policies,
    /// The file in each directory that names the variables, such as `.env.example`.
    pub env_template: Option<String>,
}

/// A directory to check.
#[derive(Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The directory.
    pub path: PathBuf,
    /// Whether it is for a swarm.
    pub swarm: bool,
}

impl Wanted {
    /// The directory as machines want it: without `./` before it.
    pub fn shown(&self) -> PathBuf {
        self.path.strip_prefix(".").unwrap_or(&self.path).to_owned()
    }
}

/// Why a block `require` means nothing.
#[derive(Debug, thiserror::Error)]
pub enum BadRule {
    /// What it says is not one of its words.
    #[error("its `require` cannot be followed: {0}")]
    Word(#[from] serde_json::Error),
    /// An entry of `host_ports_allowed` is none.
    #[error("its `host_ports_allowed` cannot be followed: {0}")]
    Port(#[from] BadEntry),
}

impl CheckSettings {
    /// What is asked of a stack whose own block says this, rule by rule. Null is a rule that nobody knows yet:
    /// it is not asked.
    ///
    /// # Errors
    /// When the block means nothing.
    pub fn rules_of(&self, own: &Map<String, Value>) -> Result<Rules, BadRule> {
        let Value::Object(mut all) = serde_json::to_value(&self.require)? else {
            return Ok(self.rules()?);
        };
        all.extend(own.clone());
        // `null` is a rule that is not set, whatever its type.
        all.retain(|_, said| !said.is_null());
        let require: Require = serde_json::from_value(Value::Object(all))?;
        Ok(require.rules()?)
    }

    /// What is asked.
    ///
    /// # Errors
    /// When an entry of `host_ports_allowed` means nothing.
    pub fn rules(&self) -> Result<Rules, BadEntry> {
        self.require.rules()
    }
}

impl Require {
    fn rules(&self) -> Result<Rules, BadEntry> {
        let require = self;
        let ports = require
            .host_ports_allowed
            .as_ref()
            .map(|entries| entries.iter().map(|entry| HostPort::parse(entry)).collect::<Result<Vec<_>, _>>());
        let policies = Policies {
            pinned_images: match require.pinned_images {
                Some(PinnedImages::Tag) => Some(Pin::Tag),
                Some(PinnedImages::Digest) => Some(Pin::Digest),
                Some(PinnedImages::None) | None => None,
            },
            health_checks: require.healthchecks,
            memory_limits: require.memory_limits,
            cpu_limits: require.cpu_limits,
            memory_reservations: require.memory_reservations,
            cpu_reservations: require.cpu_reservations,
            no_privileged: require.no_privileged,
            host_ports: ports.transpose()?,
        };
        Ok(Rules { policies, env_template: require.env_template.clone().filter(|path| !path.is_empty()) })
    }
}

impl CheckSettings {
    /// The directories: those that were asked for, else those of the settings, else where we are. One that
    /// the settings call a swarm's is one also where it was asked for.
    pub fn projects(&self, folder: &Path, asked: &[PathBuf]) -> Vec<Wanted> {
        let at = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let swarm: Vec<PathBuf> = self.swarm.iter().map(|path| at(&folder.join(path))).collect();
        let shown = |path: &String| {
            let path = folder.join(path);
            let here = std::env::current_dir().unwrap_or_default();
            path.strip_prefix(&here).map_or_else(|_| path.clone(), Path::to_owned)
        };
        let mut all: Vec<PathBuf> = match asked {
            [] => self.directories.iter().chain(&self.swarm).map(shown).collect(),
            asked => asked.to_vec(),
        };
        if all.is_empty() {
            all.push(PathBuf::from("."));
        }
        all.into_iter().map(|path| Wanted { swarm: swarm.contains(&at(&path)), path }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> CheckSettings {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn rules_have_the_words_of_the_provider() {
        let rules = settings(
            "[require]\npinned_images = \"digest\"\nhealthchecks = true\nhost_ports_allowed = [\"80\"]\nenv_template = \".env.example\"\n",
        );
        let rules = rules.rules().unwrap();
        assert_eq!(rules.policies.pinned_images, Some(Pin::Digest));
        assert!(rules.policies.health_checks && !rules.policies.cpu_limits);
        assert_eq!(rules.policies.host_ports.map(|ports| ports.len()), Some(1));
        assert_eq!(rules.env_template.as_deref(), Some(".env.example"));
        let wrong = settings("[require]\nhost_ports_allowed = [\"http\"]\n").rules().unwrap_err();
        assert!(wrong.to_string().contains("\"http\""), "{wrong}");
        assert!(toml::from_str::<CheckSettings>("[require]\npinned_images = \"yes\"\n").is_err());
    }

    #[test]
    fn a_stack_says_rule_by_rule_what_counts() {
        let settings =
            settings("[require]\npinned_images = \"digest\"\nhealthchecks = true\nno_privileged = true\n");
        let own = |text: &str| settings.rules_of(&serde_json::from_str(text).unwrap());
        let rules =
            own(r#"{"pinned_images": "none", "healthchecks": null, "host_ports_allowed": ["443"]}"#).unwrap();
        let policies = &rules.policies;
        assert_eq!(
            (policies.pinned_images, policies.health_checks, policies.no_privileged),
            (None, false, true)
        );
        assert_eq!(policies.host_ports.as_ref().map(Vec::len), Some(1));
        assert!(
            own(r#"{"pinned_images": "yes"}"#).is_err() && own(r#"{"host_ports_allowed": ["x"]}"#).is_err()
        );
    }

    #[test]
    fn what_was_asked_for_goes_before_the_settings() {
        let settings = settings("directories = [\"a\"]\nswarm = [\"b\"]\n");
        let all = settings.projects(Path::new("/srv"), &[]);
        let paths: Vec<_> = all.iter().map(|one| (one.path.to_str().unwrap(), one.swarm)).collect();
        assert_eq!(paths, [("/srv/a", false), ("/srv/b", true)]);
        assert!(settings.projects(Path::new("/srv"), &["/srv/b".into()])[0].swarm);
        let none = CheckSettings::default().projects(Path::new("/srv"), &[]);
        assert_eq!(none, [Wanted { path: ".".into(), swarm: false }]);
    }
}
