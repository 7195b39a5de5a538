//! What becomes of a stack whose apply failed, and the words for it.

use docker::engine::Container;

use super::good::NoneKept;
use crate::resources::compose_stack::{failure::Failure, held::Held};

/// An apply that failed.
#[derive(Debug)]
pub(in super::super) struct Stopped {
    /// Why.
    pub(in super::super) failure: Failure,
    /// What became of the stack.
    pub(in super::super) after: After,
    /// Whether something of it was on the machine already.
    pub(in super::super) found: bool,
}

/// What became of a stack whose apply failed.
#[derive(Debug)]
pub(in super::super) enum After {
    /// What the apply did was not taken back.
    Stays(Reason),
    /// Everything is as before.
    Returned(Box<Held>, Vec<Container>),
    /// Nothing is left but these volumes.
    Cleared(Vec<String>),
    /// Taking it back failed too.
    Stuck {
        /// The title of that failure.
        title: String,
        /// That failure.
        failure: Box<Failure>,
    },
}

/// Why nothing was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Reason {
    /// It failed before it did anything.
    Untouched,
    /// `on_failure` says so.
    Wanted,
    /// Somebody interrupted the run.
    Interrupted,
    /// The host could not be reached any more.
    Lost,
    /// The last good state is not other than what was applied.
    Same,
    /// Something of it was there already, and no good state is known.
    Earlier,
    /// There is no good state from before.
    Nothing(NoneKept),
}

/// How a stack stands to the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Standing {
    /// It was to be made.
    New,
    /// It was to be made, and something of it was there although the state does not know it: of an
    /// apply that was killed, or of a state that was lost.
    Found,
    /// It was to be made on another machine than where it is.
    Moving,
    /// It was to be changed.
    Known,
}

impl Stopped {
    /// One that failed before it did anything.
    pub(super) fn before_anything(failure: Failure) -> Self {
        Self { failure, after: After::Stays(Reason::Untouched), found: false }
    }
}

impl After {
    /// That taking it back failed too.
    pub(super) fn stuck(title: String, failure: Failure) -> Self {
        Self::Stuck { title, failure: Box::new(failure) }
    }

    /// What the world looks like after a rollback that failed.
    pub(in super::super) fn between(running: Option<&str>) -> String {
        let running = running.map(|running| format!(": {running}")).unwrap_or_default();
        format!("The stack is between what it was and what it should have become{running}.")
    }

    /// Whether the state shows what the apply wanted: not when everything is as it was before, and
    /// not while the stack still is where it was.
    pub(in super::super) fn is_recorded(&self, standing: Standing) -> bool {
        match self {
            Self::Returned(..) | Self::Cleared(_) => false,
            Self::Stays(Reason::Untouched) => false,
            // What is recorded of a failed creation, the next apply destroys.
            Self::Stays(_) | Self::Stuck { .. } => matches!(standing, Standing::New | Standing::Known),
        }
    }

    /// What the world looks like now. `running` are the containers, in words, where they are known.
    pub(in super::super) fn words(&self, name: &str, standing: Standing, running: Option<&str>) -> String {
        let runs = running.map_or_else(
            || "What runs now is not known: the host does not answer.".to_owned(),
            |running| format!("Its containers now: {running}."),
        );
        let (verb, next) = match standing {
            Standing::New => (
                "taken down",
                "The stack is recorded, so that the next apply makes it anew and destroy removes it.",
            ),
            Standing::Found => (
                "taken back",
                "Something of it was here before, so it is not recorded in the state: the next apply takes it up; to \
                 have it removed, import it and destroy it.",
            ),
            Standing::Moving => (
                "taken down",
                "The state says that it is on its old machine, where nothing was changed; the next apply takes up \
                 what is on the new one.",
            ),
            Standing::Known => ("rolled back", "The next apply goes on from here."),
        };
        match self {
            Self::Stays(Reason::Untouched) => format!("Nothing was changed. {runs}"),
            Self::Stays(Reason::Wanted) => format!("{runs} {next}"),
            Self::Stays(Reason::Interrupted) => {
                format!("{runs} It was not {verb}, because the run was interrupted. {next}")
            }
            Self::Stays(Reason::Lost) => {
                format!("{runs} It was not {verb}, because the connection to the host broke. {next}")
            }
            Self::Stays(Reason::Same) => {
                format!(
                    "{runs} There is nothing to go back to: the last good configuration is this one. {next}"
                )
            }
            Self::Stays(Reason::Nothing(NoneKept::ByHand(why))) => format!(
                "{runs} It was not rolled back: it had been started by hand, and how it ran could not be kept, because \
                 {why}. To have it as it was, put its own files back and run `docker compose up --detach` in their \
                 directory. From the first successful apply on, a good state is kept. {next}"
            ),
            Self::Stays(Reason::Nothing(NoneKept::Never)) => format!(
                "{runs} It was not rolled back: the host keeps no earlier good state of it; one is kept from the \
                 first successful apply on. {next}"
            ),
            Self::Stays(Reason::Earlier) => format!(
                "{runs} It was not taken down, because an earlier apply had left something of it here. {next}"
            ),
            Self::Returned(..) => {
                let state = match standing {
                    Standing::New | Standing::Found => "It is not recorded in the state, as before.",
                    Standing::Moving | Standing::Known => "The next plan shows the change again.",
                };
                let running = running.unwrap_or("none");
                format!(
                    "It was rolled back: compose stack {name:?} runs as before the apply: {running}. {state}"
                )
            }
            Self::Cleared(volumes) => {
                let volumes = match volumes.as_slice() {
                    [] => String::new(),
                    some => format!(" Its volumes stay, with what is in them: {}.", some.join(", ")),
                };
                let state = match standing {
                    Standing::Moving => "It runs on its old machine as before, and the state says so.",
                    _ => "It is not recorded in the state.",
                };
                format!(
                    "Nothing of it is left running: its containers, networks and files were removed.{volumes} {state}"
                )
            }
            Self::Stuck { .. } => {
                format!("{runs} Taking it back failed too, as told below. {next}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_says_what_runs_and_what_the_state_says() {
        let running = Some("web-app-1 (healthy)");
        let words = |after: After, standing| after.words("web", standing, running);
        let returned = || After::Returned(Box::default(), Vec::new());
        for (text, expected) in [
            (
                words(returned(), Standing::Known),
                "It was rolled back: compose stack \"web\" runs as before the apply: web-app-1 (healthy). The next \
                 plan shows the change again.",
            ),
            (
                words(After::Stays(Reason::Wanted), Standing::Known),
                "Its containers now: web-app-1 (healthy). The next apply goes on from here.",
            ),
            (
                words(After::Cleared(vec!["web_data".into()]), Standing::New),
                "Nothing of it is left running: its containers, networks and files were removed. Its volumes stay, \
                 with what is in them: web_data. It is not recorded in the state.",
            ),
            (
                words(After::Cleared(Vec::new()), Standing::Moving),
                "Nothing of it is left running: its containers, networks and files were removed. It runs on its old \
                 machine as before, and the state says so.",
            ),
        ] {
            assert_eq!(text, expected);
        }
        let lost = After::Stays(Reason::Lost).words("web", Standing::New, None);
        assert_eq!(
            lost,
            "What runs now is not known: the host does not answer. It was not taken down, because the connection to \
             the host broke. The stack is recorded, so that the next apply makes it anew and destroy removes it."
        );
    }

    #[test]
    fn only_what_stays_is_recorded() {
        for (after, standing, recorded) in [
            (After::Stays(Reason::Wanted), Standing::New, true),
            (After::Stays(Reason::Wanted), Standing::Known, true),
            (After::Stays(Reason::Lost), Standing::Moving, false),
            (After::Stays(Reason::Earlier), Standing::Found, false),
            (After::Stays(Reason::Interrupted), Standing::Found, false),
            (After::Returned(Box::default(), Vec::new()), Standing::Known, false),
            (After::Cleared(Vec::new()), Standing::New, false),
        ] {
            assert_eq!(after.is_recorded(standing), recorded, "{after:?} {standing:?}");
        }
    }
}
