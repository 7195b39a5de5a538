//! Dumping a database.

use remote::{
    Output,
    collect::{Limits, Streamed, run_checked_with},
};
use sha2::{Digest as _, Sha256};

use super::{
    DUMP, GLOBALS, Postgres, sql,
    tables::{Counted, TABLES},
};
use crate::{
    archive,
    copy::Copying,
    error::Error,
    gather::Gathered,
    manifest::{DatabaseFacts, Entry, EntryKind, Format, ManifestError, Part, Source},
};

/// How large a list of roles may be.
const LARGEST_GLOBALS: usize = 64 << 20;

/// The first version that compresses with Zstandard.
const KNOWS_ZSTD: u32 = 16;

/// Copies a dump of `postgres` to the store, with the globals before it where they belong to it, and what its tables
/// have (`counts`) where that is to be compared with.
pub(crate) async fn gather(
    copying: &Copying<'_>,
    postgres: &Postgres,
    counts: bool,
) -> Result<Gathered, Error> {
    let version = version(copying, postgres).await?;
    let (facts, is_superuser) = facts(copying, postgres).await?;
    let mut small = Small::default();
    if postgres.globals {
        small.put(copying, GLOBALS, globals(copying, postgres, is_superuser).await?).await?;
    }
    if !counts {
        return dump(copying, postgres, (version, facts), (small, None)).await;
    }
    let counted = tokio::select! {
        () = copying.cancel.cancelled() => return Err(remote::Error::Cancelled.into()),
        counted = Counted::count(copying.exec, postgres) => counted?,
    };
    let tables = serde_json::to_vec(&counted.tables).map_err(ManifestError::Malformed)?;
    small.put(copying, TABLES, tables).await?;
    let dumped = dump(copying, postgres, (version, facts), (small, Some(&counted.snapshot))).await;
    counted.end().await;
    dumped
}

/// Parts that fit into memory, and are stored before the dump.
#[derive(Default)]
struct Small {
    parts: Vec<Part>,
    entries: Vec<Entry>,
    whole: Sha256,
}

impl Small {
    async fn put(&mut self, copying: &Copying<'_>, file: &str, content: Vec<u8>) -> Result<(), Error> {
        self.entries.push(entry(file, content.len() as u64, &tree::sha256(&content)));
        let stored = match copying.key {
            Some(key) => {
                key.encrypt(&content).map_err(|source| Error::Pack { operation: "encrypt", source })?
            }
            None => content,
        };
        self.whole.update(&stored);
        let (size, sha256) = (stored.len() as u64, tree::sha256(&stored));
        copying.store.put(copying.id, file, Box::new(std::io::Cursor::new(stored))).await?;
        self.parts.push(Part { file: file.to_owned(), size, sha256 });
        Ok(())
    }
}

/// Copies the dump itself, of what `snapshot` sees.
async fn dump(
    copying: &Copying<'_>,
    postgres: &Postgres,
    (version, facts): (String, DatabaseFacts),
    (small, snapshot): (Small, Option<&str>),
) -> Result<Gathered, Error> {
    let Small { mut parts, mut entries, whole } = small;
    let compress = if major(&version) >= KNOWS_ZSTD { "zstd:1" } else { "1" };
    let mut words = vec!["--format=custom", "--compress", compress, "-d", &postgres.database];
    words.extend(snapshot.iter().flat_map(|snapshot| ["--snapshot", *snapshot]));
    let command = postgres.command("pg_dump", &words).timeout(None).bulk();
    let check = |ended: Streamed| {
        let output = Output { status: ended.status, stdout: Vec::new(), stderr: ended.stderr };
        Ok(remote::checked(copying.exec, &command, &output)?)
    };
    let from = (&command, postgres.input(tokio::io::empty()));
    let ((size, sha256), packed) =
        copying.copy(from, (DUMP, Format::PgDump), Some(whole), archive::check_dump, check).await?;
    entries.push(entry(DUMP, size, &sha256));
    parts.push(Part { file: DUMP.to_owned(), size: packed.size, sha256: packed.sha256 });
    let source = Source::Postgres {
        container: postgres.container().map(str::to_owned),
        database: postgres.database.clone(),
        globals: postgres.globals,
        facts,
    };
    let sha256 = packed.whole;
    Ok(Gathered { source, format: Format::PgDump, sha256, parts, entries, tool: ("pg_dump", version) })
}

async fn version(copying: &Copying<'_>, postgres: &Postgres) -> Result<String, Error> {
    let words = ["pg_dump", "--version"].map(str::to_owned);
    let command = postgres.tools.command(words, postgres.has_variables());
    let limits = Limits::cancelled_by(copying.cancel);
    let input = postgres.input(tokio::io::empty());
    let output = run_checked_with(copying.exec, &command, input, &limits).await?;
    Ok(output.stdout_text().trim().to_owned())
}

/// The major version in `pg_dump (PostgreSQL) 17.5 (Debian 17.5-1)`.
fn major(version: &str) -> u32 {
    let number = version.split_once(") ").map(|(_, rest)| rest).unwrap_or_default();
    number.split(|c: char| !c.is_ascii_digit()).next().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// What the database is made with, and whether who logs in is a superuser.
async fn facts(copying: &Copying<'_>, postgres: &Postgres) -> Result<(DatabaseFacts, bool), Error> {
    let rows = postgres.query(copying.exec, postgres.entrance(), &sql::about(&postgres.database)).await?;
    let fields: Vec<&str> = rows.first().map(|row| row.split('\t').collect()).unwrap_or_default();
    let [encoding, collate, ctype, owner, is_superuser] = fields[..] else {
        let host = copying.exec.name().to_owned();
        return Err(Error::SourceMissing { subject: postgres.subject(), host });
    };
    let own = str::to_owned;
    let facts = DatabaseFacts {
        encoding: own(encoding),
        collate: own(collate),
        ctype: own(ctype),
        owner: own(owner),
    };
    Ok((facts, is_superuser == "t"))
}

/// Roles and tablespaces. Only a superuser may read the hashes of passwords.
async fn globals(copying: &Copying<'_>, postgres: &Postgres, is_superuser: bool) -> Result<Vec<u8>, Error> {
    let mut words = vec!["--globals-only", "-l", postgres.entrance()];
    if !is_superuser {
        words.push("--no-role-passwords");
    }
    let command = postgres.command("pg_dumpall", &words).timeout(None);
    let limits = Limits { cap: LARGEST_GLOBALS, ..Limits::cancelled_by(copying.cancel) };
    let input = postgres.input(tokio::io::empty());
    let globals = run_checked_with(copying.exec, &command, input, &limits).await?.stdout;
    // Every server has a role that all began with.
    if !globals.windows(11).any(|words| words == b"CREATE ROLE") {
        return Err(archive::ArchiveError::NoDump { size: globals.len() as u64 }.into());
    }
    Ok(globals)
}

/// The entry of a file that is a part of its own.
pub(crate) fn entry(file: &str, size: u64, sha256: &str) -> Entry {
    Entry {
        path: file.into(),
        kind: EntryKind::File,
        mode: "0600".to_owned(),
        uid: 0,
        gid: 0,
        mtime: 0,
        size: Some(size),
        sha256: Some(sha256.to_owned()),
        holes: Vec::new(),
        target: None,
        attributes: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read() {
        for (text, number) in [
            ("pg_dump (PostgreSQL) 17.5 (Debian 17.5-1.pgdg120+1)", 17),
            ("pg_dump (PostgreSQL) 9.6.24", 9),
            ("pg_dump (PostgreSQL) 18beta1", 18),
            ("", 0),
        ] {
            assert_eq!(major(text), number, "{text}");
        }
    }
}
