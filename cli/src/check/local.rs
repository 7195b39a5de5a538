//! The Compose of this machine, which is asked what files mean.

use std::path::{Path, PathBuf};

use compose::Compose;
use docker::Cli;
use remote::Local;
use remote::connection::Sudo;
use secret::Scrubber;
use tokio_util::sync::CancellationToken;

use crate::exit::Failure;

/// Where distributions have plugins of the docker client, in the order in which it looks
/// (`cli-plugins/manager` of docker/cli).
const PLUGINS: [&str; 4] = [
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
];

/// What asks it.
pub struct LocalCompose {
    local: Local,
    cli: Cli,
}

impl LocalCompose {
    /// The one that `docker compose` would be here.
    ///
    /// # Errors
    /// When there is none, or one that is too old.
    pub async fn find() -> Result<Self, Failure> {
        let one = Self { local: Local::default(), cli: client() };
        let version = one.compose().version().await.map(drop);
        version.map_err(|error| Failure::new("Could not ask Docker Compose").because(&error))?;
        Ok(one)
    }

    fn compose(&self) -> Compose<'_> {
        Compose::new(&self.local, self.cli.clone(), Scrubber::default(), CancellationToken::new())
    }

    /// For a project in a directory, which people know by another name.
    pub fn of(&self, directory: &Path, shown: &Path) -> Compose<'_> {
        self.compose().naming(directory.display().to_string(), shown.display().to_string())
    }
}

/// What Compose says of an error, without what it logs on the way: that bears a time, and is another text each time.
pub fn without_log(said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with("time=\"")).collect();
    let text = lines.join("\n");
    if text.trim().is_empty() { said.trim().to_owned() } else { text.trim().to_owned() }
}

/// The variable that `${NAME:?}` asks for and that has no value, in Compose's words.
pub fn required(said: &str) -> Option<&str> {
    let (name, _) = said.split_once("required variable ")?.1.split_once(" is missing a value")?;
    Some(name.trim_matches('"'))
}

/// The client of this machine; no daemon is asked.
fn client() -> Cli {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let home = variable("HOME").unwrap_or_default();
    // From where we are, and not from where Compose is told to stand.
    let configuration = variable("DOCKER_CONFIG").and_then(|path| std::path::absolute(path).ok());
    let folder = configuration.clone().unwrap_or_else(|| PathBuf::from(&home).join(".docker"));
    Cli::new("/var/run/docker.sock", home)
        .found_by(&variable("PATH").unwrap_or_default(), &[])
        .configured_in(configuration.map(|path| path.display().to_string()))
        .with_compose_plugin(Sudo::Nothing, plugin(&folder, &PLUGINS).as_deref())
}

/// The program that `docker compose` becomes, where docker need not be asked for it: it would start twice,
/// which takes as long as what is asked. `None` where its configuration names more places.
fn plugin(configuration: &Path, system: &[&str]) -> Option<String> {
    let said = std::fs::read_to_string(configuration.join("config.json")).unwrap_or_default();
    if said.contains("cliPluginsExtraDirs") {
        return None;
    }
    let own = configuration.join("cli-plugins");
    let places = std::iter::once(own).chain(system.iter().map(PathBuf::from));
    let programs = places.map(|place| place.join("docker-compose"));
    programs.into_iter().find(|program| is_program(program)).map(|program| program.display().to_string())
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn compose_is_told_in_its_words_without_times() {
        let said = "time=\"2026-12-01T00:46:04Z\" level=warning msg=\"a\"\nerror while interpolating services.a.environment.P: \
                    required variable PW is missing a value\n";
        assert!(without_log(said).starts_with("error while interpolating"));
        assert_eq!(required(said), Some("PW"));
        assert_eq!(
            (required("no such file"), without_log("time=\"x\" level=error")),
            (None, "time=\"x\" level=error".into())
        );
    }

    #[test]
    fn the_first_plugin_counts_unless_docker_is_told_of_more() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        let put = |path: &str, mode: u32| {
            std::fs::create_dir_all(at(path).parent().unwrap()).unwrap();
            std::fs::write(at(path), "").unwrap();
            std::fs::set_permissions(at(path), std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let system = at("system").display().to_string();
        let found = || plugin(&at("own"), &[&system]);
        assert_eq!(found(), None);
        put("system/docker-compose", 0o755);
        put("own/cli-plugins/docker-compose", 0o644);
        assert_eq!(found(), Some(at("system/docker-compose").display().to_string()));
        put("own/cli-plugins/docker-compose", 0o755);
        assert_eq!(found(), Some(at("own/cli-plugins/docker-compose").display().to_string()));
        std::fs::write(at("own/config.json"), r#"{"cliPluginsExtraDirs": ["/opt"]}"#).unwrap();
        assert_eq!(found(), None);
    }
}
