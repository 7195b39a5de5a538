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
    let planned = &plan.planned;
    let problems =
        [pauses_files(title, planned), owns_nothing(title, planned), has_no_sections(title, planned)];
    if let Some(problem) = problems.into_iter().flatten().next() {
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

/// The error that what would be paused has the old data open, and keeps them.
fn pauses_files(title: &str, planned: &RestoreModel) -> Option<Diagnostic> {
    let has_files = planned.postgres.is_none() && planned.exec.is_none();
    let pauses = planned.quiesce.as_ref().is_some_and(|quiesce| quiesce.mode.as_str() == Some("pause"));
    (has_files && pauses).then(|| {
        Diagnostic::error(title)
            .detail("What is paused goes on with the data that it has open, and these are the old ones.")
            .detail("Nothing was changed.")
            .detail("Leave `mode` out, or set it to `stop`.")
            .at("quiesce")
    })
}

/// The error that something without files is to have an owner.
fn owns_nothing(title: &str, planned: &RestoreModel) -> Option<Diagnostic> {
    let has_files = planned.postgres.is_none() && planned.exec.is_none();
    (!has_files && !planned.owner.is_null()).then(|| {
        Diagnostic::error(title)
            .detail("`owner` is for files, and there are none of them.")
            .detail("Nothing was changed.")
            .detail("Take it out; roles of a database come with `globals`.")
            .at("owner")
    })
}

/// The error that something that is not a dump is to come in sections.
fn has_no_sections(title: &str, planned: &RestoreModel) -> Option<Diagnostic> {
    (planned.postgres.is_none() && planned.sections.is_some()).then(|| {
        Diagnostic::error(title)
            .detail("`sections` is for a database, and this is none.")
            .detail("Nothing was changed.")
            .detail("Take it out.")
            .at("sections")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpora::{PostgresModel, SectionsModel};

    #[test]
    fn only_a_dump_has_sections() {
        let files = RestoreModel { sections: Some(SectionsModel::default()), ..RestoreModel::default() };
        assert_eq!(
            has_no_sections("T", &files).unwrap().to_string(),
            "T (at sections)\n`sections` is for a database, and this is none.\n\nNothing was changed.\n\nTake it out."
        );
        let database = RestoreModel { postgres: Some(PostgresModel::default()), ..files.clone() };
        assert!(has_no_sections("T", &database).is_none());
    }

    #[test]
    fn a_server_that_a_uri_leads_to_is_the_same_one_by_another_version() {
        let text = |text: &str| Field::Known(text.to_owned());
        let by = |version: &str, database: &str| RestoreModel {
            postgres: Some(PostgresModel {
                uri_wo_version: text(version),
                database: text(database),
                ..PostgresModel::default()
            }),
            ..RestoreModel::default()
        };
        assert!(!by("2", "shop").is_another(&by("1", "shop")));
        assert!(by("1", "other").is_another(&by("1", "shop")));
    }
}
