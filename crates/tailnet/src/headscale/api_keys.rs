//! The key of the interface: one that somebody has stored, or one that is made for the moment by
//! Headscale's own command on its host, and given back.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use remote::{Command, Executor, run_checked};
use secret::Secret;
use serde::Deserialize;

use super::Headscale;
use crate::{Error, parse_moment, tailscale::segment, time_text::Moment, transport::Call};

/// For how long a key is made.
const LIFETIME: Duration = Duration::from_secs(600);
/// When another one is made.
const REPLACED: Duration = Duration::from_secs(480);
/// The port that Headscale's own configuration has for its interface.
const PORT: u16 = 8080;
/// How long Headscale's command may take.
const COMMAND: Duration = Duration::from_secs(60);

/// Where keys of the interface come from.
pub enum ApiKeys {
    /// It is given.
    Given(Secret),
    /// They are made by Headscale's own command.
    Made(Box<Made>),
}

/// Keys that are made when they are needed.
pub struct Made {
    program: Program,
    state: tokio::sync::Mutex<Option<Key>>,
    /// The first key, until somebody has looked after the old ones with it.
    unused: Mutex<Option<Secret>>,
}

struct Key {
    secret: Secret,
    made: Instant,
}

/// Headscale's own command, on the machine or in a container there.
#[derive(Clone)]
pub struct Program {
    executor: Arc<dyn Executor>,
    /// What stands before `headscale`.
    before: Vec<String>,
}

impl Program {
    /// The command on the machine itself.
    pub fn on(executor: Arc<dyn Executor>) -> Self {
        Self { executor, before: Vec::new() }
    }

    /// The command in `container`; `docker` is how the machine's docker is called.
    pub fn in_container(executor: Arc<dyn Executor>, docker: &[String], container: &str) -> Self {
        let exec = ["exec", container].map(str::to_owned);
        Self { executor, before: docker.iter().cloned().chain(exec).collect() }
    }

    fn create(&self) -> Command {
        let words = ["headscale", "apikeys", "create", "--expiration", "10m", "--output", "json"];
        let words = self.before.iter().map(String::as_str).chain(words);
        Command::new(words).privileged().timeout(Some(COMMAND))
    }

    /// Where Headscale's interface is, as the machine sees it: at its usual port, of the container
    /// where it is in one, whether or not that publishes the port.
    ///
    /// # Errors
    /// When the container cannot be asked for its address.
    pub async fn address(&self) -> Result<String, Error> {
        let own = format!("http://127.0.0.1:{PORT}");
        let Some(command) = self.inspect() else { return Ok(own) };
        let output = run_checked(self.executor.as_ref(), &command, remote::Input::Nothing).await?;
        let text = output.stdout_text();
        let address = text.lines().map(str::trim).find(|line| !line.is_empty());
        Ok(address.map_or(own, |address| format!("http://{address}:{PORT}")))
    }

    /// Asks for the addresses of the container, one a line; there are none on the host's own network.
    fn inspect(&self) -> Option<Command> {
        let (container, docker) = self.before.split_last()?;
        let docker = docker.split_last().map(|(_, docker)| docker)?;
        let format = "{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}";
        let words = ["inspect", "--format", format, container];
        let words = docker.iter().map(String::as_str).chain(words);
        Some(Command::new(words).privileged().timeout(Some(COMMAND)))
    }

    async fn make(&self) -> Result<Secret, Error> {
        let output = run_checked(self.executor.as_ref(), &self.create(), remote::Input::Nothing).await?;
        let text: Result<String, _> = serde_json::from_slice(&output.stdout);
        text.map(Secret::new).map_err(|_| Error::Garbled {
            server: self.executor.name().to_owned(),
            operation: "make a key for its interface",
            why: "`headscale apikeys create` printed no text as JSON".to_owned(),
        })
    }
}

impl ApiKeys {
    /// Keys that `program` makes.
    pub fn made_by(program: Program) -> Self {
        Self::Made(Box::new(Made { program, state: tokio::sync::Mutex::default(), unused: Mutex::default() }))
    }

    pub(super) fn are_made(&self) -> bool {
        matches!(self, Self::Made(_))
    }

    /// A key that can be used now, and is not `refused`.
    pub(super) async fn current(&self, refused: Option<&Secret>) -> Result<Secret, Error> {
        let made = match self {
            Self::Given(key) => return Ok(key.clone()),
            Self::Made(made) => made,
        };
        let mut state = made.state.lock().await;
        if let Some(key) =
            state.as_ref().filter(|key| key.made.elapsed() < REPLACED && Some(&key.secret) != refused)
        {
            return Ok(key.secret.clone());
        }
        let secret = made.program.make().await?;
        *made.unused.lock().unwrap_or_else(PoisonError::into_inner) = Some(secret.clone());
        *state = Some(Key { secret: secret.clone(), made: Instant::now() });
        Ok(secret)
    }

    /// The key that was just made, once.
    pub(super) fn take_unused(&self) -> Option<Secret> {
        match self {
            Self::Given(_) => None,
            Self::Made(made) => made.unused.lock().unwrap_or_else(PoisonError::into_inner).take(),
        }
    }

    async fn take(&self) -> Option<Secret> {
        match self {
            Self::Given(_) => None,
            Self::Made(made) => made.state.lock().await.take().map(|key| key.secret),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[serde(default)]
    api_keys: Vec<Found>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    expiration: String,
    #[serde(default)]
    created_at: String,
}

impl Found {
    /// Whether it is one that was made here, earlier, and is worthless by now: nobody else makes any
    /// for ten minutes.
    fn is_left_over(&self, now: Moment) -> bool {
        let (Some(created), Some(end)) = (parse_moment(&self.created_at), parse_moment(&self.expiration))
        else {
            return false;
        };
        let lifetime = end - created;
        end < now
            && (lifetime - time::Duration::seconds_f64(LIFETIME.as_secs_f64())).abs()
                < time::Duration::seconds(3)
    }
}

impl Headscale {
    /// Removes keys that were made here and could not be given back, because somebody killed us.
    /// Only what is worthless goes, so that no other run loses its key; that it fails is no failure.
    pub(super) async fn sweep(&self, key: &Secret) {
        let secrets = secret::Scrubber::new([key.clone()]);
        let list = Call::get("list keys of the interface", "/api/v1/apikey");
        let Ok(reply) = self.wire.demand(&list, Some(key), &secrets).await else { return };
        let Ok(listed) = self.wire.read::<Listed>(&list, &reply) else { return };
        let now = Moment::now_utc();
        for found in listed.api_keys.iter().filter(|found| found.is_left_over(now)) {
            let path = format!("/api/v1/apikey/{}", segment(&bare_prefix(&found.prefix)));
            let call = Call::with_method("DELETE", "remove a key of the interface", path);
            if let Err(error) = self.wire.demand(&call, Some(key), &secrets).await {
                tracing::info!(%error, "could not remove a key that is over");
            }
        }
    }

    /// Expires the key that was made, if there is one.
    pub(super) async fn give_back(&self) {
        let Some(key) = self.keys.take().await else { return };
        let Some(prefix) = prefix_of(key.expose()) else { return };
        let call = Call::with_method("POST", "expire a key of the interface", "/api/v1/apikey/expire")
            .json(&serde_json::json!({"prefix": prefix}));
        if let Err(error) = self.wire.demand(&call, Some(&key), &secret::Scrubber::new([key.clone()])).await {
            tracing::info!(%error, "could not give back a key; it is worthless after ten minutes");
        }
    }
}

/// What a list shows of a key, without what is masked in it. A prefix may end with a dash of its own.
fn bare_prefix(shown: &str) -> String {
    let shown = shown.strip_prefix("hskey-api-").unwrap_or(shown);
    let bare = shown.strip_suffix("***").map(|rest| rest.strip_suffix('-').unwrap_or(rest));
    bare.unwrap_or(shown).to_owned()
}

/// The part of a key that is no secret.
fn prefix_of(key: &str) -> Option<String> {
    match key.strip_prefix("hskey-api-") {
        Some(rest) => rest.get(..12).map(str::to_owned),
        None => key.split_once('.').map(|(prefix, _)| prefix.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use remote::{Fake, fake::Reply};

    use super::*;

    #[tokio::test]
    async fn a_key_is_made_by_headscales_own_command_and_once() {
        let host = Fake::new("vpn");
        let words = ["docker", "exec", "headscale", "headscale", "apikeys", "create", "--expiration", "10m"];
        host.expect(
            words.into_iter().chain(["--output", "json"]),
            Reply::ok("\"hskey-api-abcdefghijkl-hunter2\"\n"),
        );
        let program = Program::in_container(Arc::new(host.clone()), &["docker".to_owned()], "headscale");
        let keys = ApiKeys::made_by(program);
        for _ in 0..2 {
            assert_eq!(keys.current(None).await.unwrap().expose(), "hskey-api-abcdefghijkl-hunter2");
        }
        assert_eq!(host.calls().len(), 1);
        assert!(host.calls()[0].command.is_privileged());
        assert!(keys.take_unused().is_some() && keys.take_unused().is_none());
    }

    #[tokio::test]
    async fn the_interface_of_a_container_is_found_by_its_address() {
        let host = Fake::new("vpn");
        let format = "{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}";
        let words = ["docker", "inspect", "--format", format, "headscale"];
        host.expect(words, Reply::ok("\n172.18.0.2\n\n")).expect(words, Reply::ok("\n"));
        let program = Program::in_container(Arc::new(host.clone()), &["docker".to_owned()], "headscale");
        assert_eq!(program.address().await.unwrap(), "http://172.18.0.2:8080");
        assert_eq!(program.address().await.unwrap(), "http://127.0.0.1:8080");
        assert_eq!(Program::on(Arc::new(host)).address().await.unwrap(), "http://127.0.0.1:8080");
    }

    #[tokio::test]
    async fn what_the_command_prints_is_not_quoted() {
        let host = Fake::new("vpn");
        let words = ["headscale", "apikeys", "create", "--expiration", "10m", "--output", "json"];
        host.expect(words, Reply::ok("key: hunter2"));
        let keys = ApiKeys::made_by(Program::on(Arc::new(host)));
        let error = format!("{:?}", keys.current(None).await.unwrap_err());
        assert!(error.contains("printed no text as JSON") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn only_what_is_over_and_was_ours_is_swept_up() {
        let now = parse_moment("2026-11-29T10:00:00Z").unwrap();
        let found = |created: &str, expiration: &str| Found {
            prefix: String::new(),
            created_at: created.to_owned(),
            expiration: expiration.to_owned(),
        };
        assert!(found("2026-11-29T09:40:00.5Z", "2026-11-29T09:50:00Z").is_left_over(now));
        assert!(
            !found("2026-11-29T09:55:00Z", "2026-11-29T10:05:00Z").is_left_over(now),
            "another run has it"
        );
        assert!(!found("2026-11-29T08:00:00Z", "2026-11-29T09:00:00Z").is_left_over(now), "somebody else's");
        assert!(!found("2026-11-29T08:00:00Z", "").is_left_over(now));
    }

    #[test]
    fn the_prefix_of_a_key_names_it() {
        assert_eq!(prefix_of("hskey-api-abcdefghijkl-secret").as_deref(), Some("abcdefghijkl"));
        assert_eq!(prefix_of("abc.secret").as_deref(), Some("abc"));
        assert_eq!(bare_prefix("hskey-api-abcdefghijkl-***"), "abcdefghijkl");
        assert_eq!(bare_prefix("hskey-api-abcdefghijk--***"), "abcdefghijk-");
        assert_eq!((bare_prefix("abc***").as_str(), bare_prefix("abc").as_str()), ("abc", "abc"));
    }
}
