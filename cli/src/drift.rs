//! `windlass drift`: whether what is there is what the configuration says.

use std::path::PathBuf;

use crate::exit::{Exit, Failure};
use crate::reviewed::{Core, Words};
use crate::settings::Settings;
use crate::summary::{Format, Summary, read};
use crate::telling::rendered;
use crate::terminal;

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Exit codes: 0 all is as it should be, 1 it could not be found out, 2 there is drift.\n\nIt is a normal plan, kept in memory, without the changes of what changes by itself: versions that a machine upgrades, times of the last run, and what `[drift] volatile` of windlass.toml names."
)]
pub struct Arguments {
    #[command(flatten)]
    words: Words,
    /// How it is told
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Also write the page into this file
    #[arg(long, value_name = "FILE")]
    html_file: Option<PathBuf>,
    /// More words for the core's `plan`, such as `-var-file=prod.tfvars`
    #[arg(last = true, value_name = "WORDS")]
    more: Vec<String>,
}

/// There is drift.
const DRIFT: Exit = Exit(2);

/// Looks for drift.
///
/// # Errors
/// When there is no plan.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let core = Core::open(&arguments.words)?;
    let planned = core.plan(&arguments.more);
    core.session.close()?;
    let planned = planned?;
    let volatile = Settings::find()?.drift.volatile;
    let failed = || Failure::new("Could not read the plan that the core has made");
    let mut source = read::read(planned.json.expose()).map_err(|error| failed().because(&error))?;
    source.diagnostics = planned.warnings;
    let passed_over = source.plan.without_volatile(&volatile);
    let summary = Summary::of(&source);
    terminal::raw(&rendered(&summary, arguments.format, None)?);
    if let Some(path) = &arguments.html_file {
        let failed = || Failure::new(format!("Could not write {}", path.display()));
        std::fs::write(path, rendered(&summary, Format::Html, None)?)
            .map_err(|error| failed().because(&error))?;
    }
    if passed_over > 0 {
        terminal::note(format_args!("Passed over, as they change by themselves: {passed_over} changes."));
    }
    // Where nothing was taken out, the core knows best.
    let is_drift = if passed_over == 0 { planned.has_changes } else { !summary.is_empty() };
    Ok(if is_drift { DRIFT } else { Exit::DONE })
}
