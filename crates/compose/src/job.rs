//! Jobs: one-shot runs of a service, as `docker compose run` does them.
//!
//! Variables of a run go to Compose as one more file, through stdin: they are never words of a
//! command, and, unlike `run -e NAME` under an environment, no `${NAME}` of the project takes its
//! value from them. The run itself reads nothing.
//!
//! Compose does not end the container when it is ended itself (seen with 2.26.1: after TERM it says
//! `canceled`, the container goes on), so every container carries [`LABEL_RUN`], by which
//! [`leftovers`] finds what is to be removed.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use remote::{Command, Input};
use serde_json::{Value, json};

use super::{
    client::{Compose, telling_lines},
    command::Project,
};
use docker::{Cli, Error, engine::Container};
use remote::Tail;

/// Label of the container of a job: the job's name.
pub const LABEL_RUN: &str = "windlass.run";

/// How much of a job's output is held: the end of it.
const HELD: usize = 256 << 10;
/// How many lines of it are told.
const LINES: usize = 30;
/// Lets both outputs come in one stream, about in the order in which they were written.
const TOGETHER: &str = "exec \"$@\" 2>&1";

/// A one-shot run of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// What messages, and its container's label, call it.
    pub name: String,
    /// The service whose image, volumes and networks it has.
    pub service: String,
    /// The command in the place of the service's own; empty for that.
    pub command: Vec<String>,
    /// More variables than the service has, none of them secret.
    pub environment: BTreeMap<String, String>,
    /// How long it may take.
    pub limit: Duration,
}

/// Why a job did not end well.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum JobError {
    /// It ended with another status than 0.
    #[error("ended with status {status} after {} s", took.as_secs())]
    Failed {
        status: u32,
        /// How long it ran.
        took: Duration,
        /// Its last lines, scrubbed.
        output: String,
    },
    /// It did not begin: whoever places containers found no place for it, or no image.
    #[error("did not begin: {said}")]
    Unstarted {
        /// What they say, scrubbed.
        said: String,
    },
    /// It took longer than it may.
    #[error("had not ended after {} s", limit.as_secs())]
    Late {
        /// The time that it was given.
        limit: Duration,
        /// Its last lines, scrubbed.
        output: String,
    },
    /// It could not be run, or nobody knows what became of it.
    #[error(transparent)]
    Docker(#[from] Error),
}

impl Job {
    /// `run`: neither the services that this one depends on nor an image is touched by it.
    pub fn run(&self, project: &Project, cli: &Cli) -> Command {
        let mut project = project.clone();
        if !self.environment.is_empty() {
            project.files.push("-".to_owned());
        }
        let label = format!("{LABEL_RUN}={}", self.name);
        let run = project
            .command_with(cli, &[("COMPOSE_IGNORE_ORPHANS", "true")])
            .args(["run", "--rm", "--no-TTY", "--no-deps", "--label", &label, "--", &self.service])
            .args(self.command.iter().cloned());
        Command::new(["sh", "-c", TOGETHER, "windlass-job"])
            .args(run.words().iter().cloned())
            .privileged()
            .timeout(Some(self.limit))
    }

    /// The Compose file with its variables; nothing where it has none.
    pub fn document(&self) -> Vec<u8> {
        if self.environment.is_empty() {
            return Vec::new();
        }
        // Compose takes one dollar sign for two, and another one for a variable.
        let values = self.environment.iter();
        let values: BTreeMap<_, _> =
            values.map(|(name, value)| (name, Value::from(value.replace('$', "$$")))).collect();
        json!({ "services": { &self.service: { "environment": values } } }).to_string().into_bytes()
    }
}

/// The containers of jobs, by the labels: of those that run now, or of an apply that was cut off.
pub fn leftovers(containers: &[Container]) -> impl Iterator<Item = &Container> {
    containers.iter().filter(|container| container.label(LABEL_RUN).is_some())
}

impl Compose<'_> {
    /// Runs `job` to its end; how long it took. Whatever else its caller learns, a container of it
    /// may be left unless this succeeds: see [`leftovers`].
    ///
    /// # Errors
    /// See [`JobError`].
    pub async fn job(&self, project: &Project, job: &Job) -> Result<Duration, JobError> {
        let begun = Instant::now();
        let mut output = Tail::of(HELD);
        let input = Input::bytes(job.document());
        let ended = self.follow(&job.run(project, self.cli()), input, &mut output).await;
        let (took, output) = (begun.elapsed(), self.last_lines(&output.text()));
        match ended {
            Ok(0) => Ok(took),
            Ok(status) => Err(JobError::Failed { status, took, output }),
            Err(remote::Error::Timeout { limit, .. }) => Err(JobError::Late { limit, output }),
            Err(error) => Err(Error::from(error).into()),
        }
    }

    fn last_lines(&self, text: &str) -> String {
        telling_lines(&self.scrubbed(text), LINES)
    }
}

#[cfg(test)]
mod tests {
    use remote::{Fake, fake::Reply};
    use secret::{Scrubber, Secret};
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn cli() -> Cli {
        Cli::new("/s", "/root")
    }

    fn project() -> Project {
        Project {
            name: "web".into(),
            directory: "/srv/web".into(),
            files: vec!["/srv/web/compose.yaml".into()],
            profiles: vec!["extra".into()],
            env_file: "/srv/web/.env".into(),
        }
    }

    fn job() -> Job {
        Job {
            name: "migrate".into(),
            service: "app".into(),
            command: vec!["bin/migrate".into(), "--all".into(), "it's $HERE".into()],
            environment: BTreeMap::new(),
            limit: Duration::from_secs(9),
        }
    }

    fn with_variables() -> Job {
        let variables = [("MODE", "a b"), ("PRICE", "5$")];
        let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Job { environment, command: Vec::new(), ..job() }
    }

    #[test]
    fn a_job_is_these_words() {
        let command = job().run(&project(), &cli());
        assert_eq!(
            command.words(),
            [
                "sh",
                "-c",
                "exec \"$@\" 2>&1",
                "windlass-job",
                "env",
                "-i",
                &format!("PATH={}", cli().path),
                "DOCKER_HOST=unix:///s",
                "HOME=/root",
                "PWD=/srv/web",
                "COMPOSE_IGNORE_ORPHANS=true",
                "docker",
                "compose",
                "--ansi",
                "never",
                "--progress",
                "plain",
                "--project-name",
                "web",
                "--project-directory",
                "/srv/web",
                "--env-file",
                "/srv/web/.env",
                "--file",
                "/srv/web/compose.yaml",
                "--profile",
                "extra",
                "run",
                "--rm",
                "--no-TTY",
                "--no-deps",
                "--label",
                "windlass.run=migrate",
                "--",
                "app",
                "bin/migrate",
                "--all",
                "it's $HERE",
            ]
        );
        assert!(command.is_privileged());
        assert_eq!(command.time_limit(), Some(Duration::from_secs(9)));
        assert_eq!(job().document(), b"");
    }

    #[test]
    fn variables_come_by_stdin_and_are_no_words() {
        let job = with_variables();
        let command = job.run(&project(), &cli());
        let words = command.words().join(" ");
        assert!(words.contains(" --file /srv/web/compose.yaml --file - --profile "), "{words}");
        assert!(words.ends_with(" -- app") && !words.contains("MODE"), "{words}");
        assert_eq!(
            String::from_utf8(job.document()).unwrap(),
            r#"{"services":{"app":{"environment":{"MODE":"a b","PRICE":"5$$"}}}}"#
        );
    }

    async fn ended(job: &Job, reply: Reply) -> (Result<Duration, JobError>, Vec<u8>) {
        let fake = Fake::new("web");
        fake.expect(job.run(&project(), &cli()).words().to_vec(), reply);
        let scrubber = Scrubber::new([Secret::from("hunter2")]);
        let compose = Compose::new(&fake, cli(), scrubber, CancellationToken::new());
        let ended = compose.job(&project(), job).await;
        (ended, fake.calls()[0].stdin.clone())
    }

    #[tokio::test]
    async fn a_job_that_ends_well_has_read_its_variables() {
        let job = with_variables();
        let (ended, stdin) = ended(&job, Reply::ok("done\n")).await;
        ended.unwrap();
        assert_eq!(stdin, job.document());
    }

    #[tokio::test]
    async fn a_job_that_fails_tells_its_last_lines_without_secrets() {
        let said = " Network web_default  Creating\nconnecting as hunter2\n\nno such table\n";
        let (ended, _) = ended(&job(), Reply::failure(7, "").stdout(said)).await;
        let Err(JobError::Failed { status, output, .. }) = ended else { panic!("{ended:?}") };
        assert_eq!((status, output.as_str()), (7, "connecting as [secret]\nno such table"));
    }

    #[tokio::test]
    async fn a_job_that_takes_too_long_tells_them_too() {
        let job = Job { limit: Duration::from_millis(100), ..job() };
        let (ended, _) = ended(&job, Reply::hangs().stdout("waiting\n")).await;
        let Err(JobError::Late { limit, output }) = ended else { panic!("{ended:?}") };
        assert_eq!((limit, output.as_str()), (job.limit, "waiting"));
    }
}
