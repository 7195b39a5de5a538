//! `windlass stack logs`: what containers wrote last.

use docker::engine::{Container, LogPart};

use super::follow::follow;
use super::project::Project;
use crate::exit::{Exit, Failure};
use crate::settings::Settings;
use crate::terminal;

/// What the command takes.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// The host, as a connection
    #[arg(value_name = "HOST")]
    host: String,
    /// The project
    #[arg(value_name = "NAME")]
    name: String,
    /// Services of it; default: all
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,
    /// How many lines of each container
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    lines: usize,
    /// Begin each line with the moment when it was written
    #[arg(long)]
    timestamps: bool,
    /// Go on printing what they write, until Ctrl-C
    #[arg(long)]
    follow: bool,
}

/// Prints it.
///
/// # Errors
/// When the host cannot be asked, or has no such service.
pub async fn run(arguments: &Arguments, settings: &Settings) -> Result<Exit, Failure> {
    let Arguments { host, name, services, lines, timestamps, .. } = arguments;
    let failed = || Failure::new(format!("Could not read the logs of {name:?}"));
    let project = Project::open(settings, host, name, failed).await?;
    let all = project.services();
    if let Some(unknown) = services.iter().find(|service| !all.contains_key(*service)) {
        return Err(failed().with(project.lacks(unknown)));
    }
    let wanted = all.iter().filter(|(service, _)| services.is_empty() || services.contains(service));
    let wanted: Vec<&Container> = wanted.flat_map(|(_, own)| own.iter().copied()).collect();
    if arguments.follow {
        let followed = follow(&project.machine, &wanted, *lines, *timestamps).await;
        followed.map_err(|error| failed().because(&error))?;
    } else {
        let part = LogPart { timestamps: *timestamps, ..LogPart::last(*lines) };
        for container in wanted {
            let said = project.engine.logs(&container.id, &part).await;
            for line in said.map_err(|error| failed().because(&error))? {
                terminal::answer(format_args!("{} | {line}", container.name));
            }
        }
    }
    project.machine.close().await;
    Ok(Exit::DONE)
}
