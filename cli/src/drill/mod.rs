//! `windlass drill`: the product from nothing and from its backups, looked at, and destroyed whatever came of it.
//!
//! What it is made of is in [`settings`]. Its state is one of its own, which the drill has begun and marked
//! ([`crate::run`]), so that what is destroyed at the end is never anybody else's; the course of it is in [`course`], what
//! is known of it at the end in [`record`].

mod checks;
mod core;
mod course;
mod data;
mod markdown;
mod outputs;
mod pattern;
mod record;
mod settings;
mod stops;
mod unfinished;

use std::path::Path;
use std::time::{Duration, Instant};

use backup::Moment;

use self::core::Core;
use crate::exit::{Exit, Failure};
use crate::report;
use crate::settings::Settings;
use crate::store::{Held, Lock, LockInfo};
use crate::telling::key;
use crate::terminal;
use crate::version::VERSION;
use course::Course;
use markdown::{markdown, outcome, told};
use record::Record;
use stops::Stops;
use unfinished::Unfinished;

pub use settings::DrillSettings;

/// What the command takes.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Build, restore, look at it, and destroy it in any case
    Run(RunArguments),
    /// Destroy what an interrupted drill has left
    Destroy(DestroyArguments),
}

/// What `run` takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Exit codes: 0 all went well and is destroyed, 1 it was not begun, 2 it has failed or was interrupted, and is destroyed, 3 something of it is left (the next drill destroys it first).\n\nThe first Ctrl-C or SIGTERM has it destroy what it has made, a second one stops that. What is left of a drill that was killed is destroyed by the next one, before it begins.\n\nThe report is printed as Markdown, and written where `report` of the drill says, with the JSON beside it."
)]
struct RunArguments {
    /// The drill, by its name in `[drill]` of windlass.toml; default: the only one
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Go on with what an interrupted drill has left, instead of destroying it first
    #[arg(long)]
    resume: bool,
    /// Report how it has ended, as `[report]` of windlass.toml says, under the key drill-NAME
    #[arg(long)]
    report: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// What `destroy` takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "What an apply was making when its core was killed is in no state: that it may be there is told once, with the code 3.\n\nExit codes: 0 nothing is left, 1 it was not begun, 3 something is left."
)]
struct DestroyArguments {
    /// The drill, by its name in `[drill]` of windlass.toml; default: the only one
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

/// It has failed, and nothing of it is left.
const BAD: Exit = Exit(2);

/// Something of it is left.
const LEFT: Exit = Exit(3);

/// For so long what an interrupted drill has started may go on.
const PATIENCE: Duration = Duration::from_secs(300);

/// Does it.
///
/// # Errors
/// When it was not begun.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let settings = Settings::find()?;
    match &arguments.command {
        Command::Run(wanted) => {
            let (name, drill) = find(&settings, wanted.name.as_deref())?;
            let record = exercise(&settings, (name, drill), wanted.resume);
            finish(&settings, (name, drill), wanted, record)
        }
        Command::Destroy(wanted) => destroy(&settings, find(&settings, wanted.name.as_deref())?),
    }
}

/// The drill that is meant.
fn find<'a>(settings: &'a Settings, name: Option<&str>) -> Result<(&'a str, &'a DrillSettings), Failure> {
    let all: Vec<&str> = settings.drill.keys().map(String::as_str).collect();
    let failed = |why: String| Err(Failure::new("Could not find the drill").with(why));
    let (name, drill) = match (name, settings.drill.iter().next()) {
        (_, None) => return failed("`[drill]` of windlass.toml has none; nothing was done.".to_owned()),
        (None, Some(only)) if all.len() == 1 => only,
        (None, Some(_)) => {
            return failed(format!("windlass.toml has several: name one of {}.", all.join(", ")));
        }
        (Some(name), Some(_)) => match settings.drill.get_key_value(name) {
            Some(found) => found,
            None => {
                return failed(format!("windlass.toml does not have {name:?}; it has {}.", all.join(", ")));
            }
        },
    };
    key(name).map_err(|why| {
        Failure::new(format!("Could not use the drill {name:?}")).with(format!("Of its name, {why}."))
    })?;
    drill.check(name)?;
    Ok((name, drill))
}

/// Does a drill, from its begin to its end.
fn exercise(
    settings: &Settings,
    (name, drill): (&str, &DrillSettings),
    resume: bool,
) -> Result<Record, Failure> {
    let lock = alone(settings, name, drill.workspace(name))?;
    let stops = Stops::default();
    let mut core = Core::open((name, drill), settings, &stops, lock)?;
    let mut record = Record::new(name);
    let mut course = Course::new((settings, drill), &stops, &mut core, &mut record);
    let begun = course.run(resume);
    course.destroy();
    if record.failed.is_empty() && record.left.is_empty() {
        core.unfinished.is_told();
    } else {
        record.left.extend(core.unfinished.left());
    }
    let closed = core.close();
    begun?;
    if let Err(failure) = closed {
        terminal::error(&failure);
        record.left.push("what is in a state that could not be written".to_owned());
    }
    record.finish();
    Ok(record)
}

/// Destroys what is left of a drill.
fn destroy(settings: &Settings, (name, drill): (&str, &DrillSettings)) -> Result<Exit, Failure> {
    let path = settings.state_file(None, Some(drill.workspace(name)))?;
    if !path.exists() && Unfinished::beside(&path).left().is_none() {
        terminal::answer(format_args!("There is no state in {}: nothing is left.", path.display()));
        return Ok(Exit::DONE);
    }
    let lock = alone(settings, name, drill.workspace(name))?;
    let stops = Stops::default();
    let mut core = Core::open((name, drill), settings, &stops, lock)?;
    let mut record = Record::new(name);
    let mut course = Course::new((settings, drill), &stops, &mut core, &mut record);
    let begun = course.begin();
    course.destroy();
    let untold = core.unfinished.left().filter(|_| begun.is_ok());
    if untold.is_some() {
        core.unfinished.is_told();
    }
    core.close()?;
    begun?;
    if untold.is_some() || !record.left.is_empty() {
        record.left.iter().for_each(|address| terminal::answer(format_args!("{address} is left")));
        untold.iter().for_each(|untold| terminal::answer(format_args!("Maybe left: {untold}.")));
        return Ok(LEFT);
    }
    if let Some(failed) = record.failed.first() {
        return Err(Failure::new(format!("Could not destroy the drill {name:?}")).with(failed.clone()));
    }
    terminal::answer("Nothing is left.");
    Ok(Exit::DONE)
}

/// Takes the lock of a drill. What an interrupted one has started may still be about to write what it has made: that is
/// waited for.
fn alone(settings: &Settings, name: &str, workspace: &str) -> Result<Lock, Failure> {
    let failed = || Failure::new(format!("Could not begin the drill {name:?}"));
    let state = settings.state_file(None, Some(workspace))?;
    let file = state.file_name().unwrap_or_default().to_string_lossy();
    // Beside the lock of the state, which the core takes and gives back.
    let place = state.with_file_name(format!("drill-of-{file}"));
    let info = LockInfo {
        id: std::process::id().to_string(),
        operation: "drill".into(),
        who: std::env::var("USER").unwrap_or_else(|_| "somebody".into()),
        version: VERSION.into(),
        created: Moment::now().to_string(),
        path: state.display().to_string(),
        ..LockInfo::default()
    };
    let (began, mut is_told) = (Instant::now(), false);
    loop {
        let holder = match Lock::take(&place, info.clone()) {
            Ok(lock) => return Ok(lock),
            Err(Held::By(holder)) => holder,
            Err(held @ Held::Failed { .. }) => return Err(failed().because(&held).with("Nothing was run.")),
        };
        let is_running = Path::new("/proc").join(&holder.id).exists() && !holder.id.is_empty();
        if is_running {
            return Err(failed().with(format!(
                "It runs already, as process {} since {}; nothing was run.",
                holder.id, holder.created
            )));
        }
        if began.elapsed() > PATIENCE {
            return Err(
                failed().with("What an interrupted drill has started has not ended yet; nothing was run.")
            );
        }
        if !is_told {
            terminal::note(
                "An interrupted drill has started something that has not ended yet: waiting for it.",
            );
            is_told = true;
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Tells how it was, to everybody who is to know.
fn finish(
    settings: &Settings,
    (name, drill): (&str, &DrillSettings),
    arguments: &RunArguments,
    record: Result<Record, Failure>,
) -> Result<Exit, Failure> {
    let (exit, title, text) = match &record {
        Ok(record) => {
            let exit = match (record.passed, record.left.is_empty()) {
                (true, _) => Exit::DONE,
                (false, true) => BAD,
                (false, false) => LEFT,
            };
            (exit, format!("Drill {name}: {}", outcome(record)), told(record))
        }
        Err(failure) => (Exit::FAILED, format!("Drill {name}: not begun"), failure.to_string()),
    };
    let written = record.as_ref().map_or(Ok(()), |record| write(settings, drill, arguments.json, record));
    let is_sent = match arguments.report {
        true => report::send(settings, &format!("drill-{name}"), exit == Exit::DONE, &title, &text),
        false => Ok(()),
    };
    let record = record?;
    for failure in [written, is_sent].into_iter().filter_map(Result::err) {
        // What was run has failed already, and says so by its code.
        if record.passed {
            return Err(failure);
        }
        terminal::error(failure);
    }
    Ok(exit)
}

/// Prints the report, and writes it where the settings say.
fn write(settings: &Settings, drill: &DrillSettings, json: bool, record: &Record) -> Result<(), Failure> {
    let text = markdown(record);
    if json {
        terminal::json(record)?
    } else {
        terminal::raw(&text)
    }
    let Some(pattern) = &drill.report else { return Ok(()) };
    let moment = Moment::parse(&record.started_at).unwrap_or_else(Moment::now);
    let path = settings.folder.join(pattern::path(pattern, &record.drill, moment));
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let beside = path.with_file_name(format!("{}.json", name.trim_end_matches(".md")));
    let document = serde_json::to_string_pretty(record)
        .map_err(|error| Failure::new("Could not write JSON").because(&error))?;
    for (path, text) in [(&path, text), (&beside, document + "\n")] {
        let failed = || Failure::new(format!("Could not write the report to {}", path.display()));
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        std::fs::create_dir_all(folder).map_err(|error| failed().because(&error))?;
        std::fs::write(path, text).map_err(|error| failed().because(&error))?;
    }
    terminal::note(format_args!("The report is in {}.", path.display()));
    Ok(())
}
