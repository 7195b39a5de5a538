//! `windlass stack rollback`: going back to what was good last.

use std::sync::Arc;
use std::time::{Duration, Instant};

use docker::engine::Container;
use stack::overview::{directory, overview};
use stack::{Context, Error, Host, RolledBack, Sink, Warning};
use tokio_util::sync::CancellationToken;

use crate::exit::{Exit, Failure};
use crate::machine::Machine;
use crate::settings::Settings;
use crate::terminal;
use crate::units::duration;

/// What an interrupted command leaves.
pub const LEFT: &str = "What it had begun stays half done, and the host's record says so: `windlass stack rollback` goes on from here, and so does the next apply.";

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "The files, the `.env` with its secrets, the images and the containers become what the last apply that came to a good end has made; it is kept on the host beside the stack. That helps after an apply that failed under `on_failure = \"keep\"` or was cut off, and after changes by hand. It does not know what was before the last good apply: a version that was healthy and wrong is undone in the configuration. Probes and jobs are in the configuration, and do not run.

The host's record says what runs then, so the next plan shows what it would change again."
)]
pub struct Arguments {
    /// The host, as a connection
    #[arg(value_name = "HOST")]
    host: String,
    /// The stack
    #[arg(value_name = "NAME")]
    name: String,
    /// Its directory on the host; default: where its containers say it is, else where stacks are by default
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<String>,
    /// How long it may take
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    limit: Duration,
}

/// Tells a person what does not stop it.
struct Told;

impl Sink for Told {
    fn warn(&self, warning: Warning) {
        terminal::note(format_args!("Warning: {}", in_words(&warning)));
    }

    fn rollback(&self, _limit: Duration) {}
}

/// Goes back.
///
/// # Errors
/// When there is nothing to go back to, or it did not work.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    cancel: &CancellationToken,
) -> Result<Exit, Failure> {
    let Arguments { host, name, limit, .. } = arguments;
    let failed = || Failure::new(format!("Could not roll back the stack {name:?} on {host}"));
    let machine = Machine::open(settings, host).await?;
    let host = machine.for_stacks().await.map_err(|error| failed().because(&error))?;
    let directory = match &arguments.directory {
        Some(directory) => directory.clone(),
        None => place(&host, name).await.map_err(|error| failed().because(&error))?,
    };
    let token = cancel.child_token();
    let cx = Context::new(cancel.clone(), Arc::new(Told));
    let cx = cx.until(token.clone(), Some(Instant::now() + *limit), None);
    let limit = *limit;
    let timer = tokio::spawn(async move {
        tokio::time::sleep(limit).await;
        token.cancel();
    });
    let done = stack::roll_back(&cx, &host, name, &directory).await;
    timer.abort();
    machine.close().await;
    let done = done.map_err(|error| explained(failed(), &error))?;
    let told = told(&done, name, &directory).map_err(|why| failed().with(why))?;
    terminal::answer(told);
    Ok(Exit::DONE)
}

/// Where the stack is.
async fn place(host: &Host, name: &str) -> Result<String, docker::Error> {
    let containers = host.engine.containers(name).await?;
    Ok(containers.iter().find_map(directory).unwrap_or_else(|| host.default_directory(name)))
}

/// What a person reads of it.
fn told(done: &RolledBack, name: &str, directory: &str) -> Result<String, String> {
    match done {
        RolledBack::Done(_, containers) => Ok(format!(
            "{name} runs as after its last good apply: {}. The host's record says so, and the next plan shows what it would change again.",
            services(containers)
        )),
        RolledBack::Needless => {
            Ok(format!("{name} is what its last good apply has made of it already; nothing was done."))
        }
        RolledBack::NoStack => {
            Err(format!("There is no stack of Windlass of that name in {directory}; nothing was done."))
        }
        RolledBack::NoRelease => Err(format!(
            "Nothing is kept in {directory} of a good apply that is not what runs; nothing was done. The next apply makes it what the configuration says."
        )),
    }
}

/// The services with what they are now.
fn services(containers: &[Container]) -> String {
    let services = overview(containers).services;
    let told: Vec<String> =
        services.iter().map(|(name, service)| format!("{name} ({})", service.status)).collect();
    if told.is_empty() { "no containers".to_owned() } else { told.join(", ") }
}

fn explained(failure: Failure, error: &Error) -> Failure {
    let failure = failure.because(error);
    let unchanged =
        matches!(error, Error::Rollback(_) | Error::Lock(_) | Error::Linked { .. } | Error::Hidden { .. });
    match error {
        Error::Docker(docker::Error::Command { output, .. }) => failure.with(output.clone()).with(LEFT),
        _ if unchanged => failure.with("Nothing was changed."),
        _ => failure.with(LEFT),
    }
}

/// What a person reads of what does not stop it.
fn in_words(warning: &Warning) -> String {
    match warning {
        Warning::FilesReplaced { stack, kept, paths } | Warning::FilesSetAside { stack, kept, paths } => {
            format!(
                "files of {stack} held something else than was shipped ({}), which is kept in {kept}",
                paths.join(", ")
            )
        }
        Warning::FilesLeft { directory, paths, .. } => {
            format!("files in {directory} could not be removed: {}", paths.join(", "))
        }
        Warning::NotReloaded { service, command, problem, .. } => format!(
            "the command by which {service} takes in changed files failed, so its containers were made anew: {} ({problem})",
            command.join(" ")
        ),
        Warning::ReleaseNotKept { stack, error } => {
            format!("what {stack} is now could not be kept to go back to: {error}")
        }
    }
}

#[cfg(test)]
mod tests {
    use stack::Error;

    use super::*;

    #[test]
    fn what_came_of_it_is_told_with_what_follows() {
        let done = RolledBack::Done(Box::default(), Vec::new());
        let text = told(&done, "shop", "/srv/shop").unwrap();
        assert!(text.starts_with("shop runs as after its last good apply: no containers."), "{text}");
        assert!(told(&RolledBack::Needless, "shop", "/srv/shop").unwrap().contains("nothing was done"));
        for none in [RolledBack::NoStack, RolledBack::NoRelease] {
            let text = told(&none, "shop", "/srv/shop").unwrap_err();
            assert!(text.contains("/srv/shop") && text.contains("nothing was done"), "{text}");
        }
    }

    #[test]
    fn a_failure_says_whether_anything_was_changed() {
        let gone = Error::from(stack::RollbackError::ImagesGone(vec!["app:1 (sha256:1)".into()]));
        let text = explained(Failure::new("x"), &gone).to_string();
        assert_eq!(
            text,
            "x\n\nThe host does not have the images any more: app:1 (sha256:1).\n\nNothing was changed."
        );
        let failed = docker::Error::Command {
            host: "h".into(),
            operation: "start the services".into(),
            status: 1,
            output: "no space left".into(),
        };
        let text = explained(Failure::new("x"), &failed.into()).to_string();
        assert!(text.contains("no space left") && text.ends_with(LEFT), "{text}");
    }
}
