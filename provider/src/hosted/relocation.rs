//! Leaving a machine: what has moved is made on the new one first, then removed from the old one.
//!
//! It is in its new place already, so that the old machine cannot be worked with is worth a warning
//! and no more: a machine that was left is often gone.

use framework::{Context, Plan, State};

use super::{
    Departure, Hosted, OnHost, OnMachine, Placed as _,
    attribute::{host_of, is_same_connection},
    on_host::is_elsewhere,
};
use crate::failure::{Failure, as_warning};

impl<K: Hosted> OnHost<K> {
    /// Says what a move leaves behind, while nothing has happened yet. Whether it is a move is not
    /// known where the new host does not answer yet; that is then said all the same.
    pub(super) async fn warn_of_move(&self, cx: &Context, plan: &Plan<Self>) {
        let Some(prior) = &plan.prior else { return };
        if is_same_connection(&host_of(&prior.model), &host_of(&plan.planned)) {
            return;
        }
        let Some(warning) = K::left_by_move(&prior.model) else { return };
        let same = async {
            let host = self.hosts.reach(&host_of(&plan.planned)).await.ok().flatten()?;
            Some(K::place(&host, &plan.planned).await.ok()? == prior.private.place())
        };
        if same.await != Some(true) {
            cx.warn(warning);
        }
    }

    /// Removes it from where it was, unless the way there leads to `here`, where it is now, or to a
    /// machine on which it has never been.
    pub(super) async fn leave(
        &self,
        cx: &Context,
        prior: &State<Self>,
        now: Option<&State<Self>>,
        here: &str,
    ) {
        if K::is_kept(&prior.model) {
            K::kept(&prior.model, Departure::Relocated).into_iter().for_each(|warning| cx.warn(warning));
            self.let_go(cx, prior).await;
            return;
        }
        let left = async {
            let host = self.hosts.for_apply(&host_of(&prior.model)).await?;
            let place = K::place(&host, &prior.model).await?;
            let same_machine_id = place == here;
            let on = OnMachine { cx, hosts: &self.hosts, host: &host, place };
            // Clones share a machine id: what is on the old one is known by its own id then.
            let another = now.is_some_and(|now| K::instance(now) != K::instance(prior));
            if same_machine_id && !(another && K::is_there(&on, prior).await? == Some(true)) {
                return Ok(());
            }
            if is_elsewhere(&on, prior).await? {
                return Ok(());
            }
            K::leave(&on, prior).await
        };
        let Err(failure) = left.await else { return };
        let failure: Failure = failure;
        let (title, world) = K::left_behind(&prior.model);
        for problem in failure.on_old_machine().into_diagnostics(&title, &world) {
            cx.warn(as_warning(problem));
        }
    }
}
