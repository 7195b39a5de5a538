//! Proving a dump by restoring it: to a Postgres of the source's own image that nobody else sees, has no network, and
//! is gone afterwards.

use std::time::Duration;

use docker::Cli;
use remote::{
    Command, Executor, Input,
    collect::{Limits, run_checked, run_checked_with},
    files::random_name,
    poll::Poll,
};
use tokio_util::sync::CancellationToken;

use super::{
    Postgres, RestoringPostgres, Sections, Tools,
    tables::{Counted, TABLES, Table, difference},
};
use crate::{corpus::Corpus, error::Error, fetch::Fetching, stage::Overwrite, turn::Turn};

/// What such containers are called, each with something of its own behind it.
const PREFIX: &str = "windlass-proof-";

/// Makes a cluster whose superuser is `$1`, and serves it with the options that follow, without what makes data last.
/// After six hours nobody waits for it any more.
const SERVE: &str = r#"
user=$1
shift
initdb -D /tmp/proof -U "$user" --auth=trust -E UTF8 >/tmp/said 2>&1 || { cat /tmp/said >&2; exit 1; }
(sleep 21600; kill -INT 1) &
exec postgres -D /tmp/proof -c fsync=off -c full_page_writes=off -c listen_addresses= -c unix_socket_directories=/tmp "$@"
"#;

/// How long it may take until it answers.
const START: Duration = Duration::from_secs(120);

/// How often it is asked whether it does.
const INTERVAL: Duration = Duration::from_millis(250);

/// What a dump has to be once it is restored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// Questions, and what they are answered with.
    pub checks: Vec<Check>,
    /// SQL between the sections of the dump.
    pub sections: Option<Sections>,
    /// More options of the server, such as `-c shared_preload_libraries=timescaledb`, word by word.
    pub server_args: Vec<String>,
}

/// A question to a restored database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The question, in SQL.
    pub sql: String,
    /// What `psql` prints as the answer: a line for each row, with a tab between fields.
    pub expect: String,
}

/// Asks which role a server has been made with: it has the number 10 (`BOOTSTRAP_SUPERUSERID` in `pg_authid.dat`).
const FIRST_ROLE: &str = "SELECT rolname FROM pg_catalog.pg_roles WHERE oid = 10";

/// A dump that is to be proven.
pub(crate) struct Proving<'a> {
    pub(crate) exec: &'a dyn Executor,
    pub(crate) fetching: Fetching<'a>,
    /// The database that it is of.
    pub(crate) postgres: &'a Postgres,
    pub(crate) proof: &'a Proof,
    pub(crate) cancel: &'a CancellationToken,
}

impl Proving<'_> {
    /// Restores it to nowhere.
    pub(crate) async fn prove(&self) -> Result<(), Error> {
        let Some(cli) = self.postgres.tools.cli() else {
            return Err(self.differs("there is no image of a server that it could be restored to".to_owned()));
        };
        let container = format!("{PREFIX}{}", random_name()?);
        let started = match self.run(cli, &container).await {
            Ok(first) => self.compare(cli, &container, first).await,
            Err(error) => Err(error),
        };
        let remove = cli.docker(["rm", "--force", "--volumes", &container]);
        if let Err(error) = run_checked(self.exec, &remove, Input::Nothing).await {
            tracing::warn!(container, %error, "could not remove the container of a proof");
        }
        started
    }

    async fn checked(&self, command: &Command) -> Result<String, Error> {
        let limits = Limits::cancelled_by(self.cancel);
        let output = run_checked_with(self.exec, command, Input::Nothing, &limits).await?;
        Ok(output.stdout_text().trim().to_owned())
    }

    /// The image of the server: the one whose programs are used, else that of the source itself.
    async fn image(&self) -> Result<String, Error> {
        match &self.postgres.tools {
            Tools::Image { image, .. } => Ok(image.clone()),
            Tools::Container { cli, container } => {
                let words = ["inspect", "--type", "container", "--format", "{{.Image}}"];
                self.checked(&cli.docker(words).arg(container)).await
            }
            Tools::Host => Ok(String::new()),
        }
    }

    /// The role that the server has been made with. Only a server whose first role has the same name takes the
    /// memberships that it has granted (since Postgres 16).
    async fn first_role(&self) -> Result<String, Error> {
        let found = self.postgres.query(self.exec, &self.postgres.database, FIRST_ROLE).await?;
        Ok(found.into_iter().next().unwrap_or_else(|| self.postgres.user.clone()))
    }

    /// Starts a server, and says who logs in to it.
    async fn run(&self, cli: &Cli, container: &str) -> Result<String, Error> {
        let (image, first) = (self.image().await?, self.first_role().await?);
        self.checked(&run_command(cli, (container, &image), &first, self.proof)).await?;
        let poll = Poll::new(INTERVAL, START, self.cancel);
        let ready = cli.docker(["exec", container, "pg_isready", "--quiet"]);
        loop {
            let asked = self.checked(&ready).await;
            let Err(error) = asked else { return Ok(first) };
            let state = cli.docker(["inspect", "--format", "{{.State.Running}}", container]);
            if self.checked(&state).await? != "true" || poll.next().await.is_err() {
                return Err(self.without_start(cli, container, error).await);
            }
        }
    }

    /// Why it does not serve, in its own last words.
    async fn without_start(&self, cli: &Cli, container: &str, error: Error) -> Error {
        let logs = cli.docker(["logs", "--tail", "5", container]);
        match remote::run(self.exec, &logs, Input::Nothing).await {
            Ok(logs) => {
                let said = format!("{}{}", logs.stdout_text(), logs.stderr_text());
                self.differs(format!("no server of its image could be started for it:\n{}", said.trim()))
            }
            Err(_) => error,
        }
    }

    async fn compare(&self, cli: &Cli, container: &str, user: String) -> Result<(), Error> {
        let tools = Tools::Container { cli: cli.clone(), container: container.to_owned() };
        let copy = Postgres { tools, server: None, user, password: None, ..self.postgres.clone() };
        let corpus = Corpus::Postgres(copy.clone());
        let restoring = RestoringPostgres {
            exec: self.exec,
            fetching: self.fetching,
            postgres: &copy,
            corpus: &corpus,
            overwrite: Overwrite::Never,
            sections: self.proof.sections.as_ref(),
            transform: &[],
            quiesce: None,
            turn: &Turn::of_ones_own(&corpus),
            cancel: self.cancel,
        };
        restoring.restore().await?;
        let counted = Counted::count(self.exec, &copy).await?;
        let restored = counted.tables.clone();
        counted.end().await;
        let dumped = self.dumped().await?;
        if let Some(what) = difference(&dumped, &restored) {
            return Err(self.differs(what));
        }
        for Check { sql, expect } in &self.proof.checks {
            let answer = copy.query(self.exec, &copy.database, sql).await?.join("\n");
            if answer.trim() != expect.trim() {
                return Err(
                    self.differs(format!("{sql:?} is answered with {answer:?} instead of {expect:?}"))
                );
            }
        }
        Ok(())
    }

    /// What was counted at the time of the dump.
    async fn dumped(&self) -> Result<Vec<Table>, Error> {
        let manifest = self.fetching.manifest;
        let corrupt = |what: &str| Error::Corrupt {
            file: TABLES.to_owned(),
            snapshot: manifest.snapshot.to_string(),
            what: what.to_owned(),
        };
        let part = manifest.parts.iter().find(|part| part.file == TABLES);
        let part = part.ok_or_else(|| corrupt("it is not in the snapshot"))?;
        let content = self.fetching.small(part).await?;
        serde_json::from_slice(&content)
            .map_err(|error| corrupt(&format!("it is not a list of tables: {error}")))
    }

    fn differs(&self, what: String) -> Error {
        Error::NotProven { subject: self.postgres.subject(), host: self.exec.name().to_owned(), what }
    }
}

fn run_command(cli: &Cli, (container, image): (&str, &str), user: &str, proof: &Proof) -> Command {
    let run = ["run", "--detach", "--pull", "never", "--network", "none", "--name", container];
    cli.docker(run)
        .args(["--user", "postgres", "--env", "PGHOST=/tmp", "--entrypoint", "sh", image, "-c", SERVE])
        .args(["windlass-proof", user])
        .args(proof.server_args.iter().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_no_network_and_nothing_is_pulled() {
        let cli = Cli::new("/run/docker.sock", "/root");
        let proof = Proof { server_args: vec!["-c".into(), "jit=off".into()], ..Proof::default() };
        let command = run_command(&cli, ("windlass-proof-1", "sha256:1"), "admin", &proof);
        let words = command.words().join(" ");
        let (before, after) = words.split_once(SERVE).unwrap();
        assert!(
            before.ends_with(
                "docker run --detach --pull never --network none --name windlass-proof-1 --user postgres \
                 --env PGHOST=/tmp --entrypoint sh sha256:1 -c "
            ),
            "{before}"
        );
        assert_eq!(after, " windlass-proof admin -c jit=off");
    }
}
