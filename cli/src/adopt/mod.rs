//! `windlass adopt`: the configuration of what runs on a host already.

mod found;
mod hcl;
mod inspect;
mod write;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::machine::Machine;
use crate::settings::Settings;
use crate::{terminal, work};
use found::{Found, LeftOut};
use write::Files;

/// What the command takes.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Written are the Compose projects that somebody has started by hand, networks and volumes that belong to none, files in /etc/cron.d that no package has brought, and crontabs of users, each with an `import` block. Nothing on the host changes, and the first plan has nothing to change either: it only imports. Where what runs is otherwise than the files of a project say, comments tell what the first plan shows.

The files that Compose reads are copied. A `.env`, which may hold secrets, stays on the server, and its values are read there (`host_env = \"merge\"`); other files of values are copied and named in .gitignore. What containers mount, and what images are built from, stays on the server as it is.

Exit codes: 0 written, 1 not."
)]
pub struct Arguments {
    /// The host, as a connection
    #[arg(value_name = "HOST")]
    host: String,
    /// Projects; default: all, and what is beside them
    #[arg(value_name = "PROJECT")]
    projects: Vec<String>,
    /// The folder that the configuration goes to; it is made, or is empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What an interrupted command leaves.
const LEFT: &str = "Nothing on the host was changed by it; the folder may have a part of the configuration.";

/// Adopts.
///
/// # Errors
/// When the host cannot be asked, or the configuration not be written.
pub fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let settings = Settings::find()?;
    work::finish(None, LEFT, adopt(arguments, &settings))
}

async fn adopt(arguments: &Arguments, settings: &Settings) -> Result<Exit, Failure> {
    let Arguments { host, projects, out, json } = arguments;
    let failed = || Failure::new(format!("Could not adopt what is on {host}"));
    check_empty(out)?;
    let machine = Machine::open(settings, host).await?;
    let found = inspect::inspect(&machine, projects).await;
    machine.close().await;
    let found = found.map_err(|error| failed().because(&error).with("Nothing was written."))?;
    if let Some(absent) = projects.iter().find(|name| !is_known(&found, name)) {
        return Err(failed().with(format!("It has no project {absent:?}; nothing was written.")));
    }
    // As the provider writes connections itself.
    let files = write::files(&machine.connection().to_string(), &found);
    write(out, &files)?;
    if *json {
        terminal::json(&Told::of(&found, &files))?;
    } else {
        tell(&found, out);
    }
    Ok(Exit::DONE)
}

fn is_known(found: &Found, name: &str) -> bool {
    found.projects.iter().any(|project| project.name == name)
        || found.left_out.iter().any(|left| left.what == format!("project {name}"))
}

/// What was written, for a program.
#[derive(Serialize)]
struct Told<'a> {
    stacks: Vec<&'a str>,
    networks: Vec<&'a str>,
    volumes: Vec<&'a str>,
    cron: Vec<&'a str>,
    files: Vec<&'a str>,
    left_out: &'a [LeftOut],
}

impl<'a> Told<'a> {
    fn of(found: &'a Found, files: &'a Files) -> Self {
        Self {
            stacks: found.projects.iter().map(|project| project.name.as_str()).collect(),
            networks: found.networks.iter().map(|network| network.name.as_str()).collect(),
            volumes: found.volumes.iter().map(|volume| volume.name.as_str()).collect(),
            cron: found.cron.iter().map(|file| file.path.as_str()).collect(),
            files: files.keys().map(String::as_str).collect(),
            left_out: &found.left_out,
        }
    }
}

fn tell(found: &Found, out: &Path) {
    let counts = [
        (found.projects.len(), "stack"),
        (found.networks.len(), "network"),
        (found.volumes.len(), "volume"),
        (found.cron.len(), "file of cron"),
    ];
    let counts: Vec<String> = counts.iter().map(|(count, what)| counted(*count, what)).collect();
    terminal::answer(format_args!("Written to {}: {}.", out.display(), counts.join(", ")));
    for LeftOut { what, why } in &found.left_out {
        terminal::note(format_args!("Left out: {what}: {why}."));
    }
    for project in &found.projects {
        for difference in &project.differences {
            terminal::note(format_args!("The first plan of {} is not empty: {difference}.", project.name));
        }
    }
    terminal::note(
        "Look through the copied files for secrets before you commit them. Then: tofu init, tofu plan.",
    );
}

/// `2 stacks`, `1 file of cron`.
fn counted(count: usize, what: &str) -> String {
    match (count, what.split_once(' ')) {
        (1, _) => format!("1 {what}"),
        (count, None) => format!("{count} {what}s"),
        (count, Some((first, rest))) => format!("{count} {first}s {rest}"),
    }
}

/// Fails where something is in the folder already.
fn check_empty(out: &Path) -> Result<(), Failure> {
    let failed = || Failure::new(format!("Could not write to {}", out.display()));
    match std::fs::read_dir(out).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(failed().with("Something is in it already; nothing was done. Name another folder.")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed().because(&error)),
    }
}

/// Writes the files, for their owner alone: they are copies of what may not be readable for everybody.
fn write(out: &Path, files: &Files) -> Result<(), Failure> {
    use std::os::unix::fs::OpenOptionsExt as _;

    for (name, text) in files {
        let path = out.join(name);
        let failed = |error: &std::io::Error| {
            Failure::new(format!("Could not write {}", path.display())).because(error)
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        }
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| failed(&error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_in_it_is_refused_and_a_file_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("infra");
        assert!(check_empty(&out).is_ok() && check_empty(dir.path()).is_ok());
        let files = Files::from([("stacks/shop/a".to_owned(), "1".to_owned())]);
        write(&out, &files).unwrap();
        assert!(check_empty(&out).unwrap_err().to_string().contains("Something is in it already"));
        assert!(write(&out, &Files::from([("stacks/shop/a".to_owned(), "2".to_owned())])).is_err());
        assert_eq!(std::fs::read_to_string(out.join("stacks/shop/a")).unwrap(), "1");
    }

    #[test]
    fn counts_are_words() {
        assert_eq!(counted(1, "file of cron"), "1 file of cron");
        assert_eq!(counted(0, "file of cron"), "0 files of cron");
        assert_eq!(counted(2, "stack"), "2 stacks");
    }
}
