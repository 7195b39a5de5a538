//! Taking in a file that something else has made: an archive of files, or a dump of a database.
//!
//! It goes into the store as it is. While it passes by, it is gone through as if it were restored, so that what is
//! none, or was cut off, becomes no snapshot.

use std::{collections::BTreeMap, io::Read, time::Duration};

use remote::files::random_name;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    archive::{self, ArchiveError},
    copy::{Form, pass},
    error::Error,
    manifest::{Entry, FORMAT_VERSION, Format, Holds, Host, Manifest, Part, Source, Totals},
    moment::Moment,
    name::{Name, SnapshotId},
    pipe::Tee,
    postgres,
    replicate::seal,
    store::{Content, Store, StoreError, manifest_of},
    verify::verify,
    vet::Links,
};

/// So far may clocks be apart.
const CLOCKS_APART: Duration = Duration::from_secs(3600);

/// How much is read at once.
const CHUNK: usize = 256 << 10;

/// A file that something else has made.
pub struct Artefact {
    /// What it is called.
    pub name: String,
    /// When it was made.
    pub made_at: Moment,
    /// What is in it.
    pub content: Content,
    /// How large it may be.
    pub max_bytes: Option<u64>,
    /// What its SHA-256 has to be, in lower-case hexadecimal digits.
    pub sha256: Option<String>,
}

/// Where such files go.
#[derive(Clone, Copy, Debug)]
pub struct Adopting<'a> {
    /// The store.
    pub store: &'a dyn Store,
    /// Whose snapshots they become.
    pub name: &'a Name,
    /// Which links they may have.
    pub links: Links,
    /// Nobody removes them before that.
    pub keep_until: Option<Moment>,
}

/// How a file is packed that is called `name`; `None` where its name does not say.
fn format_of(name: &str) -> Option<Format> {
    let endings = [
        (".tar.zst", Format::TarZst),
        (".tar.gz", Format::Tgz),
        (".tgz", Format::Tgz),
        (".tar", Format::Tar),
        (".dump", Format::PgDump),
        (".pgdump", Format::PgDump),
        (".pg_dump", Format::PgDump),
    ];
    endings.into_iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, format)| format)
}

impl Adopting<'_> {
    /// Makes a snapshot of `artefact`. When that fails, there is none, and nothing of it is left in the store.
    ///
    /// # Errors
    /// All of [`Error`].
    pub async fn adopt(&self, artefact: Artefact) -> Result<Manifest, Error> {
        let format = format_of(&artefact.name).ok_or_else(|| Error::Foreign {
            artefact: artefact.name.clone(),
            what:
                "its name has none of the endings .tar.zst, .tar.gz, .tgz, .tar, .dump, .pgdump and .pg_dump"
                    .to_owned(),
        })?;
        if artefact.made_at > Moment::now().after(CLOCKS_APART) {
            return Err(Error::Foreign {
                artefact: artefact.name.clone(),
                what: format!(
                    "it is of {}, which is yet to come: every backup would be older",
                    artefact.made_at
                ),
            });
        }
        let id = self.id(&artefact).await?;
        let adopted = self.adopt_as(&id, format, artefact).await;
        if adopted.is_err()
            && let Err(error) = self.store.remove(&id).await
        {
            tracing::warn!(snapshot = %id, %error, "could not remove what is left of an upload");
        }
        adopted
    }

    /// The id of the artefact: of one that was made in the same second and adopted already, the same.
    async fn id(&self, artefact: &Artefact) -> Result<SnapshotId, Error> {
        let nonce = artefact.sha256.clone().map_or_else(random_name, Ok)?;
        let id = SnapshotId::new(self.name, artefact.made_at, &nonce);
        match manifest_of(self.store, &id).await {
            Err(StoreError::NoSnapshot { .. }) => Ok(id),
            Ok(_) | Err(StoreError::NoManifest { .. }) => Err(Error::Foreign {
                artefact: artefact.name.clone(),
                what: format!("it is in the store already, as {id}"),
            }),
            Err(error) => Err(error.into()),
        }
    }

    async fn adopt_as(&self, id: &SnapshotId, format: Format, artefact: Artefact) -> Result<Manifest, Error> {
        let holds = if format == Format::PgDump { Holds::Database } else { Holds::Files };
        let file = match holds {
            Holds::Files => format!("snapshot.{}", format.word()),
            Holds::Database => postgres::DUMP.to_owned(),
        };
        let Artefact { name, made_at, content, max_bytes, sha256 } = artefact;
        let links = self.links;
        let inspect = move |archive| entries(archive, format, links);
        let source = async |tee: &mut Tee| read(content, tee, &name, max_bytes).await;
        let form = Form { format, comes_packed: true };
        let (mut entries, packed) =
            pass(source, (self.store, id, &file), ((form, None), None), inspect).await?;
        if let Some(expected) = sha256.filter(|expected| *expected != packed.sha256) {
            let what = format!("its SHA-256 is {} and not {expected}", packed.sha256);
            return Err(Error::Foreign { artefact: name, what });
        }
        if holds == Holds::Database {
            entries.push(postgres::entry(&file, packed.size, &packed.sha256));
        }
        let parts = vec![Part { file, size: packed.size, sha256: packed.sha256.clone() }];
        let totals = Totals::of(&entries, &parts);
        if totals.files + totals.symlinks == 0 {
            return Err(Error::Foreign { artefact: name, what: "there is no file in it".to_owned() });
        }
        let mut manifest = Manifest {
            format_version: FORMAT_VERSION,
            snapshot: id.clone(),
            previous: None,
            source: Source::Adopted { artefact: name, holds },
            host: Host { name: "adopted".to_owned(), machine_id: String::new() },
            started_at: made_at,
            finished_at: Moment::now(),
            verified_at: None,
            keep_until: self.keep_until,
            tools: BTreeMap::from([("windlass".to_owned(), env!("CARGO_PKG_VERSION").to_owned())]),
            format,
            sha256: packed.sha256,
            parts,
            totals,
            entries,
            encryption: None,
            seal: String::new(),
        };
        verify(self.store, &manifest).await?;
        manifest.verified_at = Some(Moment::now());
        seal(self.store, manifest).await
    }
}

/// What is in an archive; nothing of a dump, which has to be one.
fn entries(archive: impl Read, format: Format, links: Links) -> Result<Vec<Entry>, ArchiveError> {
    match format {
        Format::PgDump => archive::check_dump(archive).map(|_| Vec::new()),
        _ => archive::list(archive, links),
    }
}

/// Passes all of `content` on, if it is not too much.
async fn read(content: Content, tee: &mut Tee, artefact: &str, most: Option<u64>) -> Result<(), Error> {
    let foreign = |what: String| Error::Foreign { artefact: artefact.to_owned(), what };
    let mut content = content;
    let (mut chunk, mut size) = (vec![0; CHUNK], 0);
    loop {
        let count = content.read(&mut chunk).await;
        let count = count.map_err(|error| foreign(format!("it could not be read: {error}")))?;
        if count == 0 {
            return Ok(());
        }
        size += count as u64;
        if let Some(most) = most.filter(|most| size > *most) {
            return Err(foreign(format!("it has more than {most} bytes")));
        }
        let passed = tee.write_all(&chunk[..count]).await;
        passed.map_err(|source| Error::Pack { operation: "pass on", source })?;
    }
}
