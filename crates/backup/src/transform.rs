//! What happens to restored data before they take their place: a command on the host.

use remote::{
    Command, Executor, Input,
    collect::{Limits, run_checked_with},
    files::walking_script,
};
use tokio_util::sync::CancellationToken;

use crate::{
    error::Error,
    postgres::{Postgres, WITH_VARIABLES},
};

/// Goes to the directory `$1`, led by no link that others may have put there, and becomes the words that follow.
const IN: &str = r#"
go "$1" ''
shift
exec "$@"
"#;

/// Where the data are that a command changes.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    /// In a directory, which it is started in.
    Directory(&'a str),
    /// In a database of a server.
    Database { postgres: &'a Postgres, database: &'a str },
    /// Where another command in a container has put them.
    Container(&'a str),
}

/// Runs the words of `command`, where there are some.
pub(crate) async fn transform(
    exec: &dyn Executor,
    command: &[String],
    place: Place<'_>,
    cancel: &CancellationToken,
) -> Result<(), Error> {
    let Some(program) = command.first() else { return Ok(()) };
    let input = match place {
        Place::Database { postgres, .. } if postgres.container().is_none() => {
            Input::bytes(postgres.preface().into_bytes())
        }
        _ => Input::Nothing,
    };
    let command = words(command, place).timeout(None).privileged();
    let done = run_checked_with(exec, &command, input, &Limits::cancelled_by(cancel)).await;
    let failed = |source| Error::Transform { program: program.clone(), source };
    done.map(drop).map_err(failed)
}

fn words(command: &[String], place: Place<'_>) -> Command {
    let set = |name: &str, value: &str| format!("{name}={value}");
    let begun = match place {
        Place::Directory(path) => {
            Command::new(["sh", "-c", &walking_script(IN), "windlass-transform", path, "env"])
                .arg(set("WINDLASS_DIRECTORY", path))
        }
        Place::Database { postgres, database } => match postgres.container() {
            Some(container) => Command::new(["env"])
                .arg(set("WINDLASS_CONTAINER", container))
                .arg(set("WINDLASS_DATABASE", database)),
            // How one gets in comes by stdin.
            None => Command::new(["sh", "-c", WITH_VARIABLES, "windlass-transform", "env"])
                .arg(set("WINDLASS_DATABASE", database))
                .arg(set("PGDATABASE", database))
                .arg(set("PGUSER", &postgres.user)),
        },
        Place::Container(container) => Command::new(["env"]).arg(set("WINDLASS_CONTAINER", container)),
    };
    begun.args(command.iter().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::{ServerUri, Tools};

    #[test]
    fn the_command_is_told_where_the_data_are() {
        let command = ["mask".to_owned(), "--all".to_owned()];
        let mut postgres = Postgres {
            tools: Tools::Container {
                cli: docker::Cli::new("/run/docker.sock", "/root"),
                container: "db".into(),
            },
            server: None,
            database: "shop".into(),
            user: "app".into(),
            password: None,
            globals: true,
        };
        let words_of = |postgres: &Postgres| {
            let words = words(&command, Place::Database { postgres, database: "fresh" });
            words.words().iter().map(|word| word.replace(WITH_VARIABLES, "SCRIPT")).collect::<Vec<_>>()
        };
        assert_eq!(
            words_of(&postgres),
            ["env", "WINDLASS_CONTAINER=db", "WINDLASS_DATABASE=fresh", "mask", "--all"]
        );
        (postgres.tools, postgres.server) = (Tools::Host, Some(ServerUri::default()));
        let begins = ["sh", "-c", "SCRIPT", "windlass-transform", "env", "WINDLASS_DATABASE=fresh"];
        assert_eq!(words_of(&postgres)[..6], begins);
        assert_eq!(words_of(&postgres)[6..], ["PGDATABASE=fresh", "PGUSER=app", "mask", "--all"]);
        let directory = words(&command, Place::Directory("/srv/new"));
        assert_eq!(
            directory.words()[3..],
            ["windlass-transform", "/srv/new", "env", "WINDLASS_DIRECTORY=/srv/new", "mask", "--all"]
        );
    }
}
