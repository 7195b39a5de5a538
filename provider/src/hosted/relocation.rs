//! Leaving a machine: what has moved is made on the new one first, then removed from the old one.
//!
//! It is in its new place already, so that the old machine cannot be worked with is worth a warning
//! and no more: a machine that was left is often gone.

use framework::{Context, State};

use super::{Departure, Hosted, OnHost, OnMachine, attribute::host_of, on_host::is_replaced};
use crate::failure::{Failure, as_warning};

impl<K: Hosted> OnHost<K> {
    /// Removes it from where it was, unless the way there leads to `here`, where it is now, or to a
    /// machine on which it has never been.
    pub(super) async fn leave(&self, cx: &Context, prior: &State<Self>, here: &str) {
        if K::is_kept(&prior.model) {
            K::kept(&prior.model, Departure::Relocated).into_iter().for_each(|warning| cx.warn(warning));
            return;
        }
        let left = async {
            let host = self.hosts.for_apply(&host_of(&prior.model))?;
            let place = K::place(&host).await?;
            if place == here || is_replaced::<K>(prior, &place) {
                return Ok(());
            }
            K::delete(&OnMachine { cx, hosts: &self.hosts, host: &host, place }, prior).await
        };
        let Err(failure) = left.await else { return };
        let failure: Failure = failure;
        let (title, world) = K::left_behind(&prior.model);
        for problem in failure.on_old_machine().into_diagnostics(&title, &world) {
            cx.warn(as_warning(problem));
        }
    }
}
