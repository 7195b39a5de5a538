//! `windlass report`: one way for what runs by itself to tell people, once.

mod class;
mod message;
mod sinks;
mod tee;

use std::ffi::OsString;
use std::io::Read;
use std::path::PathBuf;

use secret::Secret;
use tokio::runtime::Runtime;

use crate::exit::{Exit, Failure};
use crate::github::GitHub;
use crate::settings::Settings;
use crate::telling::key;
use crate::terminal;
use class::Class;
use message::Message;
use sinks::{Memory, Step};

pub use message::{fenced, last};

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "With a command it ends as that does; a report that cannot be made is an error beside that.\n\nWhere reports go is said by `[report]` of windlass.toml: `issue = \"owner/name\"` (token: GITHUB_TOKEN), `webhook_variable` (the name of a variable that holds the address), `command`. The same message is never sent twice in a row: an issue tells by itself what it says, the others by a file each in `memory`."
)]
pub struct Arguments {
    /// What it is about: one issue per key
    #[arg(value_parser = key)]
    key: String,
    /// All is well (without a command)
    #[arg(long, conflicts_with_all = ["failed", "command"])]
    ok: bool,
    /// Something has failed; stdin says what (without a command)
    #[arg(long, conflicts_with = "command")]
    failed: bool,
    /// In one line
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// The kind of failure; default: what the text tells
    #[arg(long, value_enum)]
    class: Option<Class>,
    /// Run this, and report how it ends
    #[arg(last = true, value_name = "COMMAND", required_unless_present_any = ["ok", "failed"])]
    command: Vec<OsString>,
}

/// How a shell ends for a program that is not there.
const NOT_STARTED: Exit = Exit(127);

/// Reports.
///
/// # Errors
/// When nobody is told.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let settings = Settings::find()?;
    let (exit, ok, text) = outcome(arguments)?;
    let class = arguments.class.unwrap_or_else(|| class::class(&text));
    let title = arguments.title.clone().unwrap_or_else(|| {
        let state = if ok { "all is well" } else { "something is wrong" };
        format!("{}: {state}", arguments.key)
    });
    let message = Message::new(&arguments.key, ok, class, &title, &text);
    match tell(&settings, &message) {
        Ok(()) => Ok(exit),
        // What was run has failed already, and says so by its code.
        Err(failure) if exit != Exit::DONE => {
            terminal::error(failure);
            Ok(exit)
        }
        Err(failure) => Err(failure),
    }
}

/// Reports how something else has ended, as `[report]` says; its class is what the text tells.
///
/// # Errors
/// When nobody is told.
pub fn send(settings: &Settings, key: &str, ok: bool, title: &str, text: &str) -> Result<(), Failure> {
    tell(settings, &Message::new(key, ok, class::class(text), title, text))
}

/// The exit code, whether all is well, and what was said.
fn outcome(arguments: &Arguments) -> Result<(Exit, bool, String), Failure> {
    if !arguments.command.is_empty() {
        return Ok(match tee::run(&arguments.command) {
            Ok((exit, text)) => (exit, exit == Exit::DONE, text),
            // What never ran is what somebody has to hear of first.
            Err(failure) => {
                terminal::error(&failure);
                (NOT_STARTED, false, failure.to_string())
            }
        });
    }
    let mut bytes = Vec::new();
    if arguments.failed {
        std::io::stdin()
            .lock()
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::new("Could not read the report from stdin").because(&error))?;
    }
    // Programs write what they like.
    Ok((Exit::DONE, arguments.ok, String::from_utf8_lossy(&bytes).into_owned()))
}

/// Brings it to every sink; one that does not work keeps it from no other.
fn tell(settings: &Settings, message: &Message) -> Result<(), Failure> {
    let report = &settings.report;
    if report.issue.is_none() && report.webhook_variable.is_none() && report.command.is_empty() {
        return Err(Failure::new(format!("Could not report {}", message.key)).with(
            "`[report]` of windlass.toml names nobody to tell: `issue`, `webhook_variable` or `command`.",
        ));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new("Could not begin to report").because(&error))?;
    let issue = report.issue.as_ref().map(|repository| {
        let step =
            runtime.block_on(async { sinks::issue(&GitHub::of_environment(repository)?, message).await })?;
        note(step);
        Ok(())
    });
    let webhook = report.webhook_variable.as_ref();
    let webhook = webhook.map(|variable| to_webhook(settings, variable, message, &runtime));
    let command = (!report.command.is_empty())
        .then(|| once(settings, "command", message, || sinks::command(&report.command, message)));
    let mut failures = [issue, webhook, command].into_iter().flatten().filter_map(Result::err);
    let Some(first) = failures.next() else { return Ok(()) };
    failures.for_each(terminal::error);
    Err(first)
}

fn note(step: Step) {
    match step {
        Step::Nothing => terminal::note("There is nothing new to report."),
        Step::Open => terminal::note("An issue was opened."),
        Step::Update(number) => terminal::note(format_args!("Issue {number} was updated.")),
        Step::Close(number) => terminal::note(format_args!("Issue {number} was closed.")),
    }
}

/// Brings it to the webhook, where it was not told this last.
fn to_webhook(
    settings: &Settings,
    variable: &str,
    message: &Message,
    runtime: &Runtime,
) -> Result<(), Failure> {
    once(settings, "webhook", message, || {
        let address = std::env::var(variable).map(Secret::from).map_err(|_| {
            Failure::new("Could not post the report to the webhook")
                .with(format!("The variable {variable}, which `[report]` names, is not set."))
        })?;
        runtime.block_on(sinks::webhook(&address, message))
    })
}

/// Sends a message to a sink that does not tell what it was told last, unless it was this. Each has a memory
/// of its own: what one does not take, the others do not get again.
fn once(
    settings: &Settings,
    sink: &str,
    message: &Message,
    send: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let folder = settings.report.memory.clone();
    let folder = folder.map_or_else(default_memory, |folder| settings.folder.join(folder));
    let memory = Memory::of(&folder, &message.key, sink);
    if memory.has(message) {
        return Ok(());
    }
    send()?;
    memory.keep(message).map_err(|error| {
        Failure::new(format!("Could not remember the report in {}", folder.display()))
            .because(&error)
            .with("It was sent, and will be sent again by the next run.")
    })
}

fn default_memory() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = variable("XDG_STATE_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/state")));
    state.unwrap_or_else(|| PathBuf::from(".")).join("windlass/reports")
}
