//! `windlass stack ls`: what a host has.

use docker::Engine;
use serde::Serialize;
use stack::HostState;
use stack::host_state::inspect;
use stack::overview::{Overview, projects};
use tokio_util::sync::CancellationToken;

use crate::exit::{Exit, Failure};
use crate::machine::Machine;
use crate::settings::Settings;
use crate::terminal;

/// What the command takes.
#[derive(clap::Args, Debug)]
pub struct Arguments {
    /// The host, as a connection
    #[arg(value_name = "HOST")]
    host: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A project, as it is printed.
#[derive(Debug, Serialize)]
struct Line {
    name: String,
    /// Whether Windlass made it.
    managed: bool,
    directory: String,
    /// Whether its last apply has not come to a good end; null where Windlass did not make it.
    unfinished: Option<bool>,
    /// Whether there is a good apply to go back to.
    release: bool,
    services: Vec<Service>,
}

/// A service of it.
#[derive(Debug, Serialize)]
struct Service {
    name: String,
    status: String,
    image: String,
    containers: Vec<String>,
    ports: Vec<String>,
}

impl Line {
    fn of(name: String, found: Overview, state: Option<&HostState>) -> Self {
        let services = found.services.into_iter().map(|(name, service)| Service {
            name,
            status: service.status,
            image: service.image,
            containers: service.containers,
            ports: service.ports,
        });
        let record = state.and_then(|state| state.record.as_ref());
        Self {
            name,
            managed: found.managed,
            directory: found.directory,
            unfinished: record.map(|record| record.unfinished),
            release: state.is_some_and(|state| state.release.is_some()),
            services: services.collect(),
        }
    }

    fn told(&self) -> String {
        let by = if self.managed { "by Windlass" } else { "by hand" };
        let mut text = format!("{}  {by}  {}", self.name, self.directory);
        if self.unfinished == Some(true) {
            text += "  unfinished";
            text += if self.release { ", can be rolled back" } else { ", with nothing to go back to" };
        }
        for Service { name, status, image, ports, .. } in &self.services {
            text += &format!("\n  {name}  {status}  {image}");
            if !ports.is_empty() {
                text += &format!("  {}", ports.join(", "));
            }
        }
        text
    }
}

/// Prints them.
///
/// # Errors
/// When the host cannot be asked.
pub async fn run(arguments: &Arguments, settings: &Settings) -> Result<Exit, Failure> {
    let machine = Machine::open(settings, &arguments.host).await?;
    let lines = match machine.engine().await {
        Ok(engine) => lines(&machine, &engine).await,
        Err(error) => Err(error.into()),
    };
    let failed = || Failure::new(format!("Could not list the projects of {}", machine.executor.name()));
    let lines = lines.map_err(|error| failed().because(&error))?;
    machine.close().await;
    if arguments.json {
        terminal::json(&lines)?;
    } else {
        lines.iter().for_each(|line| terminal::answer(line.told()));
    }
    Ok(Exit::DONE)
}

async fn lines(machine: &Machine, engine: &Engine) -> Result<Vec<Line>, stack::Error> {
    let mut lines = Vec::new();
    for (name, found) in projects(&engine.all_projects().await?) {
        let state = match found.managed && !found.directory.is_empty() {
            true => {
                let executor = machine.executor.as_ref();
                Some(inspect(executor, &CancellationToken::new(), &found.directory).await?)
            }
            false => None,
        };
        lines.push(Line::of(name, found, state.as_ref()));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use stack::{ObservedService, Record};

    use super::*;

    #[test]
    fn a_project_is_told_with_what_can_be_done_about_it() {
        let app = ObservedService {
            image: "nginx:1".into(),
            status: "exited (1)".into(),
            ports: vec!["8080->80/tcp".into()],
            ..ObservedService::default()
        };
        let found = |managed| Overview {
            directory: "/srv/shop".into(),
            managed,
            services: [("app".to_owned(), app.clone())].into(),
            ..Overview::default()
        };
        let by_hand = Line::of("shop".into(), found(false), None);
        assert_eq!(by_hand.told(), "shop  by hand  /srv/shop\n  app  exited (1)  nginx:1  8080->80/tcp");
        let mut state = HostState { record: Some(Record::new("shop", "2.26.1")), ..HostState::default() };
        let first = |state: &HostState| {
            let line = Line::of("shop".into(), found(true), Some(state));
            line.told().lines().next().unwrap().to_owned()
        };
        assert_eq!(first(&state), "shop  by Windlass  /srv/shop");
        state.record.as_mut().unwrap().unfinished = true;
        assert_eq!(first(&state), "shop  by Windlass  /srv/shop  unfinished, with nothing to go back to");
    }
}
