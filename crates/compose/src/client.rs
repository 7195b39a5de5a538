//! Running Compose on a host and reading its answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use remote::{
    Command, Executor, Input, Output,
    collect::{Limits, run_with, stream},
};
use secret::Scrubber;
use tokio::io::AsyncWrite;
use tokio_util::sync::CancellationToken;

use super::{
    command::{self, Project, Pull},
    env_files::RawProject,
    resolved::parse_hashes,
    staged::Staged,
};
use crate::version::{self, ComposeVersion, OLDEST};
use docker::{Cli, Error};

/// How many lines of a failed command's output an error carries.
const ERROR_LINES: usize = 30;

/// How `up` fails for a project that has no services, or none that any active profile wants.
const NOTHING_TO_START: &str = "no service selected";

/// Why files could not be resolved.
#[derive(Debug)]
pub struct Unresolved {
    /// The error, with Compose's own words.
    pub error: Box<Error>,
    /// The variables that nothing sets, and that Compose took for empty: they may be why.
    pub unset: BTreeSet<String>,
}

impl From<Error> for Unresolved {
    fn from(error: Error) -> Self {
        Self { error: error.into(), unset: BTreeSet::new() }
    }
}

impl Unresolved {
    /// What Compose said, where it was Compose that failed.
    pub fn output(&self) -> Option<&str> {
        match &*self.error {
            Error::Command { output, .. } => Some(output),
            _ => None,
        }
    }
}

/// Compose on one host, for the length of one operation.
#[derive(Debug)]
pub struct Compose<'a> {
    exec: &'a dyn Executor,
    cli: Cli,
    scrubber: Scrubber,
    cancel: CancellationToken,
    staged: Option<Staged>,
    named: Option<(String, String)>,
}

impl<'a> Compose<'a> {
    /// Compose behind `exec`. What it writes is scrubbed by `scrubber` before anybody sees it;
    /// `cancel` ends what is running.
    pub fn new(exec: &'a dyn Executor, cli: Cli, scrubber: Scrubber, cancel: CancellationToken) -> Self {
        Self { exec, cli, scrubber, cancel, staged: None, named: None }
    }

    /// Takes staged paths, in what it says, for what they stand for.
    #[must_use]
    pub fn staged(self, staged: Staged) -> Self {
        Self { staged: Some(staged), ..self }
    }

    /// Names files in messages as people do: `shown` in the place of `directory`.
    #[must_use]
    pub fn naming(mut self, directory: impl Into<String>, shown: impl Into<String>) -> Self {
        self.named = Some((directory.into(), shown.into()));
        self
    }

    /// What Compose says, without the places where files are staged.
    fn unstaged(&self, output: Vec<u8>) -> Vec<u8> {
        match &self.staged {
            Some(staged) => staged.original(&String::from_utf8_lossy(&output)).into_bytes(),
            None => output,
        }
    }

    /// Its version, if it will do.
    ///
    /// # Errors
    /// [`Error::ComposeMissing`] and [`Error::ComposeTooOld`] where it will not; [`Error::Missing`]
    /// where there is no docker at all.
    pub async fn version(&self) -> Result<ComposeVersion, Error> {
        let host = self.exec.name().to_owned();
        let output = match self.run(&command::version(&self.cli), Vec::new()).await {
            Err(Error::Remote(remote::Error::Start { .. })) => return Err(self.no_docker()),
            other => other?,
        };
        if !output.success() {
            return Err(self.no_compose(&output).await);
        }
        let found = version::parse_json(&output.stdout)?;
        if found < OLDEST {
            return Err(Error::ComposeTooOld { host, found: found.to_string(), needed: OLDEST.to_string() });
        }
        Ok(found)
    }

    fn no_docker(&self) -> Error {
        Error::Missing { host: self.exec.name().to_owned(), searched: self.cli.path.clone() }
    }

    /// Why `docker compose version` failed: the docker client takes an unknown subcommand for
    /// itself and fails with its help.
    async fn no_compose(&self, output: &Output) -> Error {
        let host = self.exec.name().to_owned();
        let stderr = output.stderr_text().to_ascii_lowercase();
        if output.status == 127 {
            return self.no_docker();
        }
        let text = format!("{stderr}{}", output.stdout_text().to_ascii_lowercase());
        if !text.contains("compose") && !text.contains("unknown") {
            return self.failure("tell the version of docker compose", output);
        }
        let v1 = match self.run(&command::version_1(), Vec::new()).await {
            Ok(output) if output.success() => Some(output.stdout_text().trim().to_owned()),
            _ => None,
        };
        Error::ComposeMissing { host, v1: v1.filter(|version| version.starts_with("1.")) }
    }

    /// The project, resolved: what [`Resolved::new`](super::resolved::Resolved::new) takes.
    ///
    /// # Errors
    /// [`Error::Command`] with Compose's own words when the files are wrong.
    pub async fn config(&self, project: &Project) -> Result<Vec<u8>, Error> {
        let command = project.config(&self.cli);
        self.succeed("read the compose files", &command, Vec::new()).await.map(|output| output.stdout)
    }

    /// As [`Compose::config`], and the names of the variables that the files use although nothing
    /// sets them: Compose only warns of those, and takes them for empty.
    ///
    /// # Errors
    /// As [`Compose::config`], with the names of those variables as well.
    pub async fn resolve(&self, project: &Project) -> Result<(Vec<u8>, BTreeSet<String>), Unresolved> {
        let output = self.run(&self.resolve_command(project), Vec::new()).await?;
        self.resolved(output)
    }

    /// As [`Compose::resolve`], without the env files of services: where what lies beside the files is not
    /// all that a host has. A Compose that cannot leave them out reads them.
    ///
    /// # Errors
    /// As [`Compose::resolve`].
    pub async fn resolve_structure(
        &self,
        project: &Project,
    ) -> Result<(Vec<u8>, BTreeSet<String>), Unresolved> {
        let output = self.run(&project.config_without_env_files(&self.cli), Vec::new()).await?;
        let stderr = output.stderr_text();
        if !output.success() && stderr.contains("unknown flag") && stderr.contains(command::NO_ENV_FILES) {
            return self.resolve(project).await;
        }
        self.resolved(output)
    }

    /// What [`Compose::resolve`] runs, for whoever runs it together with something else.
    pub fn resolve_command(&self, project: &Project) -> Command {
        project.config(&self.cli)
    }

    /// What [`Compose::resolve`] makes of the output of its command.
    ///
    /// # Errors
    /// As [`Compose::resolve`].
    pub fn resolved(&self, output: Output) -> Result<(Vec<u8>, BTreeSet<String>), Unresolved> {
        let unset = unset_variables(&output.stderr_text());
        if !output.success() {
            return Err(Unresolved { error: self.failure("read the compose files", &output).into(), unset });
        }
        Ok((self.unstaged(output.stdout), unset))
    }

    /// The project with nothing filled in; see [`Project::raw_config`].
    ///
    /// # Errors
    /// As [`Compose::config`].
    pub async fn raw_config(&self, project: &Project) -> Result<RawProject, Error> {
        let command = project.raw_config(&self.cli);
        let output = self.succeed("read the compose files", &command, Vec::new()).await?;
        RawProject::parse(&self.unstaged(output.stdout))
    }

    /// As [`Compose::config`], of `services` and what they depend on; their profiles need not be
    /// active.
    ///
    /// # Errors
    /// As [`Compose::config`]; also when there is no such service.
    pub async fn resolve_services(&self, project: &Project, services: &[String]) -> Result<Vec<u8>, Error> {
        let command = project.config_of(&self.cli, services);
        let output = self.succeed("read the compose files", &command, Vec::new()).await?;
        Ok(self.unstaged(output.stdout))
    }

    /// The hashes of a resolved project, given as its document; `directory` is its project
    /// directory, which need not exist yet. `within` puts the command into one that does more.
    ///
    /// # Errors
    /// [`Error::Command`] when Compose does not take the document.
    pub async fn hashes(
        &self,
        name: &str,
        directory: &str,
        document: Vec<u8>,
        within: impl Fn(Command) -> Command,
    ) -> Result<BTreeMap<String, String>, Error> {
        let project = Project {
            name: name.to_owned(),
            directory: directory.to_owned(),
            files: vec!["-".to_owned()],
            profiles: vec!["*".to_owned()],
            env_file: "/dev/null".to_owned(),
        };
        let output =
            self.succeed("hash the compose project", &within(project.hashes(&self.cli)), document).await?;
        parse_hashes(&output.stdout_text())
    }

    /// Fetches the images of `services` (all when empty) with the host's own credentials.
    ///
    /// # Errors
    /// [`Error::Command`] with Compose's own words.
    pub async fn pull(
        &self,
        project: &Project,
        pull: Pull,
        services: &[String],
        limit: Option<Duration>,
    ) -> Result<(), Error> {
        let command = project.pull(&self.cli, pull, services, limit);
        self.succeed("pull the images", &command, Vec::new()).await.map(drop)
    }

    /// Builds the image of `service`; see [`Project::build`].
    ///
    /// # Errors
    /// [`Error::Command`] with the last words of the build, [`Error::NoBuildKit`] where the host
    /// only has the builder of old.
    pub async fn build(
        &self,
        project: &Project,
        service: &str,
        fresh: bool,
        limit: Option<Duration>,
    ) -> Result<(), Error> {
        let output = self.run(&project.build(&self.cli, service, fresh, limit), Vec::new()).await?;
        if output.success() {
            return Ok(());
        }
        if needs_buildkit(&output.stderr_text()) {
            return Err(Error::NoBuildKit { host: self.exec.name().to_owned() });
        }
        Err(self.failure(&format!("build the image of service {service:?}"), &output))
    }

    /// Makes what runs equal to the files; see [`Project::up`]. A project without services is one.
    ///
    /// # Errors
    /// [`Error::Command`] with Compose's own words.
    pub async fn up(
        &self,
        project: &Project,
        services: &[String],
        limit: Option<Duration>,
    ) -> Result<(), Error> {
        let output = self.run(&project.up(&self.cli, services, limit), Vec::new()).await?;
        if output.success() || output.stderr_text().contains(NOTHING_TO_START) {
            return Ok(());
        }
        Err(self.failure("start the services", &output))
    }

    /// As [`Compose::up`] for `services` alone; see [`Project::up_only`]. None is nothing to do.
    ///
    /// # Errors
    /// [`Error::Command`] with Compose's own words.
    pub async fn up_only(
        &self,
        project: &Project,
        services: &[String],
        limit: Option<Duration>,
    ) -> Result<(), Error> {
        if services.is_empty() {
            return Ok(());
        }
        let command = project.up_only(&self.cli, services, limit);
        self.succeed("start the services", &command, Vec::new()).await.map(drop)
    }

    /// Makes the containers of `services` anew; see [`Project::recreate`].
    ///
    /// # Errors
    /// [`Error::Command`] with Compose's own words.
    pub async fn recreate(
        &self,
        project: &Project,
        services: &[String],
        limit: Option<Duration>,
    ) -> Result<(), Error> {
        let command = project.recreate(&self.cli, services, limit);
        self.succeed("recreate the services", &command, Vec::new()).await.map(drop)
    }

    /// Runs `words` in the container with this id, to their end.
    ///
    /// # Errors
    /// [`Error::Command`] with what they wrote when they fail.
    pub async fn exec(&self, container: &str, words: &[String], limit: Duration) -> Result<(), Error> {
        let command =
            self.cli.docker(["exec", container].into_iter().chain(words.iter().map(String::as_str)));
        self.succeed("run the command", &command.timeout(Some(limit)), Vec::new()).await.map(drop)
    }

    /// The names of the project's services, those of inactive profiles left out.
    ///
    /// # Errors
    /// [`Error::Command`] with Compose's own words when the files are wrong.
    pub async fn services(&self, project: &Project) -> Result<BTreeSet<String>, Error> {
        let output = self.succeed("read the compose files", &project.services(&self.cli), Vec::new()).await?;
        Ok(output.stdout_text().split_whitespace().map(str::to_owned).collect())
    }

    /// Takes the project down; see [`command::down`]. What stays, because containers of others use
    /// it, is told: `network web_default`.
    ///
    /// # Errors
    /// [`Error::Command`] with Compose's own words.
    pub async fn down(
        &self,
        project: &str,
        volumes: bool,
        limit: Option<Duration>,
    ) -> Result<BTreeSet<String>, Error> {
        let command = command::down(&self.cli, project, volumes, limit);
        let output = self.succeed("take the stack down", &command, Vec::new()).await?;
        Ok(still_in_use(&output.stderr_text()))
    }

    pub(super) fn cli(&self) -> &Cli {
        &self.cli
    }

    pub(super) fn scrubbed(&self, text: &str) -> String {
        self.scrubber.scrub(text)
    }

    /// Runs a command whose output goes to `output` as it comes; its exit status.
    pub(super) async fn follow(
        &self,
        command: &Command,
        input: Input<'_>,
        output: &mut (dyn AsyncWrite + Send + Unpin),
    ) -> Result<u32, remote::Error> {
        let limits = Limits::cancelled_by(&self.cancel);
        Ok(stream(self.exec, command, input, output, &limits).await?.status)
    }

    async fn run(&self, command: &Command, input: Vec<u8>) -> Result<Output, Error> {
        let limits = Limits::cancelled_by(&self.cancel);
        Ok(run_with(self.exec, command, Input::bytes(input), &limits).await?)
    }

    async fn succeed(&self, operation: &str, command: &Command, input: Vec<u8>) -> Result<Output, Error> {
        let output = self.run(command, input).await?;
        if output.success() { Ok(output) } else { Err(self.failure(operation, &output)) }
    }

    fn failure(&self, operation: &str, output: &Output) -> Error {
        let text = match output.stderr_text() {
            stderr if stderr.trim().is_empty() => output.stdout_text(),
            stderr => stderr,
        };
        let text = match &self.staged {
            Some(staged) => staged.original(&text),
            None => text,
        };
        let text = match &self.named {
            Some((directory, shown)) => text.replace(directory.as_str(), shown),
            None => text,
        };
        Error::Command {
            host: self.exec.name().to_owned(),
            operation: operation.to_owned(),
            status: output.status,
            output: telling_lines(&self.scrubber.scrub(&text), ERROR_LINES),
        }
    }
}

/// Whether a build failed because there is no BuildKit behind it, or no client for it.
fn needs_buildkit(stderr: &str) -> bool {
    let words = [
        "doesn't support BuildKit",
        "requires BuildKit",
        "BuildKit is enabled but the buildx component is missing",
    ];
    words.iter().any(|word| stderr.contains(word)) || stderr.contains("classic builder doesn't support")
}

/// The variables of Compose's warnings: `The \"NAME\" variable is not set. Defaulting to a blank
/// string.`, in a log line or on its own.
fn unset_variables(stderr: &str) -> BTreeSet<String> {
    let name = |line: &str| {
        let (before, _) = line.split_once(" variable is not set")?;
        let name = before.trim_end_matches(['"', '\\']).rsplit(['"', ' ']).next()?;
        Some(name.to_owned()).filter(|name| !name.is_empty())
    };
    stderr.lines().filter_map(name).collect()
}

/// What `down` has left: ` Network web_default  Resource is still in use`, for which it does not
/// fail (seen with 2.26.1).
fn still_in_use(stderr: &str) -> BTreeSet<String> {
    let left = stderr.lines().filter_map(|line| line.trim().strip_suffix("Resource is still in use"));
    left.filter_map(|line| line.trim().split_once(' '))
        .map(|(kind, name)| format!("{} {}", kind.to_ascii_lowercase(), name.trim()))
        .collect()
}

/// The last lines that say something: progress (` Container web-app-1  Creating`) does not, unless
/// there is nothing else.
pub(super) fn telling_lines(text: &str, count: usize) -> String {
    let all: Vec<_> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let telling: Vec<_> = all.iter().copied().filter(|line| !is_progress(line)).collect();
    let lines = if telling.is_empty() { all } else { telling };
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Compose's own errors begin at the margin, its progress with a space.
fn is_progress(line: &str) -> bool {
    [" Container ", " Network ", " Volume "].iter().any(|start| line.starts_with(start))
        && !line.ends_with("Error")
}

#[cfg(test)]
mod tests;
