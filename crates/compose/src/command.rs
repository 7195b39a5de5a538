//! Compose command lines, as values.
//!
//! Every call names its project, directory, files, profiles and env file in full, so that nothing
//! is taken from the directory it happens to start in. Values travel in the env file (mode 0600)
//! or by stdin, never as words.

use std::time::Duration;

use remote::Command;

use docker::Cli;

/// How long Compose may take to read a project: it reads files and asks nobody.
const READ_LIMIT: Duration = Duration::from_secs(60);

/// A directory that is nowhere: Compose finds neither a Compose file nor a `.env` there, so that
/// it works by labels. (Distributions promise that it does not exist: it is the home of nobody.)
const NOWHERE: &str = "/nonexistent";

/// The variables that Compose itself runs with, which no file and no configuration can give another
/// value: the way to Docker; the home directory of the user that it runs as; where programs are looked
/// for; and the project's directory.
pub const OWN_VARIABLES: [&str; 4] = ["DOCKER_HOST", "HOME", "PATH", "PWD"];

/// Those of them that Compose has there. sudo gives what it runs an environment of its own: another
/// `HOME` and another `PATH`, and of the others nothing.
pub fn own_variables(cli: &Cli) -> &'static [&'static str] {
    if cli.under_sudo { &["HOME", "PATH"] } else { &OWN_VARIABLES }
}

/// Runs the words that follow with what they write to stdout on stderr.
const TO_STDERR: &str = r#"exec "$@" >&2"#;

/// By which Compose leaves out the env files of services.
pub const NO_ENV_FILES: &str = "--no-env-resolution";

/// A Compose project as one call sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The project's name.
    pub name: String,
    /// The absolute directory that relative paths start from, and that `${PWD}` means: a person would
    /// stand in it.
    pub directory: String,
    /// The Compose files in the order in which they are merged; absolute, or `-` for stdin.
    pub files: Vec<String>,
    /// The profiles that are switched on; `*` for all.
    pub profiles: Vec<String>,
    /// The absolute path of the file that interpolation takes its values from.
    pub env_file: String,
}

/// What `up` may fetch by itself, and what `pull` fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pull {
    /// Images that the host does not have.
    Missing,
    /// All images, whether the host has them or not.
    Always,
}

impl Pull {
    fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Always => "always",
        }
    }
}

/// `docker compose version`, as JSON.
pub fn version(cli: &Cli) -> Command {
    cli.compose(&[]).args(["version", "--format", "json"]).timeout(Some(READ_LIMIT))
}

/// `docker-compose version`: whether the retired version 1 is what the host has.
pub fn version_1() -> Command {
    Command::new(["docker-compose", "version", "--short"]).timeout(Some(READ_LIMIT))
}

impl Project {
    /// `config`: the whole project, resolved, as JSON on stdout.
    pub fn config(&self, cli: &Cli) -> Command {
        self.reading(cli).args(["config", "--format", "json"]).timeout(Some(READ_LIMIT))
    }

    /// `config --no-interpolate`: the same with variables not filled in, env files not read, and all
    /// services, whatever their profiles.
    pub fn raw_config(&self, cli: &Cli) -> Command {
        self.config(cli).arg("--no-interpolate")
    }

    /// `config` without the env files of services, which then need not be there. An older Compose does
    /// not know the flag.
    pub fn config_without_env_files(&self, cli: &Cli) -> Command {
        self.config(cli).arg(NO_ENV_FILES)
    }

    /// `config --hash`: one line `<service> <hash>` per service on stdout.
    pub fn hashes(&self, cli: &Cli) -> Command {
        self.reading(cli).args(["config", "--hash", "*"]).timeout(Some(READ_LIMIT))
    }

    /// `pull`: fetches images; services that are built here are left out.
    pub fn pull(&self, cli: &Cli, pull: Pull, services: &[String], limit: Option<Duration>) -> Command {
        self.command(cli)
            .args(["pull", "--quiet", "--ignore-buildable", "--policy", pull.word()])
            .args(end_of_options(services))
            .timeout(limit)
    }

    /// `build`: builds the image of one service by BuildKit, whose client Compose brings along;
    /// `fresh` asks registries for newer base images. Of what it writes only the end matters, and
    /// that is kept of stderr.
    pub fn build(&self, cli: &Cli, service: &str, fresh: bool, limit: Option<Duration>) -> Command {
        let command = self.command_with(cli, &[("DOCKER_BUILDKIT", "1")]).arg("build");
        let command = if fresh { command.arg("--pull") } else { command };
        let command = command.args(["--", service]);
        Command::new(["sh", "-c", TO_STDERR, "windlass-build"])
            .args(command.words())
            .privileged()
            .timeout(limit)
    }

    /// `up -d`: makes what runs equal to the files. It does not fetch, does not build, does not
    /// wait and removes nothing that is not in the files: all of that is done, and told, apart.
    ///
    /// No `services` means all of them.
    pub fn up(&self, cli: &Cli, services: &[String], limit: Option<Duration>) -> Command {
        self.command(cli)
            .args(["up", "--detach", "--no-build", "--pull", "never"])
            .args(end_of_options(services))
            .timeout(limit)
    }

    /// `config` of `services` and of what they depend on, also where their profiles are not active.
    pub fn config_of(&self, cli: &Cli, services: &[String]) -> Command {
        self.config(cli).args(end_of_options(services))
    }

    /// As [`Project::up`] for `services` and nothing else: what they depend on is neither started
    /// nor replaced nor waited for, unless it is one of them.
    pub fn up_only(&self, cli: &Cli, services: &[String], limit: Option<Duration>) -> Command {
        self.command(cli)
            .args(["up", "--detach", "--no-build", "--pull", "never", "--no-deps"])
            .args(end_of_options(services))
            .timeout(limit)
    }

    /// As [`Project::up_only`], with new containers whatever the files say.
    pub fn recreate(&self, cli: &Cli, services: &[String], limit: Option<Duration>) -> Command {
        self.command(cli)
            .args(["up", "--detach", "--no-build", "--pull", "never", "--no-deps", "--force-recreate"])
            .args(end_of_options(services))
            .timeout(limit)
    }

    /// `config --services`: the names of all services, one per line; of those whose profiles are
    /// switched on.
    pub fn services(&self, cli: &Cli) -> Command {
        self.reading(cli).args(["config", "--services"]).timeout(Some(READ_LIMIT))
    }

    /// The words that every call about this project begins with that does something.
    fn command(&self, cli: &Cli) -> Command {
        self.command_with(cli, &[])
    }

    /// The same, with more `variables` for Compose itself.
    pub(super) fn command_with(&self, cli: &Cli, variables: &[(&str, &str)]) -> Command {
        let variables = [&[("PWD", self.directory.as_str())], variables].concat();
        self.about(cli.compose(&variables))
    }

    /// The words that every call begins with that only reads the files.
    fn reading(&self, cli: &Cli) -> Command {
        self.about(cli.compose_without_daemon(&[("PWD", &self.directory)]))
    }

    /// `compose` with what names the project and its files.
    fn about(&self, compose: Command) -> Command {
        let mut command = named(compose, &self.name, &self.directory).args(["--env-file", &self.env_file]);
        for file in &self.files {
            command = command.args(["--file", file]);
        }
        for profile in &self.profiles {
            command = command.args(["--profile", profile]);
        }
        command
    }
}

/// `down` by the project's label alone: neither files nor values are needed, and a project that is
/// gone already is no error.
pub fn down(cli: &Cli, project: &str, volumes: bool, limit: Option<Duration>) -> Command {
    let compose = cli.compose(&[("PWD", NOWHERE)]);
    let command = named(compose, project, NOWHERE).args(["down", "--remove-orphans"]);
    let command = if volumes { command.arg("--volumes") } else { command };
    command.timeout(limit)
}

/// `compose` with what names the project.
fn named(compose: Command, project: &str, directory: &str) -> Command {
    compose.args([
        "--ansi",
        "never",
        "--progress",
        "plain",
        "--project-name",
        project,
        "--project-directory",
        directory,
    ])
}

/// Names of services, behind the `--` that keeps them from being options.
fn end_of_options(services: &[String]) -> Vec<String> {
    if services.is_empty() {
        return Vec::new();
    }
    std::iter::once("--".to_owned()).chain(services.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cli() -> Cli {
        Cli::new("/run/docker.sock", "/root")
    }

    fn project() -> Project {
        Project {
            name: "web".into(),
            directory: "/srv/it's web".into(),
            files: vec!["/srv/it's web/compose.yaml".into(), "/srv/it's web/b.yaml".into()],
            profiles: vec!["extra".into()],
            env_file: "/srv/it's web/.env".into(),
        }
    }

    /// The words from `compose` on; [`Cli`] has its own tests for those before it.
    fn words(command: &Command) -> Vec<&str> {
        command.words().iter().map(String::as_str).skip_while(|word| *word != "compose").collect()
    }

    const BASE: [&str; 17] = [
        "compose",
        "--ansi",
        "never",
        "--progress",
        "plain",
        "--project-name",
        "web",
        "--project-directory",
        "/srv/it's web",
        "--env-file",
        "/srv/it's web/.env",
        "--file",
        "/srv/it's web/compose.yaml",
        "--file",
        "/srv/it's web/b.yaml",
        "--profile",
        "extra",
    ];

    #[test]
    fn each_call_names_its_project_in_full() {
        let limit = Some(Duration::from_secs(9));
        for (command, tail) in [
            (project().config(&cli()), vec!["config", "--format", "json"]),
            (project().hashes(&cli()), vec!["config", "--hash", "*"]),
            (project().raw_config(&cli()), vec!["config", "--format", "json", "--no-interpolate"]),
            (
                project().config_without_env_files(&cli()),
                vec!["config", "--format", "json", "--no-env-resolution"],
            ),
            (
                project().config_of(&cli(), &["job".to_owned()]),
                vec!["config", "--format", "json", "--", "job"],
            ),
            (
                project().pull(&cli(), Pull::Always, &[], limit),
                vec!["pull", "--quiet", "--ignore-buildable", "--policy", "always"],
            ),
            (
                project().up(&cli(), &["-odd".to_owned(), "app".to_owned()], limit),
                vec!["up", "--detach", "--no-build", "--pull", "never", "--", "-odd", "app"],
            ),
            (
                project().up_only(&cli(), &["app".to_owned()], limit),
                vec!["up", "--detach", "--no-build", "--pull", "never", "--no-deps", "--", "app"],
            ),
            (project().services(&cli()), vec!["config", "--services"]),
        ] {
            assert_eq!(words(&command), [&BASE[..], &tail[..]].concat());
            assert!(command.is_privileged());
        }
        assert_eq!(project().up(&cli(), &[], limit).time_limit(), limit);
        assert!(project().config(&cli()).words().contains(&"PWD=/srv/it's web".to_owned()));
    }

    #[test]
    fn compose_runs_with_these_variables_and_no_others() {
        let command = project().config(&cli());
        let words = command.words().iter().take_while(|word| *word != "docker");
        let mut names: Vec<&str> = words.filter_map(|word| Some(word.split_once('=')?.0)).collect();
        names.sort_unstable();
        assert_eq!(names, OWN_VARIABLES);
    }

    #[test]
    fn a_build_writes_to_stderr_by_buildkit() {
        let command = project().build(&cli(), "app", true, None);
        let words = command.words().join(" ");
        assert!(words.starts_with("sh -c exec \"$@\" >&2 windlass-build env -i PATH="), "{words}");
        assert!(words.contains(" PWD=/srv/it's web DOCKER_BUILDKIT=1 docker compose "), "{words}");
        assert!(words.ends_with(" --profile extra build --pull -- app"), "{words}");
        assert!(command.is_privileged());
    }

    #[test]
    fn down_needs_the_name_only() {
        assert_eq!(
            words(&down(&cli(), "web", true, None)),
            [
                "compose",
                "--ansi",
                "never",
                "--progress",
                "plain",
                "--project-name",
                "web",
                "--project-directory",
                "/nonexistent",
                "down",
                "--remove-orphans",
                "--volumes",
            ]
        );
        assert!(!down(&cli(), "web", false, None).words().contains(&"--volumes".to_owned()));
    }
}
