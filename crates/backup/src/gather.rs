//! Gathering a corpus from its host: what is copied, and what the manifest says of it.

use remote::{
    Command, Input, Output,
    collect::{Streamed, last_lines},
    files::{Files, Kind as FileKind},
};

use crate::{
    archive,
    copy::Copying,
    corpus::Corpus,
    error::Error,
    exec,
    host_tar::{HostTar, create_command},
    manifest::{Entry, Format, Part, Source},
    postgres,
    subject::Subject,
    vet::Links,
    volume::{Volume, Way},
};

/// How GNU tar ends when files changed while it read them.
const CHANGED: u32 = 1;

/// How many lines of a program's words an error has.
const SAID_LINES: usize = 10;

/// What packs the files of a volume that only Docker reaches.
const DOCKER_CP: &str = "docker cp";

/// What was gathered.
pub(crate) struct Gathered {
    pub(crate) source: Source,
    pub(crate) format: Format,
    pub(crate) sha256: String,
    pub(crate) parts: Vec<Part>,
    pub(crate) entries: Vec<Entry>,
    /// The program that it came out of: what it is called, and its version.
    pub(crate) tool: (&'static str, String),
}

/// How files are gathered.
pub(crate) struct Gathering<'a> {
    pub(crate) copying: Copying<'a>,
    pub(crate) exclude: &'a [String],
    pub(crate) format: Format,
    pub(crate) links: Links,
    /// Whether the rows of a database's tables are counted.
    pub(crate) counts: bool,
}

impl Gathering<'_> {
    pub(crate) async fn gather(&self, corpus: &Corpus) -> Result<Gathered, Error> {
        match corpus {
            Corpus::Path(path) => {
                self.check_directory(path).await?;
                let source = Source::Path { path: path.clone(), exclude: self.exclude.to_vec() };
                self.directory(path, source, &corpus.subject()).await
            }
            Corpus::Volume(volume) => self.volume(volume, &corpus.subject()).await,
            Corpus::Postgres(database) => postgres::gather(&self.copying, database, self.counts).await,
            Corpus::Exec(exec) => exec::gather(&self.copying, exec).await,
        }
    }

    async fn volume(&self, volume: &Volume, subject: &Subject) -> Result<Gathered, Error> {
        let source = Source::Volume { volume: volume.name.clone(), exclude: self.exclude.to_vec() };
        match volume.way(self.copying.exec).await? {
            Way::Directory(directory) => self.directory(&directory, source, subject).await,
            Way::Container(helper) => {
                let version = volume.docker.engine.version().version.clone();
                let gathered = if self.exclude.is_empty() {
                    self.archive(&helper.read_command(), source, (DOCKER_CP, version), subject).await
                } else {
                    Err(self.cannot_exclude(DOCKER_CP.to_owned()))
                };
                helper.remove().await;
                gathered
            }
        }
    }

    async fn directory(&self, path: &str, source: Source, subject: &Subject) -> Result<Gathered, Error> {
        let tar = HostTar::of(self.copying.exec).await?;
        if !self.exclude.is_empty() && !tar.can_exclude {
            return Err(self.cannot_exclude(tar.version));
        }
        let command = create_command(&tar, path, self.exclude);
        self.archive(&command, source, ("tar", tar.version), subject).await
    }

    /// Copies the archive that `command` writes.
    async fn archive(
        &self,
        command: &Command,
        source: Source,
        tool: (&'static str, String),
        subject: &Subject,
    ) -> Result<Gathered, Error> {
        let format = self.copying.compress.stored(self.format);
        let file = format!("snapshot.{}", format.word());
        let (links, is_gnu) = (self.links, tool.1.contains("GNU tar"));
        let inspect = move |packed| archive::list(packed, links);
        let check = |ended| self.check_end(is_gnu, ended, command, subject);
        let from = (command, Input::Nothing);
        let (entries, packed) = self.copying.copy(from, (&file, format), None, inspect, check).await?;
        let parts = vec![Part { file, size: packed.size, sha256: packed.sha256.clone() }];
        Ok(Gathered { source, format, sha256: packed.sha256, parts, entries, tool })
    }

    async fn check_directory(&self, path: &str) -> Result<(), Error> {
        let (exec, path) = (self.copying.exec, path.to_owned());
        let files = Files::on(exec).privileged(true).cancelled_by(self.copying.cancel);
        let host = exec.name().to_owned();
        match files.kinds(&[&path]).await?.get(&path) {
            None => Err(Error::SourceMissing { subject: Subject::Path(path), host }),
            Some(FileKind::Directory) => Ok(()),
            Some(kind) => Err(Error::NotDirectory { path, host, kind: kind.to_string() }),
        }
    }

    fn cannot_exclude(&self, version: String) -> Error {
        Error::CannotExclude { version, host: self.copying.exec.name().to_owned() }
    }

    /// What the end of the program means.
    fn check_end(
        &self,
        is_gnu: bool,
        ended: Streamed,
        command: &Command,
        subject: &Subject,
    ) -> Result<(), Error> {
        let exec = self.copying.exec;
        if is_gnu && ended.status == CHANGED {
            let said = last_lines(&String::from_utf8_lossy(&ended.stderr), SAID_LINES);
            return Err(Error::Changed { subject: subject.clone(), host: exec.name().to_owned(), said });
        }
        let output = Output { status: ended.status, stdout: Vec::new(), stderr: ended.stderr };
        Ok(remote::checked(exec, command, &output)?)
    }
}
