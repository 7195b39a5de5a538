//! `[backup]` of `windlass.toml`: which corpora there are, and where their snapshots live.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use backup::store::{Lock, LockMode};
use backup::{
    Check, Compress, Container, Database, Format, Links, Mode, Name, Proof, Quiesce, Retention, Server,
    Stream, Wanted, check_pattern,
};
use secret::Secret;
use serde::Deserialize;
use sops::Recipient;

use crate::exit::Failure;
use crate::units::duration;

/// `[backup]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackupSettings {
    /// Stores by their names.
    pub store: BTreeMap<String, StoreSettings>,
    /// Corpora by their names, which their snapshots have.
    pub corpus: BTreeMap<String, CorpusSettings>,
}

/// `[backup.store.NAME]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSettings {
    /// `file:///path`, `s3://bucket/prefix`, `sftp://user@host/path`, `github://owner/repository` or `restic:place`.
    pub url: String,
    /// The server of a bucket.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: Option<String>,
    /// The name of the key.
    pub access_key_id: Option<String>,
    /// The variable of the environment that has the key.
    pub secret_access_key_env: Option<String>,
    /// The variable of the environment that has the token for a repository.
    pub token_env: Option<String>,
    /// The variable of the environment that has the password of a repository of restic.
    pub password_env: Option<String>,
    /// The host that a bucket is reached from, as a connection.
    pub via: Option<String>,
    /// `governance` or `compliance`: how each new object of a bucket is locked,
    pub object_lock_mode: Option<String>,
    /// and for how many days.
    pub object_lock_days: Option<u32>,
}

impl StoreSettings {
    /// How each new object is locked, where that is said.
    ///
    /// # Errors
    /// When that means nothing.
    pub fn lock(&self) -> Result<Option<Lock>, String> {
        let (word, days) = match (&self.object_lock_mode, self.object_lock_days) {
            (None, None) => return Ok(None),
            (Some(word), Some(days)) => (word, days),
            _ => return Err("`object_lock_mode` and `object_lock_days` go together".to_owned()),
        };
        let mode = LockMode::of_word(word);
        let mode = mode.ok_or_else(|| {
            format!("`object_lock_mode` is {word:?}, and has to be governance or compliance")
        })?;
        if !(1..=36_500).contains(&days) {
            return Err(format!("`object_lock_days` is {days}, and has to be from 1 to 36500"));
        }
        Ok(Some(Lock { mode, days }))
    }
}

/// `[backup.corpus.NAME]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusSettings {
    /// The host that it is on, as a connection.
    pub host: Option<String>,
    /// A directory there,
    pub path: Option<String>,
    /// or a Docker volume,
    pub volume: Option<String>,
    /// or a database,
    pub postgres: Option<PostgresSettings>,
    /// or what a command writes.
    pub exec: Option<ExecSettings>,
    /// What holds still while it is copied.
    pub quiesce: Option<QuiesceSettings>,
    /// Patterns of what is left out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// `inside` or `any`.
    pub links: Option<String>,
    /// `tar.zst`, `tgz` or `tar`.
    pub format: Option<String>,
    /// Where it is packed: `auto` (default), `host`, `local` or `none`.
    pub compress: Option<String>,
    /// `archive` (default) or `restic`.
    pub engine: Option<String>,
    /// Where snapshots go: the name of a store, or a URL.
    pub store: String,
    /// More stores that each goes to.
    #[serde(default)]
    pub copies: Vec<String>,
    /// For whom they are encrypted: age recipients and SSH public keys.
    #[serde(default)]
    pub encrypt_to: Vec<String>,
    /// `checksum` or `restore`.
    pub verify: Option<String>,
    /// More options of the server that a database is restored to for its proof.
    #[serde(default)]
    pub server_args: Vec<String>,
    /// Questions to it.
    #[serde(default)]
    pub check: Vec<CheckSettings>,
    /// For how long no prune removes them.
    pub keep_for: Option<String>,
    /// How old the newest may be.
    pub max_age: Option<String>,
    /// What is asked for after success.
    pub heartbeat_url: Option<String>,
    /// The variable of the environment that has that URL.
    pub heartbeat_url_env: Option<String>,
    /// How many stay.
    #[serde(default)]
    pub retention: RetentionSettings,
}

/// `[backup.corpus.NAME.postgres]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresSettings {
    /// The container,
    pub container: Option<String>,
    /// or the Compose project
    pub stack: Option<String>,
    /// and the service of it,
    pub service: Option<String>,
    /// or the variable of the environment that has the URI of a server.
    pub uri_env: Option<String>,
    /// The image on the host whose programs are used.
    pub image: Option<String>,
    /// The database.
    pub database: String,
    /// Who logs in, where no URI says; default `postgres`.
    pub user: Option<String>,
    /// The variable of the environment that has the password.
    pub password_env: Option<String>,
    /// Whether roles and tablespaces belong to it; default true.
    pub globals: Option<bool>,
}

/// `[backup.corpus.NAME.exec]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecSettings {
    /// The container,
    pub container: Option<String>,
    /// or the Compose project
    pub stack: Option<String>,
    /// and the service of it.
    pub service: Option<String>,
    /// What writes it to stdout.
    pub command: Vec<String>,
    /// What reads it from stdin, and ends well only if it is whole.
    #[serde(default)]
    pub verify_command: Vec<String>,
    /// The ending of its name, such as `sql`.
    pub extension: String,
}

/// `[backup.corpus.NAME.quiesce]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuiesceSettings {
    /// The Compose project on the host.
    pub stack: String,
    /// Its services; default: all.
    #[serde(default)]
    pub services: BTreeSet<String>,
    /// `pause` or `stop`; default `pause`.
    pub mode: Option<String>,
    /// After how long they go on in any case; default 15 minutes.
    pub timeout: Option<String>,
}

/// `[[backup.corpus.NAME.check]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckSettings {
    /// The question, in SQL.
    pub sql: String,
    /// What `psql` prints as the answer.
    pub expect: String,
}

/// How much is proven of a snapshot before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Verify {
    /// Every byte is read back from the store
    Checksum,
    /// It is restored too: files to nowhere, a database to a server that is made for that
    Restore,
}

/// `[backup.corpus.NAME.retention]`
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionSettings {
    /// The newest ones.
    pub last: u32,
    /// Days.
    pub daily: u32,
    /// Weeks.
    pub weekly: u32,
    /// Months.
    pub monthly: u32,
    /// Years.
    pub yearly: u32,
}

impl From<RetentionSettings> for Retention {
    fn from(settings: RetentionSettings) -> Self {
        let RetentionSettings { last, daily, weekly, monthly, yearly } = settings;
        Self { last, daily, weekly, monthly, yearly }
    }
}

/// A wrong setting of a corpus.
fn wrong(name: &str, why: impl std::fmt::Display) -> Failure {
    Failure::new(format!("Could not read `[backup.corpus.{name}]` of windlass.toml"))
        .with(format!("{why}."))
        .with("Nothing was done.")
}

/// The name of a corpus.
///
/// # Errors
/// When it cannot be one.
pub fn name(text: &str) -> Result<Name, Failure> {
    text.parse().map_err(|error: backup::NameError| {
        Failure::new(format!("Could not find the corpus {text:?}")).because(&error)
    })
}

/// Recipients of age.
///
/// # Errors
/// When one is none.
pub fn recipients(texts: &[String]) -> Result<Vec<Recipient>, sops::Error> {
    texts.iter().map(|text| text.parse()).collect()
}

/// The secret that a variable of the environment has.
///
/// # Errors
/// When it is not set.
pub fn secret(variable: &str, what: &str) -> Result<Secret, Failure> {
    match std::env::var(variable) {
        Ok(value) if !value.is_empty() => Ok(Secret::new(value)),
        _ => Err(Failure::new(format!("Could not find {what}")).with(format!(
            "windlass.toml says that the variable {variable} has it, and it is not set here."
        ))),
    }
}

impl CorpusSettings {
    /// The settings of the corpus `name` as far as they are texts, checked.
    ///
    /// # Errors
    /// When one means nothing.
    pub fn check(&self, name: &str) -> Result<(), Failure> {
        self::name(name)?;
        let one_of =
            [self.path.is_some(), self.volume.is_some(), self.postgres.is_some(), self.exec.is_some()];
        if one_of.into_iter().filter(|is_set| *is_set).count() != 1 {
            return Err(wrong(name, "It needs exactly one of `path`, `volume`, `postgres` and `exec`"));
        }
        if self.postgres.as_ref().is_some_and(|postgres| !postgres.has_one_server()) {
            return Err(wrong(
                name,
                "`postgres` needs exactly one of `container`, `stack` with `service`, and `uri_env`",
            ));
        }
        self.path
            .as_ref()
            .filter(|path| !path.starts_with('/'))
            .map_or(Ok(()), |path| Err(wrong(name, format!("`path` is {path:?}, and has to be absolute"))))?;
        self.check_engine(name)?;
        self.format(name)?;
        self.links(name)?;
        self.keep_for(name)?;
        self.max_age(name)?;
        self.recipients(name)?;
        if let Some(quiesce) = &self.quiesce {
            quiesce.how(name)?;
        }
        let is_proven_database = self.verify(name)? == Verify::Restore && self.postgres.is_some();
        let asks = !self.check.is_empty() || !self.server_args.is_empty();
        if asks && !is_proven_database {
            let why = "`check` and `server_args` are for a database that is restored for a proof: `verify = \"restore\"` beside `postgres`";
            return Err(wrong(name, why));
        }
        Ok(())
    }

    fn check_engine(&self, name: &str) -> Result<(), Failure> {
        match self.engine.as_deref() {
            None | Some("archive") => return Ok(()),
            Some("restic") => {}
            Some(word) => {
                return Err(wrong(name, format!("`engine` is {word:?}, and has to be archive or restic")));
            }
        }
        if self.path.is_none() && self.volume.is_none() {
            return Err(wrong(name, "restic takes snapshots of a `path` or a `volume`, and of nothing else"));
        }
        if !self.copies.is_empty() || !self.encrypt_to.is_empty() {
            return Err(wrong(name, "`copies` and `encrypt_to` are for archives, and not for restic"));
        }
        if self.compress.is_some() || self.format.is_some() {
            return Err(wrong(name, "`compress` and `format` are for archives: restic compresses by itself"));
        }
        Ok(())
    }

    /// Whether restic takes its snapshots.
    pub fn uses_restic(&self) -> bool {
        self.engine.as_deref() == Some("restic")
    }

    /// How much is proven of a snapshot.
    ///
    /// # Errors
    /// When the word means nothing.
    pub fn verify(&self, name: &str) -> Result<Verify, Failure> {
        match self.verify.as_deref() {
            None | Some("checksum") => Ok(Verify::Checksum),
            Some("restore") => Ok(Verify::Restore),
            Some(word) => {
                Err(wrong(name, format!("`verify` is {word:?}, and has to be checksum or restore")))
            }
        }
    }

    /// What it has to be once it is restored.
    pub fn proof(&self) -> Proof {
        let check = |check: &CheckSettings| Check { sql: check.sql.clone(), expect: check.expect.clone() };
        let (checks, server_args) = (self.check.iter().map(check).collect(), self.server_args.clone());
        Proof { checks, sections: None, server_args }
    }

    /// What it is taken of, without the password and the URI.
    pub fn wanted(&self) -> Option<Wanted> {
        if let Some(path) = &self.path {
            return Some(Wanted::Path(path.clone()));
        }
        if let Some(volume) = &self.volume {
            return Some(Wanted::Volume(volume.clone()));
        }
        if let Some(exec) = &self.exec {
            return Some(Wanted::Stream(exec.stream()));
        }
        self.postgres.as_ref().map(|postgres| Wanted::Database(postgres.database()))
    }

    /// The same with the password and the URI.
    ///
    /// # Errors
    /// When a variable that should have it is not set.
    pub fn wanted_with_secrets(&self, name: &str) -> Result<Wanted, Failure> {
        let mut wanted = self.wanted().ok_or_else(|| wrong(name, "It says not what it is"))?;
        if let (Wanted::Database(database), Some(postgres)) = (&mut wanted, &self.postgres) {
            if let Some(variable) = &postgres.password_env {
                database.password = Some(secret(variable, &format!("the password of the corpus {name:?}"))?);
            }
            if let Some(variable) = &postgres.uri_env {
                let uri = secret(variable, &format!("the URI of the server of the corpus {name:?}"))?;
                database.server = Server::Uri(Some(uri));
            }
        }
        Ok(wanted)
    }

    /// How the archive is packed.
    ///
    /// # Errors
    /// When the word means nothing.
    pub fn format(&self, name: &str) -> Result<Format, Failure> {
        let Some(word) = &self.format else { return Ok(Format::default()) };
        Format::of_word(word)
            .ok_or_else(|| wrong(name, format!("`format` is {word:?}, and has to be tar.zst, tgz or tar")))
    }

    /// Where the archive is packed.
    ///
    /// # Errors
    /// When the word means nothing, or `none` stands beside a format that is packed.
    pub fn compress(&self, name: &str) -> Result<Compress, Failure> {
        let Some(word) = &self.compress else { return Ok(Compress::default()) };
        let words = Compress::WORDS.join(", ");
        let wrong = |why: String| wrong(name, format!("`compress` is {word:?}, and {why}"));
        let compress = Compress::of_word(word).ok_or_else(|| wrong(format!("has to be one of {words}")))?;
        match &self.format {
            Some(format) if compress == Compress::None && format != Format::Tar.word() => {
                Err(wrong(format!("`format` is {format:?}, which is compressed: take one of the two out")))
            }
            _ => Ok(compress),
        }
    }

    /// What is left out.
    ///
    /// # Errors
    /// When one is not a pattern.
    pub fn exclude(&self, name: &str) -> Result<&[String], Failure> {
        match self.exclude.iter().find_map(|pattern| Some((pattern, check_pattern(pattern).err()?))) {
            None => Ok(&self.exclude),
            Some((pattern, why)) => {
                Err(wrong(name, format!("`exclude` has {pattern:?}, which is not a pattern: {why}")))
            }
        }
    }

    /// Which links it may have.
    ///
    /// # Errors
    /// When the word means nothing.
    pub fn links(&self, name: &str) -> Result<Links, Failure> {
        match self.links.as_deref() {
            None | Some("inside") => Ok(Links::Inside),
            Some("any") => Ok(Links::Any),
            Some(word) => Err(wrong(name, format!("`links` is {word:?}, and has to be inside or any"))),
        }
    }

    /// For whom its snapshots are encrypted.
    ///
    /// # Errors
    /// When one is no recipient.
    pub fn recipients(&self, name: &str) -> Result<Vec<Recipient>, Failure> {
        recipients(&self.encrypt_to).map_err(|error| wrong(name, format!("`encrypt_to`: {error}")))
    }

    /// For how long no prune removes its snapshots.
    ///
    /// # Errors
    /// When it is no duration.
    pub fn keep_for(&self, name: &str) -> Result<Option<Duration>, Failure> {
        let keep_for = self.keep_for.as_deref().map(duration).transpose();
        keep_for.map_err(|why| wrong(name, format!("`keep_for`: {why}")))
    }

    /// How old the newest may be.
    ///
    /// # Errors
    /// When it is no duration.
    pub fn max_age(&self, name: &str) -> Result<Option<Duration>, Failure> {
        let max_age = self.max_age.as_deref().map(duration).transpose();
        max_age.map_err(|why| wrong(name, format!("`max_age`: {why}")))
    }

    /// What is asked for after success.
    ///
    /// # Errors
    /// When a variable that should have it is not set.
    pub fn heartbeat(&self, name: &str) -> Result<Option<Secret>, Failure> {
        match (&self.heartbeat_url, &self.heartbeat_url_env) {
            (Some(url), None) => Ok(Some(Secret::new(url.clone()))),
            (None, Some(variable)) => {
                secret(variable, &format!("the heartbeat of the corpus {name:?}")).map(Some)
            }
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(wrong(name, "It has both `heartbeat_url` and `heartbeat_url_env`")),
        }
    }
}

/// The container that three settings name.
fn container(name: &Option<String>, stack: &Option<String>, service: &Option<String>) -> Container {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    match name {
        Some(name) => Container::Named(name.clone()),
        None => Container::Service { stack: text(stack), service: text(service) },
    }
}

/// After how long services go on in any case, where nobody says.
const QUIESCE_TIMEOUT: Duration = Duration::from_secs(15 * 60);

impl QuiesceSettings {
    /// How they hold still, and for how long.
    fn how(&self, name: &str) -> Result<(Mode, Duration), Failure> {
        let mode = match self.mode.as_deref() {
            None | Some("pause") => Mode::Pause,
            Some("stop") => Mode::Stop,
            Some(word) => {
                let why = format!("`quiesce.mode` is {word:?}, and has to be pause or stop");
                return Err(wrong(name, why));
            }
        };
        let timeout = self.timeout.as_deref().map(duration).transpose();
        let timeout = timeout.map_err(|why| wrong(name, format!("`quiesce.timeout`: {why}")))?;
        Ok((mode, timeout.unwrap_or(QUIESCE_TIMEOUT)))
    }

    /// Which services of `host` it means.
    ///
    /// # Errors
    /// When a setting means nothing.
    pub fn quiesce(&self, name: &str, host: stack::Host) -> Result<Quiesce, Failure> {
        let (mode, timeout) = self.how(name)?;
        Ok(Quiesce { host, stack: self.stack.clone(), services: self.services.clone(), mode, timeout })
    }
}

impl ExecSettings {
    fn stream(&self) -> Stream {
        Stream {
            container: container(&self.container, &self.stack, &self.service),
            command: self.command.clone(),
            restore_command: Vec::new(),
            verify_command: self.verify_command.clone(),
            extension: self.extension.clone(),
        }
    }
}

impl PostgresSettings {
    fn has_one_server(&self) -> bool {
        let is_service = self.stack.is_some() && self.service.is_some();
        let is_half = self.stack.is_some() != self.service.is_some();
        let ways = [self.container.is_some(), is_service, self.uri_env.is_some()];
        !is_half && ways.into_iter().filter(|is_set| *is_set).count() == 1
    }

    fn database(&self) -> Database {
        Database {
            server: match self.uri_env {
                Some(_) => Server::Uri(None),
                None => Server::Container(container(&self.container, &self.stack, &self.service)),
            },
            image: self.image.clone(),
            database: self.database.clone(),
            user: self.user.clone().unwrap_or_else(|| backup::POSTGRES_USER.to_owned()),
            password: None,
            globals: self.globals.unwrap_or(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(postgres: &str) -> Result<(), String> {
        let text = format!("store = \"file:///s\"\n[postgres]\ndatabase = \"shop\"\n{postgres}\n");
        let settings: CorpusSettings = toml::from_str(&text).unwrap();
        settings.check("prod").map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_database_has_one_server() {
        for fine in [
            "container = \"db\"",
            "stack = \"shop\"\nservice = \"db\"",
            "uri_env = \"URI\"\nimage = \"p:17\"",
        ] {
            assert_eq!(checked(fine), Ok(()), "{fine}");
        }
        for wrong in [
            "",
            "stack = \"shop\"",
            "container = \"db\"\nuri_env = \"URI\"",
            "uri_env = \"URI\"\nservice = \"db\"",
        ] {
            let said = checked(wrong).unwrap_err();
            assert!(
                said.contains("exactly one of `container`, `stack` with `service`, and `uri_env`."),
                "{said}"
            );
        }
    }
}
