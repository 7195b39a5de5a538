//! Leaving a machine: what has moved is made on the new one first, then removed from the old one.
//!
//! It is in its new place already, so that the old machine cannot be worked with is worth a warning
//! and no more: a machine that was left is often gone.

use framework::{Context, Diagnostic, Diagnostics, Field};

use crate::{
    failure::host_error,
    hosts::{Hosts, unknown_settings},
};

/// What is said of a thing that leaves a machine.
pub(crate) struct Leaving<'a> {
    /// The title of the operation that removes it.
    pub(crate) title: &'a str,
    /// The title of the warning that it could not be removed.
    pub(crate) warning: &'a str,
    /// Where it is now, as the beginning of a sentence: `The file is in its new place`.
    pub(crate) place: &'a str,
}

impl Leaving<'_> {
    /// The warning of something that stayed on the machine where it was.
    pub(crate) fn left_behind(&self, problem: Diagnostic) -> Diagnostic {
        Diagnostic::warning(self.warning.to_owned())
            .detail(problem.detail)
            .detail(format!("{}, and only that is managed from now on.", self.place))
    }
}

impl Hosts {
    /// Lets `remove` take a thing away from where it was, behind the connection `old`; unless that
    /// leads to `here`, the machine where the thing is now.
    pub(crate) async fn leave(
        &self,
        cx: &Context,
        old: &Field<String>,
        here: &str,
        words: &Leaving<'_>,
        remove: impl Future<Output = Result<(), Diagnostics>>,
    ) {
        let left = async {
            let failed = |error| host_error(words.title, &error, &format!("{}.", words.place));
            let Some(host) = self.reach(old).map_err(failed)? else {
                return Err(unknown_settings(words.title).into());
            };
            if host.facts().await.map_err(failed)?.machine_id == here {
                return Ok(());
            }
            remove.await
        };
        let Err(problems) = left.await else { return };
        for problem in problems {
            cx.warn(words.left_behind(problem));
        }
    }
}
