//! `windlass backup restore`: a snapshot comes back.

use std::path::PathBuf;

use backup::{Container, Database, Links, Overwrite, Owner, Sections, Server, Stream, Wanted};
use tokio_util::sync::CancellationToken;

use super::restoring::{LATEST, Order, Which};
use super::settings::{QuiesceSettings, secret};
use crate::exit::{Exit, Failure};
use crate::progress::Shown;
use crate::settings::Settings;
use crate::terminal;
use crate::units::duration;

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "The first store that has the snapshot whole is used, and said. Nothing on the host is replaced before every byte had its hash.\n\nThe command of --transform runs as root, where the connection may be that. For a directory or a volume it is started in it, which is also WINDLASS_DIRECTORY; for a database it gets WINDLASS_CONTAINER and WINDLASS_DATABASE; with --to-exec it comes after that command, with WINDLASS_CONTAINER. When it fails, nothing takes its place. No shell takes its words apart."
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
    /// Whose all files become, such as 1000:1000; default: whose they were
    #[arg(long, value_name = "UID:GID", conflicts_with_all = ["to_container", "to_exec"])]
    owner: Option<Owner>,
    /// A command on the host that changes the data before they take their place: its words, to the end or to a `;`
    #[arg(long, value_name = "WORDS", num_args = 1.., value_terminator = ";", allow_hyphen_values = true)]
    transform: Vec<String>,
    #[command(flatten)]
    quiesce: HoldStill,
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

/// What holds still while the data take their place.
#[derive(clap::Args, Debug)]
struct HoldStill {
    /// The Compose project whose services hold still while the data take their place
    #[arg(long = "quiesce", value_name = "STACK")]
    stack: Option<String>,
    /// One of its services, in place of all; repeatable
    #[arg(long = "quiesce-service", value_name = "SERVICE", requires = "stack")]
    services: Vec<String>,
    /// How they hold still: stop starts them again, pause freezes them
    #[arg(long = "quiesce-mode", value_name = "MODE", default_value = "stop", value_parser = ["pause", "stop"], requires = "stack")]
    mode: String,
    /// After how long they go on in any case; default: 15m
    #[arg(long = "quiesce-timeout", value_name = "DURATION", value_parser = spelled_duration, requires = "stack")]
    timeout: Option<String>,
}

/// A duration, as it is spelled.
fn spelled_duration(text: &str) -> Result<String, String> {
    duration(text).map(|_| text.to_owned())
}

impl HoldStill {
    fn settings(&self) -> Option<QuiesceSettings> {
        let stack = self.stack.clone()?;
        let services = self.services.iter().cloned().collect();
        Some(QuiesceSettings {
            stack,
            services,
            mode: Some(self.mode.clone()),
            timeout: self.timeout.clone(),
        })
    }
}

impl Arguments {
    /// What it becomes, and what that is called.
    fn wanted(&self) -> Result<(Wanted, String), Failure> {
        let To { to_path, to_volume, to_container, to_uri_env, to_exec } = &self.to;
        if let Some(path) = to_path {
            return Ok((Wanted::Path(path.clone()), path.clone()));
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
    let order = Order {
        corpus: arguments.name.clone(),
        store: arguments.store.clone(),
        snapshot: arguments.snapshot.clone(),
        host: arguments.host.clone(),
        wanted,
        overwrite: arguments.overwrite(&target)?,
        links: if arguments.links == "any" { Links::Any } else { Links::Inside },
        owner: arguments.owner,
        transform: arguments.transform.clone(),
        quiesce: arguments.quiesce.settings(),
        sections: arguments.sections.read()?,
    };
    let done = order.restore(settings, Shown::of_process(arguments.json), cancel).await?;
    if arguments.json {
        terminal::json(&done)?;
        return Ok(Exit::DONE);
    }
    done.tell();
    Ok(Exit::DONE)
}
