//! What is done with what was built: data that come back, questions that it has to answer, commands that have to end
//! well.

use std::ffi::OsString;
use std::time::Duration;

use backup::{Container, Database, Links, Overwrite, Server, Wanted};
use http::probe::{Probe, Statuses, StatusesError, Target};
use http::{Url, UrlError};
use remote::Connection;
use remote::connection::ConnectionError;
use tokio_util::sync::CancellationToken;

use super::outputs::Outputs;
use super::record::Wrong;
use super::settings::{CommandSettings, ProbeSettings, RestoreSettings};
use super::stops::Stops;
use crate::backup::{RestoreOrder, Restored, WhichSnapshot, secret};
use crate::exit::{Exit, Failure};
use crate::progress::Shown;
use crate::run::{Ending, Stdout, run_child};
use crate::settings::Settings;

/// The time from the end of one try to the next.
const INTERVAL: Duration = Duration::from_secs(1);

/// How long a command may take to end once it was asked to.
const GRACE: Duration = Duration::from_secs(10);

/// The machine that runs the drill.
const HERE: &str = "local://";

/// What all of them need.
pub struct Checks<'a> {
    /// What the repository says.
    pub settings: &'a Settings,
    /// What the configuration tells.
    pub outputs: &'a Outputs,
    /// When they are to end early.
    pub stops: &'a Stops,
}

impl Checks<'_> {
    fn fill(&self, text: &str) -> Result<String, Wrong> {
        self.outputs.fill(text).map_err(|why| Wrong::Failed(format!("{why}.")))
    }

    fn filled(&self, text: Option<&String>) -> Result<Option<String>, Wrong> {
        text.map(|text| self.fill(text)).transpose()
    }

    /// What went wrong, where it was not somebody who ended it.
    fn wrong(&self, said: impl std::fmt::Display) -> Wrong {
        match self.stops.why() {
            Some(why) => Wrong::Interrupted(format!("{why}\n\n{said}")),
            None => Wrong::Failed(said.to_string()),
        }
    }

    /// Brings a snapshot back.
    ///
    /// # Errors
    /// When it does not come back.
    pub async fn restore(&self, restore: &RestoreSettings) -> Result<Restored, Wrong> {
        let order = self.order(restore)?;
        order
            .restore(self.settings, Shown::of_process(false), &self.stops.first)
            .await
            .map_err(|failure| self.wrong(failure))
    }

    fn order(&self, restore: &RestoreSettings) -> Result<RestoreOrder, Wrong> {
        let failed = |failure: Failure| Wrong::Failed(failure.to_string());
        let wanted = match (self.filled(restore.path.as_ref())?, self.filled(restore.volume.as_ref())?) {
            (Some(path), _) => Wanted::Path(path),
            (None, Some(volume)) => Wanted::Volume(volume),
            (None, None) => {
                let variable = restore.password_env.as_deref();
                let password = variable.map(|variable| secret(variable, "the password of the role"));
                let container = self.filled(restore.container.as_ref())?.unwrap_or_default();
                Wanted::Database(Database {
                    server: Server::Container(Container::Named(container)),
                    image: None,
                    database: self.filled(restore.database.as_ref())?.unwrap_or_default(),
                    user: restore.user.clone().unwrap_or_else(|| backup::POSTGRES_USER.to_owned()),
                    password: password.transpose().map_err(failed)?,
                    globals: true,
                })
            }
        };
        let snapshot = restore.snapshot.as_deref().map_or(Ok(WhichSnapshot::Latest), str::parse);
        let owner = restore.owner.as_deref().map(str::parse).transpose();
        Ok(RestoreOrder {
            corpus: restore.corpus.clone(),
            store: restore.store.clone(),
            snapshot: snapshot.map_err(|why| Wrong::Failed(format!("`snapshot`: {why}.")))?,
            host: self.fill(&restore.host)?,
            wanted,
            overwrite: if restore.overwrite { Overwrite::Yes } else { Overwrite::Never },
            links: Links::Inside,
            owner: owner.map_err(|why: backup::OwnerError| Wrong::Failed(format!("`owner`: {why}.")))?,
            transform: restore.transform.clone(),
            quiesce: None,
            sections: None,
        })
    }

    /// Asks until the answer is as it should be.
    ///
    /// # Errors
    /// When it never is.
    pub async fn probe(&self, probe: &ProbeSettings) -> Result<(), Wrong> {
        let target = self.target(probe)?;
        let host = self.fill(probe.host.as_deref().unwrap_or(HERE))?;
        let failed = |error: &(dyn std::error::Error + 'static)| {
            Wrong::Failed(Failure::new(format!("Could not ask from {host}")).because(error).to_string())
        };
        let connection: Connection = host.parse().map_err(|error: ConnectionError| failed(&error))?;
        let pool = ssh::Pool::default();
        let executor = pool.reach(&connection, |ssh| self.settings.credentials(ssh));
        let executor = executor.map_err(|error| failed(&error))?;
        let asking = Probe { target, timeout: probe.patience(), interval: INTERVAL };
        let passed = asking.pass(executor.as_ref(), remote::Error::may_be_forbidden, &self.stops.first).await;
        pool.close().await;
        passed.map(drop).map_err(|error| {
            self.wrong(Failure::new(format!("There was no good answer of {}", asking.target)).because(&error))
        })
    }

    fn target(&self, probe: &ProbeSettings) -> Result<Target, Wrong> {
        let problem = |what: &str, why: &dyn std::fmt::Display| Wrong::Failed(format!("`{what}` {why}."));
        if let Some(tcp) = self.filled(probe.tcp.as_ref())? {
            let place = tcp.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
            let (host, port) =
                place.ok_or_else(|| problem("tcp", &"must be a name and a port, such as `db:5432`"))?;
            let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            return Ok(Target::Tcp { host, port });
        }
        let url = self.filled(probe.url.as_ref())?.unwrap_or_default();
        let url: Url = url.parse().map_err(|why: UrlError| problem("url", &why))?;
        let statuses = probe.status.as_deref().map_or_else(|| Ok(Statuses::default()), str::parse);
        let statuses = statuses.map_err(|why: StatusesError| problem("status", &why))?;
        Ok(Target::Http { url, statuses, body: probe.body.clone() })
    }

    /// Runs a command to its end. It and all that it starts end with its time.
    ///
    /// # Errors
    /// When it ends with another code than 0, or not in its time.
    pub async fn command(&self, command: &CommandSettings) -> Result<(), Wrong> {
        let words: Result<Vec<OsString>, Wrong> =
            command.command.iter().map(|word| self.fill(word).map(OsString::from)).collect();
        let (gently, hard) = (self.stops.first.child_token(), self.stops.third.child_token());
        let late = CancellationToken::new();
        let clock = tokio::spawn(clock(command.patience(), gently.clone(), hard.clone(), late.clone()));
        let ending = Ending::Asked { gently, hard, whole_group: true };
        let ended = run_child(&words?, &self.outputs.environment(), Stdout::Told, &ending).await;
        clock.abort();
        let ended = ended.map_err(|failure| self.wrong(failure))?;
        if ended.exit == Exit::DONE && !late.is_cancelled() {
            return Ok(());
        }
        let said = self.outputs.scrubbed(ended.stdout.expose().trim());
        if late.is_cancelled() && self.stops.why().is_none() {
            let seconds = command.patience().as_secs();
            return Err(Wrong::Failed(format!(
                "It did not end within {seconds} s, and was ended.\n\n{said}"
            )));
        }
        Err(self.wrong(format!("It ended with {}.\n\n{said}", ended.exit.0)))
    }
}

/// Ends a command when its time is up, and for sure some time later.
async fn clock(
    patience: Duration,
    gently: CancellationToken,
    hard: CancellationToken,
    late: CancellationToken,
) {
    tokio::select! {
        () = tokio::time::sleep(patience) => late.cancel(),
        () = gently.cancelled() => {}
    }
    gently.cancel();
    tokio::time::sleep(GRACE).await;
    hard.cancel();
}
