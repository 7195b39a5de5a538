//! Restoring a database.
//!
//! The dump goes into a database of its own, beside the one that it is to replace. Only when all of it
//! had its hash and `pg_restore` has ended well, both change their names in one transaction; what was
//! there is dropped after that.

use remote::{
    Executor,
    collect::{Limits, run_checked_with},
    files::random_name,
};
use tokio_util::sync::CancellationToken;

use super::{DUMP, GLOBALS, Postgres, Sections, sections::Step, sql};
use crate::{
    corpus::Corpus,
    error::Error,
    fetch::Fetching,
    manifest::{DatabaseFacts, Format, Holds, Manifest, Part, Source},
    quiesce::{Quiesce, quiesced},
    stage::Overwrite,
    transform::{Place, transform},
    turn::Turn,
};

/// What such databases are called, each with the mark of its place and something of its own behind it.
const FRESH: &str = "windlass-restoring-";

/// What one is called that was replaced, until it is dropped.
const OLD: &str = "windlass-replaced-";

/// A database on its way back.
pub(crate) struct RestoringPostgres<'a> {
    pub(crate) exec: &'a dyn Executor,
    pub(crate) fetching: Fetching<'a>,
    pub(crate) postgres: &'a Postgres,
    /// The same as a corpus.
    pub(crate) corpus: &'a Corpus,
    pub(crate) overwrite: Overwrite,
    /// SQL between the sections of the dump; without it, all of them come at once.
    pub(crate) sections: Option<&'a Sections>,
    /// The words of a command that changes the data before they take their place.
    pub(crate) transform: &'a [String],
    /// What holds still while the databases change their names.
    pub(crate) quiesce: Option<&'a Quiesce>,
    /// That nobody else restores it.
    pub(crate) turn: &'a Turn,
    pub(crate) cancel: &'a CancellationToken,
}

impl RestoringPostgres<'_> {
    /// Restores it; the name of the database that was replaced, if that could not be dropped.
    pub(crate) async fn restore(&self) -> Result<Option<String>, Error> {
        let manifest = self.fetching.manifest;
        // Of a dump that something else has made nobody knows with what its database was.
        let facts = match &manifest.source {
            Source::Postgres { facts, .. } => Some(facts),
            Source::Adopted { holds: Holds::Database, .. } => None,
            _ => return Err(self.wrong_kind()),
        };
        let globals = self.postgres.globals && facts.is_some();
        let there = self.is_there().await?;
        if there && self.overwrite == Overwrite::Never && !self.is_empty().await? {
            let host = self.exec.name().to_owned();
            return Err(Error::NotEmpty { subject: self.postgres.subject(), host });
        }
        let dump = self.part(DUMP)?;
        if globals {
            self.restore_globals(self.part(GLOBALS)?).await?;
        }
        self.clear_debris().await?;
        let (mark, random) = (&self.turn.mark, random_name()?);
        let (fresh, old) = (format!("{FRESH}{mark}-{random}"), format!("{OLD}{random}"));
        let restored = async {
            self.create(&fresh, facts).await?;
            self.fill(&fresh, dump, globals).await?;
            let place = Place::Database { postgres: self.postgres, database: &fresh };
            transform(self.exec, self.transform, place, self.cancel).await?;
            let placing = self.put_in_place(&fresh, there.then_some(old.as_str()));
            quiesced(self.quiesce, self.corpus, self.cancel, placing).await
        };
        match restored.await {
            Ok(()) if there => Ok(self.dropped(&old).await.err().map(|()| old)),
            Ok(()) => Ok(None),
            Err(error) => {
                // It is gone already where the error came after it had another name.
                let _ = self.dropped(&fresh).await;
                Err(error)
            }
        }
    }

    /// Drops what restores of this database left that were cut off. What was replaced stays: it may be the only
    /// copy of what somebody wants back.
    async fn clear_debris(&self) -> Result<(), Error> {
        if !self.turn.is_alone() {
            return Ok(());
        }
        for debris in self.ask(&sql::named(&format!("{FRESH}{}-", self.turn.mark))).await? {
            tracing::info!(database = debris, "dropping what is left of a restore");
            let _ = self.dropped(&debris).await;
        }
        Ok(())
    }

    async fn is_there(&self) -> Result<bool, Error> {
        let rows = self.ask(&sql::about(&self.postgres.database)).await?;
        Ok(!rows.is_empty())
    }

    async fn is_empty(&self) -> Result<bool, Error> {
        let rows = self.postgres.query(self.exec, &self.postgres.database, sql::COUNT).await?;
        Ok(rows.first().is_some_and(|count| count == "0"))
    }

    fn part(&self, file: &str) -> Result<&Part, Error> {
        let manifest = self.fetching.manifest;
        manifest.parts.iter().find(|part| part.file == file).ok_or_else(|| Error::Corrupt {
            file: file.to_owned(),
            snapshot: manifest.snapshot.to_string(),
            what: "it is not in the snapshot".to_owned(),
        })
    }

    fn wrong_kind(&self) -> Error {
        let Manifest { snapshot, source, .. } = self.fetching.manifest;
        let target = self.postgres.subject().kind();
        Error::WrongKind { snapshot: snapshot.to_string(), of: source.kind(), target }
    }

    /// Makes the roles that are not there yet, before what belongs to them. Passwords and rights of roles
    /// that are there become those of the snapshot, but for the role that we log in as.
    async fn restore_globals(&self, part: &Part) -> Result<(), Error> {
        let globals = sql::without_changes_of(&self.postgres.user, self.fetching.small(part).await?);
        let words = ["-X", "-q", "-v", "VERBOSITY=sqlstate", "-d", self.postgres.maintenance(), "-f", "-"];
        let command = self.postgres.command("psql", &words).timeout(None);
        let limits = Limits::cancelled_by(self.cancel);
        let said = run_checked_with(self.exec, &command, self.postgres.input(&globals[..]), &limits).await?;
        let said = said.stderr_text();
        let errors = sql::errors(&said);
        if errors.is_empty() {
            return Ok(());
        }
        let (host, said) = (self.exec.name().to_owned(), errors.join("\n"));
        Err(Error::Globals { subject: self.postgres.subject(), host, said })
    }

    async fn create(&self, fresh: &str, facts: Option<&DatabaseFacts>) -> Result<(), Error> {
        let Some(facts) = facts else { return self.ask(&sql::create_plain(fresh)).await.map(drop) };
        let DatabaseFacts { encoding, collate, ctype, owner } = facts;
        self.ask(&sql::create(fresh, encoding, collate, ctype)).await?;
        if self.postgres.globals {
            self.ask(&sql::own(fresh, owner)).await?;
        }
        Ok(())
    }

    async fn fill(&self, fresh: &str, dump: &Part, has_roles: bool) -> Result<(), Error> {
        let Some(sections) = self.sections else { return self.pass(fresh, dump, (has_roles, None)).await };
        for step in sections.steps() {
            match step {
                Step::Section(section) => self.pass(fresh, dump, (has_roles, Some(section))).await?,
                Step::Sql(place, sql) => {
                    let ran = self.postgres.query(self.exec, fresh, sql).await;
                    ran.map_err(|source| Error::OwnSql {
                        place,
                        subject: self.postgres.subject(),
                        host: self.exec.name().to_owned(),
                        source: source.into(),
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Has `pg_restore` read the dump, all of it or a section. Of a stream it takes one section alone, so that
    /// another one is read from the store once more.
    async fn pass(
        &self,
        fresh: &str,
        dump: &Part,
        (has_roles, section): (bool, Option<&str>),
    ) -> Result<(), Error> {
        let words = restore_words(fresh, has_roles, section);
        let command = self.postgres.command("pg_restore", &words).timeout(None).bulk();
        let limits = Limits::cancelled_by(self.cancel);
        let restoring = async |content| {
            run_checked_with(self.exec, &command, self.postgres.input(content), &limits).await?;
            Ok(())
        };
        self.fetching.feed((std::slice::from_ref(dump), Format::PgDump), restoring).await
    }

    async fn put_in_place(&self, fresh: &str, old: Option<&str>) -> Result<(), Error> {
        let database = &self.postgres.database;
        let Some(old) = old else {
            return self.ask(&sql::rename(database, fresh)).await.map(drop);
        };
        self.ask(&sql::close(database)).await?;
        let swapped = self.ask(&sql::swap(database, fresh, old)).await;
        if swapped.is_err() && self.ask(&sql::reopen(database)).await.is_err() {
            tracing::warn!(database, "could not let clients connect again");
        }
        swapped.map(drop)
    }

    async fn dropped(&self, database: &str) -> Result<(), ()> {
        self.ask(&sql::drop(database)).await.map(drop).map_err(|error| {
            tracing::warn!(database, %error, "could not drop a database");
        })
    }

    async fn ask(&self, script: &str) -> Result<Vec<String>, Error> {
        self.postgres.query(self.exec, self.postgres.maintenance(), script).await
    }
}

/// The words of `pg_restore` that fills the database `fresh`.
fn restore_words<'a>(fresh: &'a str, has_roles: bool, section: Option<&'a str>) -> Vec<&'a str> {
    let mut words = vec!["--exit-on-error", "-d", fresh];
    words.extend(section.into_iter().flat_map(|section| ["--section", section]));
    if !has_roles {
        // The roles of the dump need not be there.
        words.extend(["--no-owner", "--no-privileges"]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_dump_or_a_section_is_restored() {
        assert_eq!(restore_words("fresh", true, None), ["--exit-on-error", "-d", "fresh"]);
        assert_eq!(
            restore_words("fresh", false, Some("pre-data")),
            ["--exit-on-error", "-d", "fresh", "--section", "pre-data", "--no-owner", "--no-privileges"]
        );
    }
}
