//! What became of a stack whose apply failed, in words.

use framework::Diagnostics;
use swarm::stacks::{Failed, Outcome};

use crate::failure::{Failure, UNCHANGED};

/// The diagnostics of an apply of the stack `name`, which `was_there` before or not.
pub(super) fn diagnostics(failed: Failed, name: &str, title: &str, was_there: bool) -> Diagnostics {
    let Failed { error, outcome } = failed;
    let world = world(&outcome, name, was_there);
    let mut told = Failure::from(error).into_diagnostics(title, &world);
    if let Outcome::Stuck(error) = outcome {
        let title = if was_there {
            format!("Could not roll back swarm stack {name:?}")
        } else {
            format!("Could not take swarm stack {name:?} down again")
        };
        told.append(
            Failure::from(error)
                .into_diagnostics(&title, "The stack is between what was and what is wanted."),
        );
    }
    told
}

fn world(outcome: &Outcome, name: &str, was_there: bool) -> String {
    match outcome {
        Outcome::Unchanged => UNCHANGED.to_owned(),
        Outcome::RolledBack => format!(
            "It was rolled back: swarm stack {name:?} runs as before the apply, but for jobs, which a way back would run \
             again. The next plan shows the change again."
        ),
        Outcome::TakenDown => {
            "It was taken down again, and is not recorded. Volumes stay on their nodes.".to_owned()
        }
        Outcome::Kept if was_there => {
            "What was changed so far stays, and the next plan shows what differs.".to_owned()
        }
        Outcome::Kept => "What was made so far stays and is recorded: the next apply replaces it.".to_owned(),
        Outcome::Stuck(_) => "It could not be put back as it was either.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarm::stacks::{ServiceFailure, StackError};

    fn failed(outcome: Outcome) -> Failed {
        let failure = ServiceFailure {
            service: "api".into(),
            said: "stands still: update paused due to failure".into(),
            tasks: vec!["task 1 on n2: task: non-zero exit (1)".into()],
            log: "no database\nbye".into(),
        };
        Failed { error: StackError::NotWell(vec![failure]), outcome }
    }

    #[test]
    fn a_failed_update_is_told_with_its_tasks_and_what_runs_now() {
        let told =
            diagnostics(failed(Outcome::RolledBack), "shop", "Could not update swarm stack \"shop\"", true);
        assert_eq!(
            told.to_string().trim(),
            "Could not update swarm stack \"shop\"\n\
             Service \"api\" stands still: update paused due to failure (task 1 on n2: task: non-zero exit (1)).\n\n\
             The last lines that a task of \"api\" wrote:\nno database\nbye\n\n\
             It was rolled back: swarm stack \"shop\" runs as before the apply, but for jobs, which a way back would run \
             again. The next plan shows the change again.\n\n\
             Mend what the tasks complain of, then apply again. `start_timeout` gives services that fail at first more time."
        );
    }

    #[test]
    fn what_could_not_be_put_back_is_told_as_well() {
        let stuck = Outcome::Stuck(StackError::LostLock { stack: "shop".into() });
        let told = diagnostics(failed(stuck), "shop", "t", true);
        assert_eq!(told.len(), 2);
        assert!(told.to_string().contains("Could not roll back swarm stack \"shop\""));
    }
}
