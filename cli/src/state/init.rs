//! `windlass state init`: what a repository needs so that states in it are encrypted and readable in
//! a diff.

use std::fmt::Write;
use std::path::Path;

use sops::Recipient;

use crate::exit::{Exit, Failure};
use crate::settings::{NAME, Settings};
use crate::{git, terminal};

/// What git does with the file of a state: never merges it, and shows it masked.
const ATTRIBUTES: &str = "*.tfstate.sops.json -merge diff=windlass\n";
/// What never belongs into a repository.
const IGNORED: [&str; 7] = [
    ".terraform/",
    "*.tfstate",
    "*.tfstate.backup",
    "*.tfplan",
    ".*.tfstate.sops.json.lock",
    ".*.tfstate.sops.json.*.new",
    "drill-of-*.applying",
];

/// What the command takes.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// An age recipient or SSH public key that reads states; repeatable
    #[arg(long = "recipient", value_name = "KEY")]
    recipients: Vec<String>,
}

/// Writes what is missing.
///
/// # Errors
/// When something cannot be written.
pub fn run(arguments: &Arguments, settings: &Settings) -> Result<Exit, Failure> {
    let folder = &settings.folder;
    let path = folder.join(NAME);
    if !path.exists() {
        let parsed: Result<Vec<Recipient>, _> =
            arguments.recipients.iter().map(|text| text.parse()).collect();
        let recipients = parsed
            .map_err(|error| Failure::new(format!("Could not write {}", path.display())).because(&error))?;
        if recipients.is_empty() {
            return Err(Failure::new(format!("Could not write {}", path.display()))
                .with("Nobody is named that states are encrypted for; nothing was written.")
                .with("Name age recipients: `windlass state init --recipient age1…`. `age-keygen` makes a pair."));
        }
        write(&path, &text(&recipients))?;
    } else if !arguments.recipients.is_empty() {
        return Err(Failure::new(format!("Could not write {}", path.display()))
            .with("It is there already; nothing was written. Add recipients to it by hand, then `windlass state rotate`."));
    }
    add(&folder.join(".gitattributes"), ATTRIBUTES.lines())?;
    add(&folder.join(".gitignore"), IGNORED.into_iter())?;
    // A setting of this clone: a repository cannot bring it, because it names a program.
    if git::configure(folder, "diff.windlass.textconv", "windlass state show") {
        terminal::note("`git diff` shows states with their values masked, in this clone.");
    }
    Ok(Exit::DONE)
}

fn text(recipients: &[Recipient]) -> String {
    let mut text = String::from("[state]\nfile = \"{workspace}.tfstate.sops.json\"\nrecipients = [\n");
    for recipient in recipients {
        let _ = writeln!(text, "    {:?},", recipient.as_str());
    }
    text + "]\n"
}

/// Adds lines that a file does not have.
fn add<'a>(path: &Path, lines: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
    let mut text = std::fs::read_to_string(path).unwrap_or_default();
    let missing: Vec<&str> = lines.filter(|line| !text.lines().any(|there| there.trim() == *line)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for line in missing {
        text += line;
        text.push('\n');
    }
    write(path, &text)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::new(format!("Could not write {}", path.display())).because(&error))?;
    terminal::note(format_args!("Wrote {}.", path.display()));
    Ok(())
}
