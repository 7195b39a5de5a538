//! What became of a stack whose apply failed, and what the state says of it.

use docker::engine::{Container, Health, State};
use framework::{Diagnostics, error_chain};
use stack::{
    Failed, KeptBecause, NoRelease, Outcome, Undo, containers::LABEL_SERVICE, containers::is_of_service,
};

use super::Failure;

/// How a stack stands to the state when an apply of it has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aftermath {
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

impl Aftermath {
    /// Whether the state shows what the apply wanted: not when everything is as it was before, and
    /// not while the stack still is where it was.
    pub(crate) fn is_recorded(self, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::RolledBack(..) | Outcome::TakenDown(_) => false,
            Outcome::Kept(KeptBecause::Untouched) => false,
            // What is recorded of a failed creation, the next apply destroys.
            Outcome::Kept(_) | Outcome::Stuck { .. } => matches!(self, Self::New | Self::Known),
        }
    }

    /// The diagnostics of an apply of the stack `name`; `running` are its containers, in words, where
    /// they are known.
    pub(crate) fn diagnostics(
        self,
        failed: Failed,
        name: &str,
        title: &str,
        running: Option<&str>,
    ) -> Diagnostics {
        let Failed { error, outcome, .. } = failed;
        let world = self.world(&outcome, name, running);
        let mut told = Failure::from(error).into_diagnostics(title, &world);
        if let Outcome::Stuck { undo, error } = outcome {
            let title = match undo {
                Undo::Rollback => format!("Could not roll back compose stack {name:?}"),
                Undo::TakeDown => format!("Could not take compose stack {name:?} down again"),
            };
            told.append(Failure::from(*error).into_diagnostics(&title, &between(running)));
        }
        told
    }

    /// What the world looks like now.
    fn world(self, outcome: &Outcome, name: &str, running: Option<&str>) -> String {
        let runs = running.map_or_else(
            || "What runs now is not known: the host does not answer.".to_owned(),
            |running| format!("Its containers now: {running}."),
        );
        match outcome {
            Outcome::Kept(because) => self.kept(because, &runs),
            Outcome::RolledBack(..) => {
                let state = match self {
                    Self::New | Self::Found => "It is not recorded in the state, as before.",
                    Self::Moving | Self::Known => "The next plan shows the change again.",
                };
                let running = running.unwrap_or("none");
                format!(
                    "It was rolled back: compose stack {name:?} runs as before the apply: {running}. {state}"
                )
            }
            Outcome::TakenDown(volumes) => {
                let volumes = match volumes.as_slice() {
                    [] => String::new(),
                    some => format!(" Its volumes stay, with what is in them: {}.", some.join(", ")),
                };
                let state = match self {
                    Self::Moving => "It runs on its old machine as before, and the state says so.",
                    _ => "It is not recorded in the state.",
                };
                format!(
                    "Nothing of it is left running: its containers, networks and files were removed.{volumes} {state}"
                )
            }
            Outcome::Stuck { .. } => {
                format!("{runs} Taking it back failed too, as told below. {}", self.next())
            }
        }
    }

    fn kept(self, because: &KeptBecause, runs: &str) -> String {
        let (verb, next) = (self.verb(), self.next());
        match because {
            KeptBecause::Untouched => format!("Nothing was changed. {runs}"),
            KeptBecause::Wanted => format!("{runs} {next}"),
            KeptBecause::Interrupted => {
                format!("{runs} It was not {verb}, because the run was interrupted. {next}")
            }
            KeptBecause::Lost => {
                format!("{runs} It was not {verb}, because the connection to the host broke. {next}")
            }
            KeptBecause::Unlocked => {
                format!("{runs} It was not {verb}, because somebody else may be working on it. {next}")
            }
            KeptBecause::Same => {
                format!(
                    "{runs} There is nothing to go back to: the last good configuration is this one. {next}"
                )
            }
            KeptBecause::Earlier => {
                format!(
                    "{runs} It was not taken down, because an earlier apply had left something of it here. {next}"
                )
            }
            KeptBecause::NoRelease(NoRelease::Never) => format!(
                "{runs} It was not rolled back: the host keeps no earlier good state of it; one is kept from the \
                 first successful apply on. {next}"
            ),
            KeptBecause::NoRelease(NoRelease::NotRestorable(why)) => by_hand(runs, &why.to_string(), next),
            KeptBecause::NoRelease(NoRelease::NotKept(error)) => {
                let words = error_chain(error.as_ref());
                by_hand(runs, &format!("of this error: {}", words.trim_end_matches('.')), next)
            }
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::New | Self::Moving => "taken down",
            Self::Found => "taken back",
            Self::Known => "rolled back",
        }
    }

    fn next(self) -> &'static str {
        match self {
            Self::New => {
                "The stack is recorded, so that the next apply makes it anew and destroy removes it."
            }
            Self::Found => {
                "Something of it was here before, so it is not recorded in the state: the next apply takes it up; to \
                 have it removed, import it and destroy it."
            }
            Self::Moving => {
                "The state says that it is on its old machine, where nothing was changed; the next apply takes up \
                 what is on the new one."
            }
            Self::Known => "The next apply goes on from here.",
        }
    }
}

/// Of a stack that was started by hand, and could not be kept for the reason `why`.
fn by_hand(runs: &str, why: &str, next: &str) -> String {
    format!(
        "{runs} It was not rolled back: it had been started by hand, and how it ran could not be kept, because {why}. \
         To have it as it was, put its own files back and run `docker compose up --detach` in their directory. From \
         the first successful apply on, a good state is kept. {next}"
    )
}

/// What the world looks like after a rollback that failed.
fn between(running: Option<&str>) -> String {
    let running = running.map(|running| format!(": {running}")).unwrap_or_default();
    format!("The stack is between what it was and what it should have become{running}.")
}

/// What runs, in words: `app (healthy), db (exited 1)`.
pub(crate) fn containers_in_words(containers: &[Container]) -> String {
    let mut words: Vec<String> = containers
        .iter()
        .filter(|container| container.label(LABEL_SERVICE).is_some() && is_of_service(container))
        .map(|container| format!("{} ({})", container.name, condition(container)))
        .collect();
    words.sort();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

fn condition(container: &Container) -> String {
    match (container.state, container.health()) {
        (State::Running, Some(Health::Healthy)) => "healthy".to_owned(),
        (State::Running, Some(Health::Unhealthy)) => "unhealthy".to_owned(),
        (State::Running, Some(Health::Starting)) => "starting".to_owned(),
        (State::Exited, _) => format!("exited {}", container.status.exit_code.unwrap_or(-1)),
        (state, _) => format!("{state:?}").to_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use framework::Severity;

    use super::*;

    #[test]
    fn every_end_says_what_runs_and_what_the_state_says() {
        let running = Some("web-app-1 (healthy)");
        let words = |outcome: Outcome, aftermath: Aftermath| aftermath.world(&outcome, "web", running);
        let rolled_back = || Outcome::RolledBack(Box::default(), Vec::new());
        for (text, expected) in [
            (
                words(rolled_back(), Aftermath::Known),
                "It was rolled back: compose stack \"web\" runs as before the apply: web-app-1 (healthy). The next \
                 plan shows the change again.",
            ),
            (
                words(Outcome::Kept(KeptBecause::Wanted), Aftermath::Known),
                "Its containers now: web-app-1 (healthy). The next apply goes on from here.",
            ),
            (
                words(Outcome::TakenDown(vec!["web_data".into()]), Aftermath::New),
                "Nothing of it is left running: its containers, networks and files were removed. Its volumes stay, \
                 with what is in them: web_data. It is not recorded in the state.",
            ),
            (
                words(Outcome::TakenDown(Vec::new()), Aftermath::Moving),
                "Nothing of it is left running: its containers, networks and files were removed. It runs on its old \
                 machine as before, and the state says so.",
            ),
        ] {
            assert_eq!(text, expected);
        }
        let lost = Aftermath::New.world(&Outcome::Kept(KeptBecause::Lost), "web", None);
        assert_eq!(
            lost,
            "What runs now is not known: the host does not answer. It was not taken down, because the connection to \
             the host broke. The stack is recorded, so that the next apply makes it anew and destroy removes it."
        );
    }

    #[test]
    fn only_what_stays_is_recorded() {
        for (outcome, aftermath, recorded) in [
            (Outcome::Kept(KeptBecause::Wanted), Aftermath::New, true),
            (Outcome::Kept(KeptBecause::Wanted), Aftermath::Known, true),
            (Outcome::Kept(KeptBecause::Lost), Aftermath::Moving, false),
            (Outcome::Kept(KeptBecause::Earlier), Aftermath::Found, false),
            (Outcome::Kept(KeptBecause::Interrupted), Aftermath::Found, false),
            (Outcome::RolledBack(Box::default(), Vec::new()), Aftermath::Known, false),
            (Outcome::TakenDown(Vec::new()), Aftermath::New, false),
        ] {
            assert_eq!(aftermath.is_recorded(&outcome), recorded, "{outcome:?} {aftermath:?}");
        }
    }

    #[test]
    fn a_rollback_that_failed_is_reported_beside_the_failure() {
        let failed = Failed {
            error: docker::Error::Missing { host: "web".into(), searched: "/bin".into() }.into(),
            outcome: Outcome::Stuck {
                undo: Undo::Rollback,
                error: Box::new(stack::RollbackError::ImagesGone(vec!["app:1 (sha256:1)".into()]).into()),
            },
            found: true,
        };
        let told = Aftermath::Known.diagnostics(failed, "web", "Could not update", Some("none"));
        assert_eq!(told.iter().filter(|one| one.severity == Severity::Error).count(), 2, "{told}");
        let text = told.to_string();
        assert!(
            text.contains("Could not roll back compose stack \"web\"") && text.contains("app:1"),
            "{text}"
        );
    }
}
