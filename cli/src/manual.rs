//! `windlass completions` and `windlass manual`: what shells and `man` know of the command line.

use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;

use crate::exit::{Exit, Failure};
use crate::terminal;

/// What `completions` takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "For example: `windlass completions bash > ~/.local/share/bash-completion/completions/windlass`."
)]
pub struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// What `manual` takes.
#[derive(clap::Args, Debug)]
#[command(after_help = "For example: `windlass manual ~/.local/share/man/man1`, then `man windlass-run`.")]
pub struct ManualArguments {
    /// The folder that the pages are written into, one for each command
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Prints a script that completes the words of the command line.
///
/// # Errors
/// Never; it has the shape of every command.
pub fn completions(arguments: &CompletionsArguments, mut command: Command) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "windlass", &mut script);
    terminal::raw(&String::from_utf8_lossy(&script));
    Ok(Exit::DONE)
}

/// Writes a page for each command.
///
/// # Errors
/// When one cannot be written.
pub fn manual(arguments: &ManualArguments, mut command: Command) -> Result<Exit, Failure> {
    command.build();
    let failed = |error: std::io::Error| {
        Failure::new(format!("Could not write the manual into {}", arguments.folder.display()))
            .because(&error)
    };
    std::fs::create_dir_all(&arguments.folder).map_err(failed)?;
    pages(&command, "windlass", &arguments.folder).map_err(failed)?;
    Ok(Exit::DONE)
}

fn pages(command: &Command, name: &str, folder: &Path) -> std::io::Result<()> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    std::fs::write(folder.join(format!("{name}.1")), page)?;
    let inner = command.get_subcommands().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help");
    inner.into_iter().try_for_each(|inner| pages(inner, &format!("{name}-{}", inner.get_name()), folder))
}
