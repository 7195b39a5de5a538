//! How many rows each table has, as of the moment that a dump is of.
//!
//! A session of `psql` holds a transaction open that exports its snapshot; `pg_dump` is told to see what that sees. So
//! what is counted is what is dumped, whatever happens meanwhile.

use remote::{Executor, Output, Process};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};

use super::{Postgres, sql};
use crate::error::Error;

/// What the counts are stored as.
pub(crate) const TABLES: &str = "tables.json";

/// The last line of what is counted.
const END: &str = "windlass-end";

/// A table, and how many rows it has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) rows: u64,
}

/// A session that has counted, and holds its transaction open.
pub(super) struct Counted {
    process: Process,
    /// What `pg_dump` is told to see.
    pub(super) snapshot: String,
    pub(super) tables: Vec<Table>,
}

impl Counted {
    /// Counts all tables of `postgres`.
    pub(super) async fn count(exec: &dyn Executor, postgres: &Postgres) -> Result<Self, Error> {
        let words =
            ["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", postgres.database.as_str(), "-f", "-"];
        let command = postgres.command("psql", &words).timeout(None);
        let failed = |source| remote::Error::Io {
            operation: "count the rows of tables".to_owned(),
            host: exec.name().to_owned(),
            source,
        };
        let mut process = exec.start(&command).await?;
        let script = format!("{}{}\\echo {END}\n", postgres.preface(), sql::COUNT_ROWS);
        process.stdin.write_all(script.as_bytes()).await.map_err(failed)?;
        process.stdin.flush().await.map_err(failed)?;
        let mut lines = BufReader::new(&mut process.stdout).lines();
        let (mut snapshot, mut tables, mut ended) = (None, Vec::new(), false);
        while let Some(line) = lines.next_line().await.map_err(failed)? {
            if line == END {
                ended = true;
                break;
            }
            match (&snapshot, serde_json::from_str(&line)) {
                (Some(_), Ok(table)) => tables.push(table),
                (None, _) => snapshot = Some(line),
                // A name that is no UTF-8, or a notice of the server's own.
                (Some(_), Err(_)) => {}
            }
        }
        drop(lines);
        if let Some(snapshot) = snapshot.filter(|_| ended) {
            tables.sort();
            return Ok(Self { process, snapshot, tables });
        }
        let mut stderr = Vec::new();
        process.stderr.read_to_end(&mut stderr).await.map_err(failed)?;
        let status = process.control.wait().await?;
        remote::checked(exec, &command, &Output { status, stdout: Vec::new(), stderr })?;
        let cut = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        Err(failed(cut).into())
    }

    /// Lets go of the transaction.
    pub(super) async fn end(self) {
        let Process { stdin, mut control, .. } = self.process;
        drop(stdin);
        if let Err(error) = control.wait().await {
            tracing::info!(%error, "the session that counted did not end well");
        }
    }
}

/// What is different between what was counted at the time of the dump and in what was restored of it.
pub(super) fn difference(dumped: &[Table], restored: &[Table]) -> Option<String> {
    let find = |among: &[Table], table: &Table| {
        among.iter().find(|one| (&one.schema, &one.name) == (&table.schema, &table.name)).map(|one| one.rows)
    };
    for table in dumped {
        let Table { schema, name, rows } = table;
        match find(restored, table) {
            None => return Some(format!("table \"{schema}\".\"{name}\" is not in it")),
            Some(found) if found != *rows => {
                return Some(format!(
                    "table \"{schema}\".\"{name}\" has {found} rows in it instead of {rows}"
                ));
            }
            Some(_) => {}
        }
    }
    let more = restored.iter().find(|table| find(dumped, table).is_none())?;
    Some(format!("table \"{}\".\"{}\" is in it, and was not there", more.schema, more.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, rows: u64) -> Table {
        Table { schema: "public".into(), name: name.into(), rows }
    }

    #[test]
    fn each_difference_is_told() {
        let dumped = [table("a", 1), table("b", 2)];
        assert_eq!(difference(&dumped, &dumped), None);
        assert_eq!(difference(&dumped, &dumped[..1]).unwrap(), "table \"public\".\"b\" is not in it");
        let fewer = [table("a", 1), table("b", 1)];
        assert_eq!(
            difference(&dumped, &fewer).unwrap(),
            "table \"public\".\"b\" has 1 rows in it instead of 2"
        );
        let more = [table("a", 1), table("b", 2), table("c", 0)];
        assert_eq!(difference(&dumped, &more).unwrap(), "table \"public\".\"c\" is in it, and was not there");
    }

    #[test]
    fn a_table_is_read_as_the_server_tells_it() {
        let told = r#"{"schema" : "public", "name" : "a\"b", "rows" : 3}"#;
        assert_eq!(serde_json::from_str::<Table>(told).unwrap(), table("a\"b", 3));
    }
}
