//! What is asked of a Postgres, as text. Pure.

/// A name in SQL.
fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text in SQL.
fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Asks for the encoding, the two locales and the owner of a database, and whether who asks is a superuser; no row
/// where there is none.
pub(super) fn about(database: &str) -> String {
    format!(
        "SELECT pg_encoding_to_char(encoding), datcollate, datctype, pg_get_userbyid(datdba), (SELECT rolsuper FROM \
         pg_roles WHERE rolname = current_user) FROM pg_database WHERE datname = {};",
        text(database)
    )
}

/// Asks for the databases whose names begin so.
pub(super) fn named(prefix: &str) -> String {
    format!("SELECT datname FROM pg_database WHERE left(datname, {}) = {};", prefix.len(), text(prefix))
}

/// Asks how many tables, views and sequences of somebody's are in the database that it is asked in.
pub(super) const COUNT: &str = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname <> \
     'information_schema' AND n.nspname !~ '^pg_';";

/// Begins a transaction whose snapshot others can be told to see, says which one that is, and counts the rows of all
/// tables and materialized views that are somebody's, each as an object of JSON. `\gexec` is psql's own.
pub(super) const COUNT_ROWS: &str = r"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot();
SELECT format('SELECT json_build_object(''schema'', %L::text, ''name'', %L::text, ''rows'', count(*)) FROM ONLY %I.%I',
  n.nspname, c.relname, n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (c.relkind = 'r' OR c.relkind = 'm' AND c.relispopulated) AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' ORDER BY 1 \gexec
";

/// Makes a database without anything in it.
pub(super) fn create(database: &str, encoding: &str, collate: &str, ctype: &str) -> String {
    format!(
        "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {};",
        name(database),
        text(encoding),
        text(collate),
        text(ctype)
    )
}

/// The same with the server's own encoding and locales.
pub(super) fn create_plain(database: &str) -> String {
    format!("CREATE DATABASE {} TEMPLATE template0;", name(database))
}

/// Gives a database to `owner`.
pub(super) fn own(database: &str, owner: &str) -> String {
    format!("ALTER DATABASE {} OWNER TO {};", name(database), name(owner))
}

/// Removes a database, whoever is connected to it.
pub(super) fn drop(database: &str) -> String {
    format!("DROP DATABASE IF EXISTS {} WITH (FORCE);", name(database))
}

/// Lets nobody connect to a database any more, and ends the connections that there are.
pub(super) fn close(database: &str) -> String {
    format!(
        "ALTER DATABASE {} WITH ALLOW_CONNECTIONS false;\nSELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE \
         datname = {} AND pid <> pg_backend_pid();",
        name(database),
        text(database)
    )
}

/// Takes [`close`] back.
pub(super) fn reopen(database: &str) -> String {
    format!("ALTER DATABASE {} WITH ALLOW_CONNECTIONS true;", name(database))
}

/// Puts `fresh` into the place of `database`, which is called `old` from then on: both, or none.
pub(super) fn swap(database: &str, fresh: &str, old: &str) -> String {
    format!(
        "BEGIN;\nALTER DATABASE {} RENAME TO {};\nALTER DATABASE {} RENAME TO {};\nCOMMIT;",
        name(database),
        name(old),
        name(fresh),
        name(database)
    )
}

/// Gives `fresh` the name `database`, which none has.
pub(super) fn rename(database: &str, fresh: &str) -> String {
    format!("ALTER DATABASE {} RENAME TO {};", name(fresh), name(database))
}

/// A list of globals without the lines that change the role `user`.
pub(super) fn without_changes_of(user: &str, globals: Vec<u8>) -> Vec<u8> {
    let begins = [format!("ALTER ROLE {user} "), format!("ALTER ROLE {} ", name(user))];
    let is_kept = |line: &&[u8]| !begins.iter().any(|begin| line.starts_with(begin.as_bytes()));
    globals.split_inclusive(|byte| *byte == b'\n').filter(is_kept).flatten().copied().collect()
}

/// The errors in what `psql` says with `VERBOSITY` set to `sqlstate`, but for those that something is
/// there already (`42710`): roles that a server has from its beginning are in every list of globals.
pub(super) fn errors(said: &str) -> Vec<&str> {
    let is_code =
        |word: &str| word.len() == 5 && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let of_line = |line: &'_ &str| {
        let code = line.rsplit(' ').next().unwrap_or_default();
        // Notices and warnings have codes of the classes 00, 01 and 02.
        is_code(code) && code != "42710" && !["00", "01", "02"].contains(&&code[..2])
    };
    said.lines().filter(of_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_get_out() {
        assert_eq!(rename("a\"b", "c'd"), "ALTER DATABASE \"c'd\" RENAME TO \"a\"\"b\";");
        assert!(about("it's").ends_with("datname = 'it''s';"));
        assert_eq!(
            create("x", "UTF8", "C", "C.UTF-8"),
            "CREATE DATABASE \"x\" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8';"
        );
    }

    #[test]
    fn both_databases_change_their_names_or_none() {
        assert_eq!(
            swap("shop", "new", "old"),
            "BEGIN;\nALTER DATABASE \"shop\" RENAME TO \"old\";\nALTER DATABASE \"new\" RENAME TO \"shop\";\nCOMMIT;"
        );
    }

    #[test]
    fn the_role_that_logs_in_stays_as_it_is() {
        let globals = "CREATE ROLE app;\nALTER ROLE app WITH LOGIN PASSWORD 'SCRAM';\nALTER ROLE \"app\" SET x TO 1;\n\
                       ALTER ROLE app2 WITH LOGIN;\n";
        let kept = without_changes_of("app", globals.as_bytes().to_vec());
        assert_eq!(String::from_utf8(kept).unwrap(), "CREATE ROLE app;\nALTER ROLE app2 WITH LOGIN;\n");
    }

    #[test]
    fn what_is_there_already_is_no_error() {
        let said = "psql:<stdin>:14: ERROR:  42710\npsql:<stdin>:20: FEHLER:  22023\nNOTICE:  00000\nWARNING:  01000\n\
                    psql:<stdin>:9: invalid command \\restrict\n";
        assert_eq!(errors(said), ["psql:<stdin>:20: FEHLER:  22023"]);
    }
}
