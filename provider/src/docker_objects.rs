//! What the resources that are an object of a Docker daemon (networks, volumes) share: names, who
//! holds on to an object, and its maps.

use std::collections::BTreeMap;

use docker::engine::{Container, State};
use framework::Field;

use crate::{
    failure::{Failure, Stop},
    hosted::OnMachine,
};

/// How many containers a message names.
const NAMED: usize = 10;

/// Labels that Docker and Compose put on what they make.
const THEIRS: &str = "com.docker.";

/// Why a name that is taken already is not used: `thing` is what has it, such as `Docker volume`.
pub(crate) fn taken(thing: &str, on: &OnMachine<'_>, name: &str) -> Failure {
    let happened =
        format!("There is a {thing} of that name on {} already, which is not in this state.", on.host.name());
    let import = format!("{}|{name}", on.host.connection);
    let next = format!(
        "Adopt it by importing {import:?}, remove it on the host if nobody needs it, or choose another name."
    );
    Stop::new(happened, next).at("name").into()
}

/// Containers in words: `web-app-1 (running), web-db-1 (exited)`.
pub(crate) fn named(containers: &[Container]) -> String {
    let word = |state| match state {
        State::Running => "running",
        State::Paused => "paused",
        State::Restarting => "restarting",
        State::Created => "created",
        State::Removing | State::Exited | State::Dead => "stopped",
    };
    let shown = containers.iter().take(NAMED);
    let mut names: Vec<String> = shown.map(|one| format!("{} ({})", one.name, word(one.state))).collect();
    if containers.len() > NAMED {
        names.push(format!("and {} more", containers.len() - NAMED));
    }
    names.join(", ")
}

/// Sets a map to what the daemon has; none and an empty one are the same to it.
pub(crate) fn set_map(field: &mut Field<BTreeMap<String, String>>, found: BTreeMap<String, String>) {
    if field.clone().known_or_default() != found {
        *field = Field::Known(found);
    }
}

/// Whether two maps say the same; none and an empty one do. What is unknown does not.
pub(crate) fn same_map(
    one: &Field<BTreeMap<String, String>>,
    other: &Field<BTreeMap<String, String>>,
) -> bool {
    !one.is_unknown()
        && !other.is_unknown()
        && one.clone().known_or_default() == other.clone().known_or_default()
}

/// The labels that are the user's: those of Docker and Compose only where the user set them.
pub(crate) fn own_labels(
    found: &BTreeMap<String, String>,
    known: &Field<BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    let is_known = |name: &str| known.known().is_some_and(|labels| labels.contains_key(name));
    let own = found.iter().filter(|(name, _)| !name.starts_with(THEIRS) || is_known(name));
    own.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Checks the name of a network or volume, as Docker does.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let inside = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if name.len() > 1 && inside && name.as_bytes()[0].is_ascii_alphanumeric() {
        return Ok(());
    }
    Err("must be at least two letters, digits, `_`, `.` or `-`, and begin with a letter or digit".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn no_map_and_an_empty_one_are_the_same() {
        let mut field = Field::Null;
        set_map(&mut field, map(&[]));
        assert_eq!(field, Field::Null);
        let mut field = Field::Known(map(&[]));
        set_map(&mut field, map(&[]));
        assert_eq!(field, Field::Known(map(&[])));
        set_map(&mut field, map(&[("a", "b")]));
        assert_eq!(field, Field::Known(map(&[("a", "b")])));
        assert!(same_map(&Field::Null, &Field::Known(map(&[]))));
        assert!(!same_map(&Field::Null, &Field::Unknown) && !same_map(&Field::Null, &field));
    }

    #[test]
    fn labels_of_docker_count_only_where_they_were_set() {
        let found = map(&[("com.docker.compose.project", "web"), ("owner", "ann")]);
        assert_eq!(own_labels(&found, &Field::Null), map(&[("owner", "ann")]));
        let known = Field::Known(map(&[("com.docker.compose.project", "x")]));
        assert_eq!(own_labels(&found, &known), found);
    }

    #[test]
    fn names_are_those_that_docker_takes() {
        for name in ["ab", "shop_data", "0.x-y"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "a", "-ab", "a b", "ü1", "a/b"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
