//! Why an object cannot be made or removed: its name is taken, or containers use it.

use docker::engine::{Container, State};

use crate::{
    failure::{Failure, IF_REPLACED, Stop},
    hosted::OnMachine,
};

/// How many containers a message names.
const NAMED: usize = 10;

/// That the name, which `attribute` decides, belongs to a `kind` of object that is there already.
pub(crate) fn name_taken(kind: &str, on: &OnMachine<'_>, name: &str, attribute: &'static str) -> Failure {
    let happened = format!(
        "There is a Docker {kind} of that name on {} already, which this resource did not make.",
        on.host.name()
    );
    let import = format!("{}|{name}", on.host.connection);
    let next = format!(
        "Adopt it by importing {import:?}, remove it on the host if nobody needs it, or choose another `{attribute}`. {IF_REPLACED}"
    );
    Stop::new(happened, next).at(attribute).into()
}

/// That `users` keep the object from being removed: they `use it`, in the words of its kind.
pub(super) fn in_use(on: &OnMachine<'_>, uses: &str, users: &[Container], next: &str) -> Failure {
    Stop::new(format!("Containers on {} {uses}: {}.", on.host.name(), named(users)), next).into()
}

/// Containers in words: `web-app-1 (running), web-db-1 (stopped)`.
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
