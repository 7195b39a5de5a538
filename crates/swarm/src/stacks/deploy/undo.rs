//! Going back to what was good last.

use std::collections::BTreeSet;

use stack::OnFailure;

use super::{Deployment, Failed, Outcome, Touched, sweep, take_down, wait};
use crate::{
    Error,
    stacks::{LiveStack, StackError, api::Api},
};

impl Deployment<'_> {
    /// What becomes of a stack whose apply failed with `error`.
    pub(super) async fn undo(
        &self,
        api: &Api,
        before: &LiveStack,
        touched: &Touched,
        error: StackError,
    ) -> Failed {
        // What a job has done before it failed is not known.
        let is_nothing = !matches!(error, StackError::Files(stack::Error::Job(_)))
            && touched.services.is_empty()
            && touched.files.is_empty()
            && touched.networks.is_empty();
        let lost = matches!(error, StackError::LostLock { .. });
        if self.cx.is_interrupted() || lost || (self.options.on_failure == OnFailure::Keep && !is_nothing) {
            return Failed { error, outcome: Outcome::Kept };
        }
        let cx = self.cx.rollback();
        let first = before.services.is_empty();
        let done = if first {
            take_down(&cx, self.engine, self.lock, self.name).await.map(|()| Outcome::TakenDown)
        } else if is_nothing {
            Ok(Outcome::Unchanged)
        } else {
            self.go_back(&cx, api, before, touched).await.map(|()| Outcome::RolledBack)
        };
        let outcome = match done {
            Ok(outcome) => outcome,
            Err(StackError::Swarm(Error::Cancelled)) => Outcome::Kept,
            Err(error) => Outcome::Stuck(error),
        };
        Failed { error, outcome }
    }

    /// Gives the services that were touched the specs of the last good apply. A job stays as it failed:
    /// to change it would run it again.
    async fn go_back(
        &self,
        cx: &stack::Context,
        api: &Api,
        before: &LiveStack,
        touched: &Touched,
    ) -> Result<(), StackError> {
        let now = LiveStack::inspect(self.engine, self.name).await?;
        let known = wait::Known::of(api, self.name).await?;
        let recorded = |name: &String| before.record.as_ref().and_then(|record| record.services.get(name));
        let mut changed = BTreeSet::new();
        for name in &touched.services {
            self.lock.still_held()?;
            let was = before.services.get(name);
            let good = recorded(name).or(was.map(|live| &live.spec));
            match (now.services.get(name), good) {
                (Some(live), None) => api.remove_service(&live.id).await?,
                (Some(live), Some(_))
                    if live.mode().is_job() && was.is_some_and(|was| was.mode().is_job()) => {}
                (Some(live), Some(good)) if was.is_some_and(|was| was.mode() != live.mode()) => {
                    api.remove_service(&live.id).await?;
                    api.create_service(good, None).await?;
                    changed.insert(name.clone());
                }
                (Some(live), Some(good)) if live.spec == *good => {}
                (Some(live), Some(good)) => {
                    api.update_service(&live.id, live.version, good, None).await?;
                    changed.insert(name.clone());
                }
                (None, Some(good)) => {
                    api.create_service(good, None).await?;
                    changed.insert(name.clone());
                }
                (None, None) => {}
            }
        }
        let touched_still: BTreeSet<&String> =
            before.services.keys().filter(|name| touched.services.contains(*name)).collect();
        let wait = wait::Wait {
            cx,
            api,
            lock: self.lock,
            name: self.name,
            services: touched_still,
            changed: &changed,
            known: &known,
            start_timeout: self.options.start_timeout,
            rolled_back: true,
            scrubber: self.scrubber(),
        };
        wait.until_well().await?;
        sweep::forget(api, self.name, &touched.networks, &touched.files).await
    }
}
