//! What happens to restored data before they take their place: other owners, and a command on the host.

use std::{fmt, str::FromStr};

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

/// Whose all restored files become, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// That a text names no owner.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an owner is two numbers with a colon between them, such as 1000:1000")]
pub struct OwnerError;

impl FromStr for Owner {
    type Err = OwnerError;

    fn from_str(text: &str) -> Result<Self, OwnerError> {
        let (uid, gid) = text.split_once(':').ok_or(OwnerError)?;
        let number = |text: &str| {
            let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| plain).ok_or(OwnerError)
        };
        Ok(Self { uid: number(uid)?, gid: number(gid)? })
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.uid, self.gid)
    }
}

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
    fn an_owner_is_two_numbers() {
        assert_eq!("1000:33".parse(), Ok(Owner { uid: 1000, gid: 33 }));
        for text in ["", "1000", "www-data:www-data", "1:", ":1", "+1:1", "-1:1", "1:2:3", "4294967296:0"] {
            assert_eq!(text.parse::<Owner>(), Err(OwnerError), "{text}");
        }
        assert_eq!(Owner { uid: 1, gid: 2 }.to_string(), "1:2");
    }

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
