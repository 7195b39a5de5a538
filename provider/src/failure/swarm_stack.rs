//! Failures of a stack on a swarm.

use framework::{Diagnostic, Diagnostics, error_chain};
use swarm::stacks::{Problem, StackError};

use super::{Cause, Failure, sentence};

/// The diagnostics of a failed operation with a stack; `files` is the attribute that its Compose files
/// come from.
pub(super) fn swarm_stack_error(title: &str, error: StackError, world: &str, files: &str) -> Diagnostics {
    let happened = sentence(&error_chain(&error));
    let told =
        |happened: String, next: &str| Diagnostic::error(title).detail(happened).detail(world).detail(next);
    let diagnostic = match error {
        StackError::Swarm(error) => return Failure::from(error).into_diagnostics(title, world),
        StackError::Files(error) => return Failure::from(error).into_diagnostics(title, world),
        StackError::Untranslatable { problems, .. } => return untranslatable(title, &problems, world, files).into(),
        StackError::Missing { .. } => told(
            happened,
            "Make it first (with Windlass: a resource that this one refers to, or names in `depends_on`), or take \
             `external` out of the files.",
        )
        .at(files),
        StackError::Taken { .. } => {
            told(happened, "Choose another `name`, or another one for it in the files; or remove what is there.").at("name")
        }
        StackError::Exists { .. } => told(
            happened,
            "Adopt it by an import (`<connection of a manager>|<name>`), remove it (`docker stack rm`), or choose another \
             `name`.",
        )
        .at("name"),
        StackError::NetworkInUse { .. } => told(
            happened,
            "A swarm never changes a network. Take those off it first, or leave the network as it is.",
        )
        .at(files),
        StackError::NamedNetwork { .. } => told(
            happened,
            "A swarm never changes a network, and the new one cannot have the name of the old one while that is used. \
             Give it another `name` in the files, or none.",
        )
        .at(files),
        StackError::Locked { .. } => told(happened, "Wait for them, then run the same command again."),
        StackError::LostLock { .. } => told(happened, "Look whether somebody else applies, then plan again."),
        StackError::NotWell(failures) => {
            let logs = failures.iter().filter(|one| !one.log.is_empty());
            let logs = logs.map(|one| format!("The last lines that a task of {:?} wrote:\n{}", one.service, one.log));
            let mut told = Diagnostic::error(title).detail(happened);
            for log in logs {
                told = told.detail(log);
            }
            told.detail(world).detail(
                "Mend what the tasks complain of, then apply again. `start_timeout` gives services that fail at first \
                 more time.",
            )
        }
        StackError::Unreadable { .. } => told(happened, "Let it be read, then apply again.").at(files),
        StackError::Stays { .. } => told(
            happened,
            "Look what holds it up (`docker stack ps`, nodes that are down), then run the same command again: it goes on \
             where it stopped.",
        ),
    };
    diagnostic.into()
}

/// Each problem is a line; what may be accepted is said once.
fn untranslatable(title: &str, problems: &[Problem], world: &str, files: &str) -> Diagnostic {
    let lines: Vec<String> = problems.iter().map(|one| format!("  {}", sentence(&one.to_string()))).collect();
    let mut next = Vec::new();
    if problems.iter().any(Problem::is_key) {
        next.push(
            "Without such a key something else would run than what the files say. Take it out, keep the service on a \
             host with `windlass_compose_stack`, or name it in `ignore_keys` (`key` or `service.key`) where you know \
             better.",
        );
    }
    if problems.iter().any(|one| matches!(one, Problem::BesideFiles { .. })) {
        next.push("What is mounted from beside the files goes into a `configs` or `secrets` entry, or into a volume.");
    }
    if next.is_empty() {
        next.push("Correct the files, then plan again.");
    }
    Diagnostic::error(title)
        .detail(format!("The files are not a stack for a swarm:\n{}", lines.join("\n")))
        .detail(world)
        .detail(next.join(" "))
        .at(files)
}

impl From<StackError> for Failure {
    fn from(error: StackError) -> Self {
        match error {
            StackError::Swarm(error) => error.into(),
            StackError::Files(error) => error.into(),
            error => Cause::SwarmStack(Box::new(error), "source_dir").into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(error: StackError) -> String {
        Failure::from(error).in_files("config").into_diagnostics("t", "Nothing was changed.").to_string()
    }

    #[test]
    fn what_a_swarm_cannot_do_is_listed_with_the_way_out() {
        let problems = vec![
            Problem::Changes {
                service: "app".into(),
                key: "pid".into(),
                why: "a task has processes of its own".into(),
            },
            Problem::BesideFiles { service: "app".into(), path: "./data".into() },
        ];
        let told = text(StackError::Untranslatable { stack: "web".into(), problems });
        assert!(told.starts_with(
            "t (at config)\nThe files are not a stack for a swarm:\n  Service \"app\" has `pid`: a task has processes of its \
             own.\n  Service \"app\" mounts \"./data\", which is beside the files and on no node of a swarm."
        ), "{told}");
        assert!(told.contains("`ignore_keys`") && told.contains("`configs`"));
    }

    #[test]
    fn somebody_else_is_named() {
        let told = text(StackError::Locked { stack: "web".into(), holder: "eve@laptop (process 7)".into() });
        assert!(told.contains("Somebody else works on the stack \"web\": eve@laptop (process 7)."), "{told}");
    }
}
