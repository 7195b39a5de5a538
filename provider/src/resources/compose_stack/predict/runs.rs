//! The services that jobs are runs of and that the project itself leaves out: their profiles are
//! not switched on, which `run` does for the one service that it names.

use std::collections::BTreeMap;

use docker::compose::{Compose, Config, Project, predict::Resolved};

use super::Stage;
use crate::{
    resources::compose_stack::{
        failure::{Failure, Stop},
        job,
        prediction::Run,
    },
    source::sha256,
};

impl Stage<'_> {
    /// What is run of each service that `config` does not have.
    pub(super) async fn runs(
        &self,
        compose: &Compose<'_>,
        project: &Project,
        config: &Config,
    ) -> Result<BTreeMap<String, Run>, Failure> {
        let jobs = self.inputs.jobs.iter();
        let absent: BTreeMap<&String, usize> = jobs
            .filter(|(service, _)| !config.services.contains_key(*service))
            .map(|(service, index)| (service, *index))
            .collect();
        if absent.is_empty() {
            return Ok(BTreeMap::new());
        }
        let names: Vec<String> = absent.keys().map(|name| (*name).clone()).collect();
        let document = match compose.resolve_services(project, &names).await {
            Ok(document) => document,
            Err(error) => return Err(self.who_is_missing(compose, project, &absent, error).await),
        };
        let resolved = self.moved(&document)?;
        Ok(names.into_iter().filter_map(|name| Some((name.clone(), run(&resolved, &name)?))).collect())
    }

    /// The first of the services that Compose does not know.
    async fn who_is_missing(
        &self,
        compose: &Compose<'_>,
        project: &Project,
        absent: &BTreeMap<&String, usize>,
        error: docker::Error,
    ) -> Failure {
        for (service, index) in absent {
            let alone = compose.resolve_services(project, std::slice::from_ref(*service)).await;
            if let Err(docker::Error::Command { output, .. }) = alone {
                let said = super::without_log_lines(&output);
                let happened = format!("Docker Compose cannot run the service {service:?} of a job: {said}.");
                let next = "Name a service of the Compose files; its profile need not be switched on.";
                return Stop::new(happened, next, job::service_at(*index)).into();
            }
        }
        error.into()
    }
}

/// What is remembered of a service that only jobs run.
fn run(resolved: &Resolved, name: &str) -> Option<Run> {
    let service = resolved.config.services.get(name)?;
    let document = &resolved.config.document["services"][name];
    Some(Run {
        image: service.image.clone(),
        platform: document["platform"].as_str().unwrap_or_default().to_owned(),
        built: service.build.is_some(),
        chosen: false,
        hash: sha256(document.to_string().as_bytes()),
    })
}
