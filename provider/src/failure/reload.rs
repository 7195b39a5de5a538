//! Files that containers were to take in by a command.

use framework::{Diagnostic, Path};
use stack::ReloadError;

use super::sentence;

/// A reload that could never have an effect.
pub(super) fn unfit(title: &str, error: &ReloadError, world: &str) -> Diagnostic {
    let (ReloadError::UnknownService { reload, .. }
    | ReloadError::NotUsed { reload, .. }
    | ReloadError::MountedAlone { reload, .. }) = error;
    let (happened, next, attribute) = match error {
        ReloadError::UnknownService { service, started, .. } => (
            format!(
                "A `reload` block names the service {service:?}, which this stack does not start. It starts: {}.",
                started.join(", ")
            ),
            "Correct `services`, or take the service out.".to_owned(),
            "services",
        ),
        ReloadError::NotUsed { service, .. } => (
            format!("None of the `files` of a `reload` block is mounted into the service {service:?}."),
            format!("Name files that {service:?} mounts, or take the service out of `services`."),
            "files",
        ),
        ReloadError::MountedAlone { service, path, .. } => (
            format!(
                "The service {service:?} mounts {path} by itself. Its containers would go on to see the file that was \
                 there when they were started, because a new one takes its place on the host."
            ),
            format!(
                "Mount the directory of {path} in the Compose file, or take the file out of the `reload` block."
            ),
            "files",
        ),
    };
    let at = Path::root().attribute("reload").index(*reload).attribute(attribute);
    Diagnostic::error(title).detail(happened).detail(world).detail(next).at(at)
}

/// A command failed, and the containers of its service were recreated.
pub(super) fn failed(stack: &str, service: &str, command: &[String], problem: &str) -> Diagnostic {
    Diagnostic::warning(format!("Could not reload service {service:?} of compose stack {stack:?}"))
        .detail(format!("Its command {} failed: {}", words(command), sentence(problem)))
        .detail("Its containers were recreated instead, which takes in the files as well.")
        .detail(
            "Try the command in a container of the service, then correct the `reload` block or the files.",
        )
        .at(Path::root().attribute("reload"))
}

fn words(command: &[String]) -> String {
    format!("`{}`", command.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_mounted_alone_is_reported_at_its_block() {
        let (service, path) = ("proxy".to_owned(), "Caddyfile".to_owned());
        let error = ReloadError::MountedAlone { reload: 1, service, path };
        let text = unfit("Could not plan", &error, "Nothing was changed.").to_string();
        for part in ["reload[1].files", "mounts Caddyfile by itself", "Mount the directory of Caddyfile"] {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
    }

    #[test]
    fn a_failed_command_is_shown_with_its_words() {
        let command = ["caddy", "reload"].map(str::to_owned);
        let text = failed("web", "proxy", &command, "exit status 1").to_string();
        assert!(text.contains("`caddy reload` failed: Exit status 1."), "{text}");
    }
}
