//! The services that jobs are runs of and that the project itself leaves out: their profiles are
//! not switched on, which `run` does for the one service that it names.

use std::collections::BTreeMap;

use compose::{Compose, Config, Project, Resolved};

use super::Stage;
use crate::error::Error;

impl Stage<'_> {
    /// The services of jobs that `config` does not have, and nothing beside them.
    pub(super) async fn runs(
        &self,
        compose: &Compose<'_>,
        project: &Project,
        config: &Config,
    ) -> Result<Option<Resolved>, Error> {
        let jobs = self.spec.job_services.iter();
        let absent: BTreeMap<&String, usize> = jobs
            .filter(|(service, _)| !config.services.contains_key(*service))
            .map(|(service, index)| (service, *index))
            .collect();
        if absent.is_empty() {
            return Ok(None);
        }
        let names: Vec<String> = absent.keys().map(|name| (*name).clone()).collect();
        let document = match compose.resolve_services(project, &names).await {
            Ok(document) => document,
            Err(error) => return Err(self.who_is_missing(compose, project, &absent, error).await),
        };
        let (document, _) = super::without_marks(document);
        let mut resolved = self.resolved(&document)?;
        // What they depend on is in the document too.
        resolved.config.services.retain(|name, _| absent.contains_key(name));
        Ok(Some(resolved))
    }

    /// The first of the services that Compose does not know.
    async fn who_is_missing(
        &self,
        compose: &Compose<'_>,
        project: &Project,
        absent: &BTreeMap<&String, usize>,
        error: docker::Error,
    ) -> Error {
        for (service, index) in absent {
            let alone = compose.resolve_services(project, std::slice::from_ref(*service)).await;
            if let Err(docker::Error::Command { output, .. }) = alone {
                let message = super::mistakes::without_log_lines(&output);
                return Error::UnknownJobService { service: (*service).clone(), job: *index, message };
            }
        }
        error.into()
    }
}
