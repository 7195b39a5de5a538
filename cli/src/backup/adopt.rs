//! `windlass backup adopt`: a file that something else has made becomes a snapshot.

use std::path::Path;
use std::time::Duration;

use backup::{Adopting, Artefact, Links, Moment, store::Content};
use futures_util::TryStreamExt as _;
use http::Roots;
use serde::Serialize;
use tokio_util::io::StreamReader;

use super::pattern::moment_in;
use super::settings::name;
use super::target::targets;
use crate::exit::{Exit, Failure};
use crate::settings::Settings;
use crate::terminal;
use crate::units::duration;

/// How long a connection may take, and for how long a server may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Its name says what it is: .tar.zst, .tar.gz, .tgz and .tar are archives of files; .dump, .pgdump and .pg_dump are dumps of Postgres in pg_dump's custom format."
)]
pub struct Arguments {
    /// The file, or an https:// URL
    #[arg(value_name = "FILE|URL")]
    artefact: String,
    /// The corpus that it becomes a snapshot of
    #[arg(long = "as", value_name = "NAME")]
    name: String,
    /// The store, by its name in windlass.toml or its URL; default: the first of the corpus
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// How the file's name tells when it was made, in UTC, such as pg_dump_%Y%m%d_%H%M.dump; default: its last change
    #[arg(long, value_name = "PATTERN")]
    name_pattern: Option<String>,
    /// How large it may be
    #[arg(long, value_name = "BYTES")]
    max_bytes: Option<u64>,
    /// What its SHA-256 has to be
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// For how long no prune removes it, such as 720h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    keep_for: Option<Duration>,
    /// Which symbolic links it may have: inside or any
    #[arg(long, value_name = "WHICH", default_value = "inside", value_parser = ["inside", "any"])]
    links: String,
    /// Take a URL without TLS, too
    #[arg(long)]
    insecure_url: bool,
    /// Store it as it is, also where the snapshots of the corpus are encrypted
    #[arg(long)]
    in_clear: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What it became, as it is printed.
#[derive(Serialize)]
struct Done {
    snapshot: String,
    store: String,
    file_count: u64,
    sha256: String,
}

/// Takes it in.
///
/// # Errors
/// When it cannot be had, or is not what it should be.
pub async fn run(arguments: &Arguments, settings: &Settings) -> Result<Exit, Failure> {
    let corpus = name(&arguments.name)?;
    let names = [arguments.name.clone()];
    let targets = targets(settings, &names, arguments.store.as_deref())?;
    let is_encrypted =
        targets.iter().any(|target| target.settings.is_some_and(|known| !known.encrypt_to.is_empty()));
    if is_encrypted && !arguments.in_clear {
        return Err(arguments.failed().with(format!(
            "The snapshots of {corpus} are encrypted (`encrypt_to` in windlass.toml), and what is adopted is stored as it \
             is; nothing was stored. `--in-clear` stores it so; else adopt it for a corpus of another name, or restore it \
             and take a snapshot of that.",
        )));
    }
    let stores = targets.first().map(|target| target.open(settings)).transpose()?.unwrap_or_default();
    let store = stores.first().ok_or_else(|| arguments.failed())?;
    let artefact = arguments.open().await?;
    let adopting = Adopting {
        store: store.as_ref(),
        name: &corpus,
        links: if arguments.links == "any" { Links::Any } else { Links::Inside },
        keep_until: arguments.keep_for.map(|hold| Moment::now().after(hold)),
    };
    let manifest = adopting.adopt(artefact).await.map_err(|error| {
        arguments.failed().because(&error).with("There is no new snapshot; the file itself is as it was.")
    })?;
    let done = Done {
        snapshot: manifest.snapshot.to_string(),
        store: store.url(),
        file_count: manifest.totals.files,
        sha256: manifest.sha256,
    };
    if arguments.json {
        terminal::json(&done)?;
    } else {
        terminal::answer(format_args!("{} in {}: {} files", done.snapshot, done.store, done.file_count));
    }
    Ok(Exit::DONE)
}

/// What is behind an artefact: what it is called, when it last changed, and what is in it.
type Opened = (String, Option<Moment>, Content);

impl Arguments {
    fn failed(&self) -> Failure {
        Failure::new(format!("Could not adopt {}", self.artefact))
    }

    async fn open(&self) -> Result<Artefact, Failure> {
        let (name, changed_at, content) = match self.artefact.contains("://") {
            true => self.download().await?,
            false => self.file().await?,
        };
        let made_at = match &self.name_pattern {
            Some(pattern) => {
                moment_in(&name, pattern).map_err(|why| self.failed().with(format!("{why}.")))?
            }
            None => changed_at.ok_or_else(|| {
                self.failed()
                    .with("Nothing says when it was made. Give a `--name-pattern` that its name tells it by.")
            })?,
        };
        let sha256 = self.sha256.as_ref().map(|text| text.to_ascii_lowercase());
        Ok(Artefact { name, made_at, content, max_bytes: self.max_bytes, sha256 })
    }

    async fn file(&self) -> Result<Opened, Failure> {
        let path = Path::new(&self.artefact);
        let file = tokio::fs::File::open(path).await.map_err(|error| self.failed().because(&error))?;
        let facts = file.metadata().await.map_err(|error| self.failed().because(&error))?;
        if !facts.is_file() {
            return Err(self.failed().with("It is not a regular file."));
        }
        let changed = facts.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        let changed = changed.and_then(|time| i64::try_from(time.as_secs()).ok()).and_then(Moment::from_unix);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, changed, Box::new(file)))
    }

    async fn download(&self) -> Result<Opened, Failure> {
        let url = reqwest::Url::parse(&self.artefact).map_err(|error| self.failed().because(&error))?;
        match url.scheme() {
            "https" => {}
            "http" if self.insecure_url => {}
            "http" => {
                return Err(self.failed().with(
                    "Whoever is on the way could change what comes without TLS. `--insecure-url` takes it all the same; \
                     `--sha256` makes that safe.",
                ));
            }
            scheme => {
                return Err(self.failed().with(format!("A URL begins with https://, not {scheme}://.")));
            }
        }
        let tls = Roots::of_address(&self.artefact).client_config();
        let tls = tls.map_err(|error| self.failed().because(&error))?;
        let client = reqwest::Client::builder()
            .user_agent("windlass")
            .connect_timeout(PATIENCE)
            .read_timeout(PATIENCE)
            // Not to a place without TLS.
            .https_only(url.scheme() == "https")
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(|error| self.failed().because(&error))?;
        let answer = client.get(url.clone()).send().await;
        let answer = answer.and_then(reqwest::Response::error_for_status);
        let answer = answer.map_err(|error| self.failed().because(&error.without_url()))?;
        let last = url.path_segments().and_then(|mut segments| segments.next_back().map(str::to_owned));
        let name = last.filter(|name| !name.is_empty()).unwrap_or_else(|| "artefact".to_owned());
        let stream = answer.bytes_stream().map_err(|error| std::io::Error::other(error.without_url()));
        Ok((name, None, Box::new(StreamReader::new(stream))))
    }
}
