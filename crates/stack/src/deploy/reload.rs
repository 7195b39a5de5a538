//! Having containers take in changed files by a command of their own.

use std::{collections::BTreeSet, time::Duration};

use docker::engine::State;

use super::{Deployment, Work};
use crate::{
    changes::followers,
    containers::{LABEL_SERVICE, is_of_service},
    context::Warning,
    error::Error,
    service::Reload,
    step::Step,
};

/// How long one command may take: it tells a process to read files again.
const LIMIT: Duration = Duration::from_secs(60);

impl Deployment<'_> {
    /// Runs the commands of the services whose containers stay and have other files now. Where one
    /// fails, the containers of its service are recreated, which takes in the files as well.
    pub(super) async fn reload(&self, work: &Work) -> Result<(), Error> {
        if work.reloads.is_empty() {
            return Ok(());
        }
        self.steps.begin(Step::Reload).await?;
        for (name, reload) in work.reloads.iter().filter_map(|name| work.reload_of(name)) {
            let Err(error) = self.reload_one(work, name, reload).await else { continue };
            let problem = match error {
                Error::Docker(error @ docker::Error::Command { .. }) => error.to_string(),
                Error::Docker(docker::Error::Remote(error @ remote::Error::Timeout { .. })) => {
                    error.to_string()
                }
                error => return Err(error),
            };
            let (stack, service) = (self.spec.name.clone(), name.clone());
            work.cx.warn(Warning::NotReloaded { stack, service, command: reload.command.clone(), problem });
            self.recreate(work, name).await?;
        }
        Ok(())
    }

    /// Runs the command in every container of a service that runs.
    async fn reload_one(&self, work: &Work, service: &str, reload: &Reload) -> Result<(), Error> {
        let compose = self.host.compose(&work.cx, &work.scrubber);
        let limit = work.cx.remaining().map_or(LIMIT, |left| left.min(LIMIT));
        for container in self.host.engine.containers(&self.spec.name).await? {
            let own = container.label(LABEL_SERVICE) == Some(service) && is_of_service(&container);
            if own && container.state == State::Running {
                compose.exec(&container.id, &reload.command, limit).await?;
            }
        }
        Ok(())
    }

    /// Makes the containers of a service anew, and of those that share something with them.
    async fn recreate(&self, work: &Work, service: &str) -> Result<(), Error> {
        let compose =
            self.host.compose(&work.cx, &work.scrubber).naming(format!("{}/", work.layout.root()), "");
        let first = BTreeSet::from([service.to_owned()]);
        let all = followers(&work.desired.services, &first, |one| one.shares.iter().collect());
        let all: Vec<String> = all.into_iter().collect();
        Ok(compose.recreate(&work.project(&self.spec.name), &all, work.cx.remaining()).await?)
    }
}
