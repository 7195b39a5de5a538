//! `windlass plan-summary`: a plan as people read it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use secret::Secret;
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::github::GitHub;
use crate::summary::read::stream::Diagnostic;
use crate::summary::{Format, Summary};
use crate::telling::{comment, key, marker, rendered, source};
use crate::{reviewed, terminal};

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "The plan is the JSON of `tofu show -json PLANFILE`, the stream of `tofu plan -json` (which has no values), or what `windlass plan` wrote. It holds every secret of the state: pipe it, and leave no file of it."
)]
pub struct Arguments {
    /// The plan, or `-` for stdin
    #[arg(value_name = "PLAN", default_value = "-")]
    plan: PathBuf,
    /// How it is told
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write it into this file, in place of stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Also write a comment for a pull request into this file: Markdown within the limit of a comment, with a first line by which it is found again
    #[arg(long, value_name = "FILE")]
    comment_file: Option<PathBuf>,
    /// Which comment of a pull request it is, where there are several plans
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = key)]
    comment_key: String,
    /// Also make it the comment of this pull request of GITHUB_REPOSITORY, or update the one that is there
    #[arg(long, value_name = "NUMBER")]
    pull_request: Option<u64>,
    /// Also write the page into this file
    #[arg(long, value_name = "FILE")]
    html_file: Option<PathBuf>,
}

/// Tells the plan.
///
/// # Errors
/// When it is none, or something would be told that nobody may see.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (text, warnings) = text_of(&arguments.plan)?;
    let mut source = source(text.expose(), &arguments.plan.display().to_string())?;
    source.diagnostics.extend(warnings);
    let summary = Summary::of(&source);
    let told = rendered(&summary, arguments.format, None)?;
    match &arguments.out {
        Some(path) => write(path, &told)?,
        None => terminal::raw(&told),
    }
    if let Some(path) = &arguments.comment_file {
        write(path, &comment(&summary, &arguments.comment_key)?)?;
    }
    if let Some(number) = arguments.pull_request {
        publish(number, &arguments.comment_key, &comment(&summary, &arguments.comment_key)?)?;
    }
    if let Some(path) = &arguments.html_file {
        write(path, &rendered(&summary, Format::Html, None)?)?;
    }
    Ok(Exit::DONE)
}

/// One comment of a pull request, which is updated.
fn publish(number: u64, key: &str, comment: &str) -> Result<(), Failure> {
    let repository = std::env::var("GITHUB_REPOSITORY").unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new("Could not reach GitHub").because(&error))?;
    runtime.block_on(async {
        let github = GitHub::of_environment(&repository)?;
        match github.comment(number, &marker(key)).await? {
            Some(found) if found.body == comment => Ok(()),
            Some(found) => github.change_comment(found.id, comment).await,
            None => github.add_comment(number, comment).await,
        }
    })
}

/// The plan, and what was warned of where it is not in it.
fn text_of(path: &Path) -> Result<(Secret, Vec<Diagnostic>), Failure> {
    let failed = || Failure::new(format!("Could not read {}", path.display()));
    let mut bytes = Zeroizing::new(Vec::new());
    let read = if path == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.map_err(|error| failed().because(&error))?;
    if let Some(reviewed) = reviewed::plan_json(path, &bytes)? {
        return Ok(reviewed);
    }
    let text = std::str::from_utf8(&bytes).map_err(|error| failed().because(&error))?;
    Ok((Secret::new(text), Vec::new()))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::new(format!("Could not write {}", path.display())).because(&error))
}
