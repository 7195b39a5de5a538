//! What happens to restored data before they take their place: a command on the host.

use remote::{
    Command, Executor, Input,
    collect::{Limits, run_checked_with},
    files::walking_script,
};
use tokio_util::sync::CancellationToken;

use crate::error::Error;

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
    /// In a database of a container.
    Database { container: &'a str, database: &'a str },
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
    if command.is_empty() {
        return Ok(());
    }
    let command = words(command, place).timeout(None).privileged();
    run_checked_with(exec, &command, Input::Nothing, &Limits::cancelled_by(cancel)).await?;
    Ok(())
}

fn words(command: &[String], place: Place<'_>) -> Command {
    let set = |name: &str, value: &str| format!("{name}={value}");
    let begun = match place {
        Place::Directory(path) => {
            Command::new(["sh", "-c", &walking_script(IN), "windlass-transform", path, "env"])
                .arg(set("WINDLASS_DIRECTORY", path))
        }
        Place::Database { container, database } => Command::new(["env"])
            .arg(set("WINDLASS_CONTAINER", container))
            .arg(set("WINDLASS_DATABASE", database)),
        Place::Container(container) => Command::new(["env"]).arg(set("WINDLASS_CONTAINER", container)),
    };
    begun.args(command.iter().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_told_where_the_data_are() {
        let command = ["mask".to_owned(), "--all".to_owned()];
        let database = Place::Database { container: "db", database: "fresh" };
        assert_eq!(
            words(&command, database).words(),
            ["env", "WINDLASS_CONTAINER=db", "WINDLASS_DATABASE=fresh", "mask", "--all"]
        );
        let directory = words(&command, Place::Directory("/srv/new"));
        assert_eq!(
            directory.words()[3..],
            ["windlass-transform", "/srv/new", "env", "WINDLASS_DIRECTORY=/srv/new", "mask", "--all"]
        );
    }
}
