//! Saying in the plan what a create would refuse: something that is not ours is where it would be made.
//!
//! It is never more than a warning. Whatever is in the way now may be gone when the create comes: a
//! resource that the same plan removes or replaces may have that name, a command may clear the place, and
//! a provider learns nothing of what the core plans for others. With `create_before_destroy`, moreover,
//! the core plans a replacement once more in the middle of an apply, when the old one is still there and
//! already set aside: an error would leave it so, to be destroyed by the next apply. The create looks
//! again in any case, and refuses.

use framework::{Context, Plan};

use super::{
    Hosted, OnHost, OnMachine,
    attribute::{host_of, is_same_connection},
    on_host::is_here,
};
use crate::failure::{Failure, as_warning, could_not};

/// What the world looks like when something is in the way of what is planned.
const GOES_ON: &str = "The plan goes on: what is in the way may be gone when it is made, because the same apply removes it. (A resource \
                       that only has another name in the configuration wants a `moved` block.)";

/// Warns that what is planned could not be made as the host is now.
pub(crate) fn warn_of_occupant<K: Hosted>(cx: &Context, planned: &K::Model, failure: Failure) {
    let title = format!("{} as things are", could_not(K::WORDS.create, &K::subject(planned)));
    for problem in failure.into_diagnostics(&title, GOES_ON) {
        cx.warn(as_warning(problem));
    }
}

impl<K: Hosted> OnHost<K> {
    /// Warns of what is in the way of something that will be new on its host. A host that does not
    /// answer or let us in is no matter of this: it may not be ready yet, and is not asked again.
    pub(super) async fn look_for_occupant(&self, cx: &Context, plan: &Plan<Self>) {
        if !is_new(plan) || self.hosts.is_silent(&host_of(&plan.planned)) {
            return;
        }
        let Err(failure) = self.expect_vacant(cx, plan).await else { return };
        if failure.host_error().is_some() {
            self.hosts.remember_silent(&host_of(&plan.planned));
        } else if !failure.is_absence() {
            warn_of_occupant::<K>(cx, &plan.planned, failure);
        }
    }

    async fn expect_vacant(&self, cx: &Context, plan: &Plan<Self>) -> Result<(), Failure> {
        let Some(host) = self.hosts.reach(&host_of(&plan.planned)).await? else { return Ok(()) };
        let place = K::place(&host, &plan.planned).await?;
        let on = OnMachine { cx, hosts: &self.hosts, host: &host, place };
        if let Some(prior) = &plan.prior
            && is_here(&on, prior).await?
        {
            return Ok(());
        }
        K::expect_vacant(&on, &plan.planned, &plan.config).await
    }
}

/// Whether it may be made: there is none, or its host is named in another way.
fn is_new<K: Hosted>(plan: &Plan<OnHost<K>>) -> bool {
    let prior = plan.prior.as_ref();
    prior.is_none_or(|prior| !is_same_connection(&host_of(&prior.model), &host_of(&plan.planned)))
}
