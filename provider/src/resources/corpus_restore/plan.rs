//! What a change of `windlass_corpus_restore` means.

use framework::{Diagnostic, Diagnostics, Field, Plan};

use super::{CorpusRestore, model::RestoreModel};
use crate::hosted::OnHost;

/// Decides whether it is restored (again).
pub(super) fn plan(title: &str, plan: &mut Plan<OnHost<CorpusRestore>>) -> Result<(), Diagnostics> {
    let again = plan.changes("name") || plan.changes("snapshot") || plan.changes("triggers");
    let moves = plan.changes("host");
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
            plan.planned.path()
        );
        let next = "Set `overwrite = true` and `confirm` to the path if what is there may go, restore to another path, or \
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
    let open = planned.path.is_unknown() || planned.confirm.is_unknown();
    if !planned.overwrite.is_true() || open || planned.confirm.as_str() == Some(planned.path()) {
        return None;
    }
    let happened = "With `overwrite`, what is at `path` goes, and `confirm` does not say the same path.";
    let next = format!("Set `confirm = {:?}` if what is there may go.", planned.path());
    Some(Diagnostic::error(title).detail(happened).detail("Nothing was changed.").detail(next).at("confirm"))
}
