//! What a change of `windlass_corpus_restore` means.

use framework::{Diagnostic, Diagnostics, Field, Plan};

use super::{CorpusRestore, model::RestoreModel};
use crate::hosted::OnHost;

/// Decides whether it is restored (again).
pub(super) fn plan(title: &str, plan: &mut Plan<OnHost<CorpusRestore>>) -> Result<(), Diagnostics> {
    let again = plan.changes("name") || plan.changes("snapshot") || plan.changes("triggers");
    let elsewhere = plan.prior.as_ref().is_some_and(|prior| plan.planned.is_elsewhere(&prior.model));
    let moves = plan.changes("host") || elsewhere;
    if let Some(problem) = unconfirmed(title, &plan.planned) {
        return Err(problem.into());
    }
    if plan.is_create() {
        plan.planned.expect_restore();
        return Ok(());
    }
    if again && plan.planned.overwrite == Field::Known(false) && !moves {
        let happened = format!(
            "It would be restored again over {}, where it was restored before, and `overwrite` is not set.",
            plan.planned.target().1
        );
        let next = "Set `overwrite = true` and `confirm` to its name if what is there may go, restore to another place, or \
                    take the change back.";
        return Err(Diagnostic::error(title)
            .detail(happened)
            .detail("Nothing was changed.")
            .detail(next)
            .at("overwrite")
            .into());
    }
    if again || moves {
        plan.planned.expect_restore();
        return Ok(());
    }
    plan.keep_prior()
}

/// The error that it is not confirmed that data may go.
pub(super) fn unconfirmed(title: &str, planned: &RestoreModel) -> Option<Diagnostic> {
    let (attribute, target) = planned.target();
    let open = !planned.has_target() || planned.confirm.is_unknown();
    if !planned.overwrite.is_true() || open || planned.confirm.as_str() == Some(target) {
        return None;
    }
    let happened = format!(
        "With `overwrite`, what is there goes, and `confirm` does not say the same as `{attribute}`."
    );
    let next = format!("Set `confirm = {target:?}` if what is there may go.");
    Some(Diagnostic::error(title).detail(happened).detail("Nothing was changed.").detail(next).at("confirm"))
}
