//! `[drill]` of `windlass.toml`: what is built, brought back, looked at and destroyed.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::exit::Failure;
use crate::units::duration;

/// `[drill.NAME]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrillSettings {
    /// Where the configuration is.
    pub directory: PathBuf,
    /// Whose state it has; default: the name of the drill.
    pub workspace: Option<String>,
    /// `tofu`, `terraform` or a path.
    pub core: Option<String>,
    /// More words for the core's plan and destroy.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Whether the configuration is initialised first; default true.
    pub init: Option<bool>,
    /// After how long it is destroyed in any case.
    pub timeout: Option<String>,
    /// How long recovery may take.
    pub max_recovery: Option<String>,
    /// How old the data may be that came back.
    pub max_age: Option<String>,
    /// Where the report goes.
    pub report: Option<String>,
    /// What comes back from backups once the configuration is applied.
    #[serde(default)]
    pub restore: Vec<RestoreSettings>,
    /// What has to answer.
    #[serde(default)]
    pub probe: Vec<ProbeSettings>,
    /// What has to end well.
    #[serde(default)]
    pub command: Vec<CommandSettings>,
}

/// `[[drill.NAME.restore]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestoreSettings {
    /// The corpus.
    pub corpus: String,
    /// The store; default: those of the corpus.
    pub store: Option<String>,
    /// The id of the snapshot; default: the newest.
    pub snapshot: Option<String>,
    /// The host that it comes back on, as a connection.
    pub host: String,
    /// The directory that it becomes,
    pub path: Option<String>,
    /// or the Docker volume,
    pub volume: Option<String>,
    /// or a database of the Postgres in this container.
    pub container: Option<String>,
    /// The database.
    pub database: Option<String>,
    /// The role that logs in.
    pub user: Option<String>,
    /// The variable of the environment that has its password.
    pub password_env: Option<String>,
    /// Whose the files become: `uid:gid`.
    pub owner: Option<String>,
    /// A command on the host that changes the data before they take their place.
    #[serde(default)]
    pub transform: Vec<String>,
    /// Whether what is there may go for it; the machine is the drill's.
    #[serde(default)]
    pub overwrite: bool,
}

/// `[[drill.NAME.probe]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeSettings {
    /// What it is called; default: what it asks.
    pub name: Option<String>,
    /// What is asked for by HTTP,
    pub url: Option<String>,
    /// or what has to take a connection: `name:port`.
    pub tcp: Option<String>,
    /// From where it is asked, as a connection; default: the machine that runs the drill.
    pub host: Option<String>,
    /// Statuses that will do, such as `200,301-308`; default `200-299`.
    pub status: Option<String>,
    /// A text that has to be in the answer.
    pub body: Option<String>,
    /// How long it may take until it answers so; default 1m.
    pub timeout: Option<String>,
}

/// `[[drill.NAME.command]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommandSettings {
    /// What it is called; default: its words.
    pub name: Option<String>,
    /// Its words.
    pub command: Vec<String>,
    /// How long it may take; default 10m.
    pub timeout: Option<String>,
}

/// How long a probe waits, where nobody says.
const PROBE: Duration = Duration::from_secs(60);

/// How long a command may take, where nobody says.
const COMMAND: Duration = Duration::from_secs(600);

/// The workspace of those that have none of their own.
const DEFAULT: &str = "default";

fn wrong(name: &str, why: impl std::fmt::Display) -> Failure {
    Failure::new(format!("Could not read `[drill.{name}]` of windlass.toml"))
        .with(format!("{why}."))
        .with("Nothing was done.")
}

/// A duration of a setting.
fn time(text: Option<&String>, setting: &str) -> Result<Option<Duration>, String> {
    text.map(|text| duration(text).map_err(|why| format!("`{setting}`: {why}"))).transpose()
}

impl DrillSettings {
    /// Whose state it has.
    pub fn workspace<'a>(&'a self, name: &'a str) -> &'a str {
        self.workspace.as_deref().unwrap_or(name)
    }

    /// The settings as far as they can be looked at before anything is made.
    ///
    /// # Errors
    /// When one means nothing.
    pub fn check(&self, name: &str) -> Result<(), Failure> {
        self.problem(name).map_or(Ok(()), |why| Err(wrong(name, why)))
    }

    fn problem(&self, name: &str) -> Option<String> {
        if self.workspace(name) == DEFAULT {
            return Some("The workspace `default` is the one of no drill".to_owned());
        }
        let times = [
            time(self.timeout.as_ref(), "timeout"),
            time(self.max_recovery.as_ref(), "max_recovery"),
            time(self.max_age.as_ref(), "max_age"),
        ];
        times
            .into_iter()
            .find_map(Result::err)
            .or_else(|| self.restore.iter().find_map(RestoreSettings::problem))
            .or_else(|| self.probe.iter().find_map(ProbeSettings::problem))
            .or_else(|| self.command.iter().find_map(CommandSettings::problem))
    }

    /// A duration of the settings, once they were checked.
    pub fn time(&self, text: Option<&String>) -> Option<Duration> {
        text.and_then(|text| duration(text).ok())
    }
}

impl RestoreSettings {
    fn problem(&self) -> Option<String> {
        let targets = [self.path.is_some(), self.volume.is_some(), self.container.is_some()];
        let what = format!("`restore` of {:?}", self.corpus);
        if targets.into_iter().filter(|is_set| *is_set).count() != 1 {
            return Some(format!("{what} needs exactly one of `path`, `volume` and `container`"));
        }
        if self.container.is_some() != self.database.is_some() {
            return Some(format!("{what} needs `database` with `container`, and only then"));
        }
        None
    }
}

impl ProbeSettings {
    /// What it is called.
    pub fn title(&self) -> String {
        let asked = self.url.as_ref().or(self.tcp.as_ref());
        self.name.as_ref().or(asked).cloned().unwrap_or_default()
    }

    /// How long it waits.
    pub fn patience(&self) -> Duration {
        self.timeout.as_ref().and_then(|text| duration(text).ok()).unwrap_or(PROBE)
    }

    fn problem(&self) -> Option<String> {
        if self.url.is_some() == self.tcp.is_some() {
            return Some(format!("`probe` {:?} needs exactly one of `url` and `tcp`", self.title()));
        }
        if self.tcp.is_some() && (self.status.is_some() || self.body.is_some()) {
            return Some(format!(
                "`probe` {:?}: `status` and `body` are of answers to a `url`",
                self.title()
            ));
        }
        time(self.timeout.as_ref(), "probe.timeout").err()
    }
}

impl CommandSettings {
    /// What it is called.
    pub fn title(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.command.join(" "))
    }

    /// How long it may take.
    pub fn patience(&self) -> Duration {
        self.timeout.as_ref().and_then(|text| duration(text).ok()).unwrap_or(COMMAND)
    }

    fn problem(&self) -> Option<String> {
        if self.command.is_empty() {
            return Some("`command` needs words: `command = [\"program\", \"argument\"]`".to_owned());
        }
        time(self.timeout.as_ref(), "command.timeout").err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(more: &str) -> Option<String> {
        let drill: DrillSettings = toml::from_str(&format!("directory = \"d\"\n{more}")).unwrap();
        drill.problem("monthly")
    }

    #[test]
    fn wrong_settings_are_told() {
        assert_eq!(problem("[[probe]]\nurl = \"http://x/\"\n[[command]]\ncommand = [\"true\"]"), None);
        for (more, why) in [
            ("workspace = \"default\"", "The workspace `default` is the one of no drill"),
            (
                "timeout = \"soon\"",
                "`timeout`: \"soon\" is not a duration, which looks like 26h, 90m or 1h30m",
            ),
            ("[[probe]]\nname = \"p\"", "`probe` \"p\" needs exactly one of `url` and `tcp`"),
            (
                "[[probe]]\ntcp = \"x:1\"\nbody = \"b\"",
                "`probe` \"x:1\": `status` and `body` are of answers to a `url`",
            ),
            ("[[command]]\ncommand = []", "`command` needs words: `command = [\"program\", \"argument\"]`"),
            (
                "[[restore]]\ncorpus = \"c\"\nhost = \"local://\"",
                "`restore` of \"c\" needs exactly one of `path`, `volume` and `container`",
            ),
            (
                "[[restore]]\ncorpus = \"c\"\nhost = \"local://\"\ncontainer = \"db\"",
                "`restore` of \"c\" needs `database` with `container`, and only then",
            ),
        ] {
            assert_eq!(problem(more).as_deref(), Some(why));
        }
    }
}
