//! A Compose project on a host, opened.

use std::collections::BTreeMap;

use docker::Engine;
use docker::engine::Container;
use stack::containers::by_service;

use crate::exit::Failure;
use crate::machine::Machine;
use crate::settings::Settings;

/// A project and its containers.
pub struct Project {
    /// Where it is.
    pub machine: Machine,
    /// Its containers.
    pub containers: Vec<Container>,
    /// The daemon there.
    pub engine: Engine,
    name: String,
}

impl Project {
    /// The project `name` on `host`, which has containers.
    ///
    /// # Errors
    /// `failed`, when the host or its Docker cannot be asked, or has no such project.
    pub async fn open(
        settings: &Settings,
        host: &str,
        name: &str,
        failed: impl Fn() -> Failure,
    ) -> Result<Self, Failure> {
        let machine = Machine::open(settings, host).await?;
        let engine = machine.engine().await.map_err(|error| failed().because(&error))?;
        let containers = engine.containers(name).await.map_err(|error| failed().because(&error))?;
        if containers.is_empty() {
            return Err(failed()
                .with(format!("{} has no container of a project of that name.", machine.executor.name()))
                .with(format!("`windlass stack ls {host}` prints what it has.")));
        }
        Ok(Self { machine, containers, engine, name: name.to_owned() })
    }

    /// Its services, each with its containers.
    pub fn services(&self) -> BTreeMap<String, Vec<&Container>> {
        by_service(&self.containers)
    }

    /// What is said of a service that it does not have.
    pub fn lacks(&self, service: &str) -> String {
        let names: Vec<String> = self.services().into_keys().collect();
        format!("{} has no container of a service {service:?}; it has {}.", self.name, names.join(", "))
    }
}
