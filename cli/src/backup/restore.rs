//! `windlass backup restore`: a snapshot comes back.

use std::path::PathBuf;
use std::str::FromStr;

use backup::{
    Chosen, Container, Database, Error, Manifest, Overwrite, Repository, Restored, Restoring,
    RestoringResticSnapshot, Sections, Server, SnapshotId, Store, Stream, Wanted, latest, snapshot,
};
use serde::Serialize;
use sops::Identities;
use tokio_util::sync::CancellationToken;

use super::settings::secret;
use super::target::{Target, targets};
use crate::exit::{Exit, Failure};
use crate::machine::Machine;
use crate::opening::identities;
use crate::settings::Settings;
use crate::terminal;

/// The word for the newest snapshot.
const LATEST: &str = "latest";

/// Which snapshot is meant. What is neither of both is refused: another one than was meant must not come back.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Which {
    Latest,
    Id(SnapshotId),
    /// One of a repository of restic.
    OfRestic(Chosen),
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            LATEST => Ok(Self::Latest),
            id if id.parse::<Chosen>().is_ok() => Ok(Self::OfRestic(Chosen::Id(id.to_owned()))),
            id => id.parse().map(Self::Id).map_err(|error| format!("{error}; `{LATEST}` is the newest one")),
        }
    }
}

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "The first store that has the snapshot whole is used, and said. Nothing on the host is replaced before every byte had its hash."
)]
pub struct Arguments {
    /// The corpus, by its name
    #[arg(value_name = "NAME")]
    name: String,
    /// The store, by its name in windlass.toml or its URL; default: those of the corpus
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// The id of the snapshot, or latest
    #[arg(long, value_name = "ID", default_value = LATEST)]
    snapshot: Which,
    /// The host, as a connection; default: the machine that runs this
    #[arg(long, value_name = "CONNECTION", default_value = "local://")]
    host: String,
    #[command(flatten)]
    to: To,
    /// The role that logs in to the database
    #[arg(long, value_name = "ROLE", default_value = backup::POSTGRES_USER, requires = "database")]
    user: String,
    /// The variable of the environment that has its password
    #[arg(long, value_name = "VARIABLE", requires = "database")]
    password_env: Option<String>,
    /// Restore neither roles nor tablespaces
    #[arg(long, requires = "database")]
    no_globals: bool,
    /// The database, with --to-container or --to-uri-env
    #[arg(long, value_name = "DATABASE", conflicts_with_all = ["to_path", "to_volume", "to_exec"])]
    database: Option<String>,
    /// The image on the host whose programs restore it; default: those of the container, or of the host with --to-uri-env
    #[arg(long, value_name = "IMAGE", requires = "database")]
    image: Option<String>,
    #[command(flatten)]
    sections: SqlFiles,
    /// Replace the data that are there; the value repeats the path, the volume or the database
    #[arg(long, value_name = "TARGET")]
    overwrite: Option<String>,
    /// Which symbolic links are restored: inside (those that lead to something in it) or any
    #[arg(long, value_name = "WHICH", default_value = "inside", value_parser = ["inside", "any"])]
    links: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The command of --to-exec
    #[arg(last = true, value_name = "COMMAND", requires = "to_exec")]
    command: Vec<String>,
}

/// What it becomes.
#[derive(clap::Args, Debug)]
#[group(required = true, multiple = false)]
struct To {
    /// The directory that it becomes
    #[arg(long, value_name = "PATH")]
    to_path: Option<String>,
    /// The Docker volume that it becomes
    #[arg(long, value_name = "VOLUME")]
    to_volume: Option<String>,
    /// The container of the Postgres that it becomes a database of
    #[arg(long, value_name = "CONTAINER", requires = "database")]
    to_container: Option<String>,
    /// The variable of the environment that has the URI of the Postgres that it becomes a database of, as the host reaches it
    #[arg(long, value_name = "VARIABLE", requires = "database")]
    to_uri_env: Option<String>,
    /// The container in which the command behind `--` reads it from stdin; needs --overwrite with the container's name
    #[arg(long, value_name = "CONTAINER", requires = "command")]
    to_exec: Option<String>,
}

/// SQL between the sections of a dump.
#[derive(clap::Args, Debug)]
struct SqlFiles {
    /// A file of SQL that runs before types, tables and functions of the database are restored, such as CREATE EXTENSION
    #[arg(long, value_name = "FILE", requires = "database")]
    before_pre_data: Option<PathBuf>,
    /// The same before the rows
    #[arg(long, value_name = "FILE", requires = "database")]
    before_data: Option<PathBuf>,
    /// The same before indexes, constraints and triggers
    #[arg(long, value_name = "FILE", requires = "database")]
    before_post_data: Option<PathBuf>,
    /// The same after all of it
    #[arg(long, value_name = "FILE", requires = "database")]
    after_post_data: Option<PathBuf>,
}

impl SqlFiles {
    /// What is in them, where there are some.
    fn read(&self) -> Result<Option<Sections>, Failure> {
        let Self { before_pre_data, before_data, before_post_data, after_post_data } = self;
        if [before_pre_data, before_data, before_post_data, after_post_data].iter().all(|file| file.is_none())
        {
            return Ok(None);
        }
        let text = |file: &Option<PathBuf>| match file {
            None => Ok(String::new()),
            Some(path) => std::fs::read_to_string(path)
                .map_err(|error| Failure::new(format!("Could not read {}", path.display())).because(&error)),
        };
        Ok(Some(Sections {
            before_pre_data: text(before_pre_data)?,
            before_data: text(before_data)?,
            before_post_data: text(before_post_data)?,
            after_post_data: text(after_post_data)?,
        }))
    }
}

/// What was restored, as it is printed.
#[derive(Serialize)]
struct Done {
    snapshot: String,
    store: String,
    file_count: Option<u64>,
    size_bytes: Option<u64>,
    replaced_left_at: Option<String>,
    /// Whose all of it is now, although it was not.
    all_owned_by: Option<String>,
}

impl Arguments {
    /// What it becomes, and what that is called.
    fn wanted(&self) -> Result<(Wanted, String), Failure> {
        let To { to_path, to_volume, to_container, to_uri_env, to_exec } = &self.to;
        if let Some(path) = to_path {
            let is_fine = path.starts_with('/') && !path.trim_end_matches('/').is_empty();
            return match is_fine {
                true => Ok((Wanted::Path(path.clone()), path.clone())),
                false => Err(self
                    .failed()
                    .with(format!("The path {path:?} has to be absolute, and not the root directory."))),
            };
        }
        if let Some(volume) = to_volume {
            return Ok((Wanted::Volume(volume.clone()), volume.clone()));
        }
        if let Some(container) = to_exec {
            let stream = Stream {
                container: Container::Named(container.clone()),
                command: Vec::new(),
                restore_command: self.command.clone(),
                verify_command: Vec::new(),
                extension: String::new(),
            };
            return Ok((Wanted::Stream(stream), container.clone()));
        }
        let server = match to_uri_env {
            Some(variable) => Server::Uri(Some(secret(variable, "the URI of the server")?)),
            None => Server::Container(Container::Named(to_container.clone().unwrap_or_default())),
        };
        let database = self.database.clone().unwrap_or_default();
        let password =
            self.password_env.as_deref().map(|variable| secret(variable, "the password of the role"));
        let wanted = Database {
            server,
            image: self.image.clone(),
            database: database.clone(),
            user: self.user.clone(),
            password: password.transpose()?,
            globals: !self.no_globals,
        };
        Ok((Wanted::Database(wanted), database))
    }

    fn overwrite(&self, target: &str) -> Result<Overwrite, Failure> {
        match self.overwrite.as_deref() {
            None => Ok(Overwrite::Never),
            Some(confirmed) if confirmed == target => Ok(Overwrite::Yes),
            Some(other) => Err(self.failed().with(format!(
                "`--overwrite` says {other:?}, and the target is {target:?}: repeat that if what is there may go."
            ))),
        }
    }

    fn failed(&self) -> Failure {
        Failure::new(format!("Could not restore the corpus {:?}", self.name))
    }
}

/// Restores it.
///
/// # Errors
/// When it could not be; what is on the host is as it was.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let (wanted, target) = arguments.wanted()?;
    let overwrite = arguments.overwrite(&target)?;
    let sections = arguments.sections.read()?;
    let names = [arguments.name.clone()];
    let corpora = targets(settings, &names, arguments.store.as_deref())?;
    let from = corpora.first().ok_or_else(|| arguments.failed())?;
    if let Some(repository) = from.repository(settings)? {
        let done = restic(settings, arguments, (from, &repository), (&wanted, overwrite), cancel).await?;
        return done.print(arguments.json);
    }
    let stores = from.open(settings)?;
    let identities = identities()?;
    let machine = Machine::open(settings, &arguments.host).await?;
    let (mut result, last) = (Err(arguments.failed()), stores.len().saturating_sub(1));
    for (number, store) in stores.iter().enumerate() {
        let (machine, wanted, identities) = (&machine, (&wanted, sections.as_ref()), &identities);
        let restoring = Coming { arguments, from, machine, wanted, overwrite, identities, cancel };
        match restoring.from(store.as_ref()).await {
            Ok((manifest, restored)) => {
                result = Ok((manifest, restored, store.url()));
                break;
            }
            Err(error) if error.is_of_store() && number < last => {
                terminal::note(Failure::new(format!("Passed over {}", store.url())).because(&error));
            }
            Err(error) => {
                result = Err(arguments.failed().because(&error).with(error.left_behind()));
                break;
            }
        }
    }
    machine.close().await;
    let (manifest, restored, store) = result?;
    let done = Done {
        snapshot: manifest.snapshot.to_string(),
        store,
        file_count: Some(manifest.totals.files),
        size_bytes: Some(manifest.totals.size_bytes),
        replaced_left_at: restored.replaced_left_at,
        all_owned_by: restored.all_owned_by.map(|owner| owner.to_string()),
    };
    done.print(arguments.json)
}

impl Done {
    fn print(&self, json: bool) -> Result<Exit, Failure> {
        if json {
            terminal::json(self)?;
            return Ok(Exit::DONE);
        }
        let files = self.file_count.map_or_else(String::new, |files| format!(": {files} files"));
        terminal::answer(format_args!("{} from {}{files}", self.snapshot, self.store));
        if let Some(left) = &self.replaced_left_at {
            terminal::note(format_args!("What was there before could not be removed: it is at {left}."));
        }
        if let Some(owner) = &self.all_owned_by {
            terminal::note(format_args!(
                "All of it belongs to {owner} now, and not to those whose it was: only root gives files to others. Restore as \
                 root, or with `?sudo=1` in the connection, to keep the owners."
            ));
        }
        Ok(Exit::DONE)
    }
}

/// Restores from a repository, by the restic of the host that it is restored to.
async fn restic(
    settings: &Settings,
    arguments: &Arguments,
    (from, repository): (&Target<'_>, &Repository),
    (wanted, overwrite): (&Wanted, Overwrite),
    cancel: &CancellationToken,
) -> Result<Done, Failure> {
    let chosen = match &arguments.snapshot {
        Which::Latest => Chosen::Latest,
        Which::OfRestic(chosen) => chosen.clone(),
        Which::Id(id) => {
            return Err(arguments.failed().with(format!("{id} is not the id of a snapshot of restic.")));
        }
    };
    let machine = Machine::open(settings, &arguments.host).await?;
    let restored = async {
        let corpus = machine.find(wanted).await?;
        let restoring = RestoringResticSnapshot {
            exec: machine.executor.as_ref(),
            repository,
            name: &from.name,
            chosen: &chosen,
            corpus: &corpus,
            overwrite,
            owner: None,
            transform: &[],
            quiesce: None,
            cancel: cancel.clone(),
        };
        restoring.restore().await
    };
    let restored = restored.await;
    machine.close().await;
    let (found, restored) =
        restored.map_err(|error| arguments.failed().because(&error).with(error.left_behind()))?;
    let [file_count, size_bytes, _] = found.totals().map_or([None; 3], |totals| totals.map(Some));
    Ok(Done {
        snapshot: found.id,
        store: repository.url(),
        file_count,
        size_bytes,
        replaced_left_at: restored.replaced_left_at,
        all_owned_by: restored.all_owned_by.map(|owner| owner.to_string()),
    })
}

/// A snapshot on its way.
struct Coming<'a> {
    arguments: &'a Arguments,
    from: &'a Target<'a>,
    machine: &'a Machine,
    /// What it becomes, and SQL between the sections of a dump.
    wanted: (&'a Wanted, Option<&'a Sections>),
    overwrite: Overwrite,
    /// What opens encrypted ones.
    identities: &'a Identities,
    cancel: &'a CancellationToken,
}

impl Coming<'_> {
    async fn from(&self, store: &dyn Store) -> Result<(Manifest, Restored), Error> {
        let manifest = match &self.arguments.snapshot {
            Which::Id(id) => snapshot(store, &self.from.name, id).await?,
            Which::OfRestic(_) => {
                return Err(Error::NoSnapshot { name: self.from.name.to_string(), store: store.url() });
            }
            Which::Latest => {
                let (manifest, broken) = latest(store, &self.from.name).await?;
                for error in broken {
                    terminal::note(Failure::new("Passed over a newer snapshot").because(&error));
                }
                manifest
            }
        };
        let key = match &manifest.encryption {
            Some(_) => manifest.unlock(self.identities)?,
            None => None,
        };
        let (wanted, sections) = self.wanted;
        let corpus = self.machine.find(wanted).await?;
        let restoring = Restoring {
            exec: self.machine.executor.as_ref(),
            store,
            manifest: &manifest,
            corpus: &corpus,
            overwrite: self.overwrite,
            links: if self.arguments.links == "any" { backup::Links::Any } else { backup::Links::Inside },
            owner: None,
            sections,
            transform: &[],
            quiesce: None,
            key,
            cancel: self.cancel.clone(),
        };
        let restored = restoring.restore().await?;
        Ok((manifest, restored))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_id_does_not_become_the_newest_snapshot() {
        assert_eq!("latest".parse(), Ok(Which::Latest));
        assert!(matches!("snapshot-a-20261129T163200Z-1a2b3c4d".parse(), Ok(Which::Id(_))));
        for text in ["", "nope", "Latest", "snapshot-a-20261129T163200Z-1a2b3c4"] {
            let error = text.parse::<Which>().unwrap_err();
            assert!(error.ends_with("`latest` is the newest one"), "{error}");
        }
    }
}
