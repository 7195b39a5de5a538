//! What a change of `windlass_corpus_backup` means, and what a person should know of the snapshots.

use backup::{Candidate, Moment, SnapshotId, candidates, store::snapshots_of};
use framework::{Diagnostic, Diagnostics, Plan, Severity, State};

use super::{
    CorpusBackup,
    model::{BackupModel, CAUSES},
};
use crate::{
    corpora::{duration, name, open},
    failure::Failure,
    hosted::{Hosts, OnHost, Planning},
};

type Resource = OnHost<CorpusBackup>;

/// How many snapshots a warning lists.
const LISTED: usize = 10;

/// Decides whether a snapshot will be taken.
pub(super) async fn plan(
    on: &Planning<'_>,
    plan: &mut Plan<Resource>,
    now: Moment,
) -> Result<(), Diagnostics> {
    let cx = on.cx;
    let problems = [asks_nothing(on.title, &plan.planned), has_no_server(on.title, &plan.planned)];
    if let Some(problem) = problems.into_iter().flatten().next() {
        return Err(problem.into());
    }
    let takes = plan.is_create() || CAUSES.into_iter().any(|name| plan.changes(name));
    if takes {
        plan.planned.expect_snapshot();
        if let Some(warning) = leaving(on.hosts, &plan.planned, now).await {
            cx.warn(warning);
        }
        return Ok(());
    }
    plan.keep_prior()?;
    if let Some(prior) = &plan.prior {
        if !plan.planned.has_its_copies(&prior.model) {
            plan.planned.expect_copies();
        }
        let age = duration(&plan.planned.max_age).zip(prior.model.created_at());
        if let Some((limit, created)) = age.filter(|(limit, created)| now.since(*created) > *limit) {
            cx.warn(stale(&prior.model, now.since(created).as_secs() / 3600, limit.as_secs() / 3600));
        }
        for warning in vanished(on.hosts, &prior.model).await {
            cx.warn(warning);
        }
    }
    Ok(())
}

/// The error that questions are asked that nobody answers.
fn asks_nothing(title: &str, planned: &BackupModel) -> Option<Diagnostic> {
    let restores = planned.verify.is_unknown() || planned.verify.as_str() == Some("restore");
    let has_no_check = planned.check.known().is_none_or(Vec::is_empty);
    let attribute = match (has_no_check, planned.server_args.is_null(), &planned.sections) {
        (false, ..) => "check",
        (true, false, _) => "server_args",
        (true, true, Some(_)) => "sections",
        (true, true, None) => return None,
    };
    (!restores || planned.postgres.is_none()).then(|| {
        Diagnostic::error(title)
            .detail(format!("`{attribute}` is for a database that is restored for a proof, and none is."))
            .detail("Nothing was changed.")
            .detail("Set `verify = \"restore\"` beside a `postgres` block, or take it out.")
            .at(attribute)
    })
}

/// The error that a database of a server somewhere else is to be proven, and nothing says by which server.
fn has_no_server(title: &str, planned: &BackupModel) -> Option<Diagnostic> {
    let restores = planned.verify.as_str() == Some("restore");
    let lacks_image =
        planned.postgres.as_ref().is_some_and(|postgres| postgres.is_by_uri() && postgres.image.is_null());
    (restores && lacks_image).then(|| {
        Diagnostic::error(title)
            .detail("With `uri_wo`, nothing says of which image the server is that the dump is restored to for a proof.")
            .detail("Nothing was changed.")
            .detail("Set `image` in the block `postgres`, or leave `verify` at \"checksum\".")
            .at("verify")
    })
}

/// The same decision once everything is known, but for the machine.
pub(super) fn takes(prior: &State<Resource>, planned: &BackupModel) -> bool {
    let BackupModel { path, volume, postgres, exec, exclude, store, format, links, triggers, .. } =
        &prior.model;
    (path, volume, exclude, store) != (&planned.path, &planned.volume, &planned.exclude, &planned.store)
        || (postgres, exec) != (&planned.postgres, &planned.exec)
        || (format, links, triggers) != (&planned.format, &planned.links, &planned.triggers)
}

fn stale(model: &BackupModel, hours: u64, limit: u64) -> Diagnostic {
    let subject = model.name.as_str().unwrap_or_default();
    Diagnostic::warning(format!("The last snapshot of corpus {subject:?} is old"))
        .detail(format!(
            "{} was taken {hours} hours ago, and `max_age` allows {limit}.",
            model.snapshot.as_str().unwrap_or_default()
        ))
        .detail("Change `triggers` to take a new one, and find out why none was taken.")
        .at("max_age")
}

/// A snapshot of the state that its store has no more (one that retention lets go is never the last one), or that
/// nobody can look after.
async fn vanished(hosts: &Hosts, model: &BackupModel) -> Vec<Diagnostic> {
    let (Some(id), Some(location)) = (model.snapshot.as_str(), model.location.as_str()) else {
        return Vec::new();
    };
    let subject = model.name.as_str().unwrap_or_default();
    let looking = async {
        let (store, name) = (open(hosts, &model.store)?, name(&model.name)?);
        Ok(snapshots_of(store.as_ref(), &name).await?)
    };
    let found: Result<Vec<SnapshotId>, Failure> = looking.await;
    match found {
        Ok(found) if found.iter().any(|one| one.to_string() == id) => Vec::new(),
        Ok(_) => {
            let title = format!("The last snapshot of corpus {subject:?} is gone");
            let happened = format!("There is no manifest in {location} any more.");
            let next = "Change `triggers` to take a new one, and find out who removed it.";
            vec![Diagnostic::warning(title).detail(happened).detail(next).at("store")]
        }
        Err(failure) => {
            let title = format!("Could not look after the last snapshot of corpus {subject:?}");
            let world = "Whether it is still there is not known, and a new one could not be taken now.";
            let warning = |one: &Diagnostic| Diagnostic { severity: Severity::Warning, ..one.clone() };
            failure.into_diagnostics(&title, world).iter().map(warning).collect()
        }
    }
}

/// The warning about snapshots that go once another one has been taken.
async fn leaving(hosts: &Hosts, planned: &BackupModel, now: Moment) -> Option<Diagnostic> {
    let retention = planned.retention();
    if retention.is_unlimited() || !planned.store.is_known() || !planned.name.is_known() {
        return None;
    }
    // What cannot be looked at now will be told by the apply.
    let store = open(hosts, &planned.store).ok()?;
    let name = name(&planned.name).ok()?;
    let (mut candidates, _) = candidates(store.as_ref(), &name).await.ok()?;
    let next = SnapshotId::new(&name, now, "planned");
    candidates.push(Candidate { id: next, verified: true, keep_until: None });
    let gone = retention.expired(&candidates, now);
    if gone.is_empty() {
        return None;
    }
    let list: Vec<String> = gone.iter().take(LISTED).map(ToString::to_string).collect();
    let more = if gone.len() > LISTED { "\n…" } else { "" };
    let title = format!("{} of corpus {:?} will go", snapshots(gone.len()), name.as_str());
    let happened =
        format!("Once a new one has been taken, `retention` does not keep:\n{}{more}", list.join("\n"));
    Some(Diagnostic::warning(title).detail(happened).at("retention"))
}

fn snapshots(count: usize) -> String {
    if count == 1 { "1 snapshot".to_owned() } else { format!("{count} snapshots") }
}

#[cfg(test)]
mod tests {
    use framework::Field;

    use super::*;
    use crate::{
        corpora::{PostgresModel, SectionsModel},
        resources::corpus_backup::model::CheckModel,
    };

    fn model(postgres: PostgresModel) -> BackupModel {
        let verify = Field::Known("restore".to_owned());
        BackupModel { verify, postgres: Some(postgres), ..BackupModel::default() }
    }

    #[test]
    fn a_server_that_a_uri_leads_to_is_proven_by_an_image_alone() {
        let text = |text: &str| Field::Known(text.to_owned());
        let by_uri = PostgresModel { uri_wo_version: text("1"), ..PostgresModel::default() };
        assert_eq!(
            has_no_server("T", &model(by_uri.clone())).unwrap().to_string(),
            "T (at verify)\nWith `uri_wo`, nothing says of which image the server is that the dump is restored to for a proof.\n\n\
             Nothing was changed.\n\nSet `image` in the block `postgres`, or leave `verify` at \"checksum\"."
        );
        let checksum = BackupModel { verify: text("checksum"), ..model(by_uri.clone()) };
        let with_image = PostgresModel { image: text("postgres:17"), ..by_uri.clone() };
        let unknown = PostgresModel { image: Field::Unknown, ..by_uri };
        let container = PostgresModel { container: text("db"), ..PostgresModel::default() };
        for fine in [checksum, model(with_image), model(unknown), model(container)] {
            assert!(has_no_server("T", &fine).is_none(), "{fine:?}");
        }
    }

    #[test]
    fn what_is_for_a_proof_needs_one() {
        let container = PostgresModel { container: Field::Known("db".into()), ..PostgresModel::default() };
        let proven = model(container);
        let plain = || BackupModel { verify: Field::Known("checksum".into()), ..proven.clone() };
        let sections = BackupModel { sections: Some(SectionsModel::default()), ..plain() };
        assert_eq!(
            asks_nothing("T", &sections).unwrap().to_string(),
            "T (at sections)\n`sections` is for a database that is restored for a proof, and none is.\n\nNothing was changed.\n\n\
             Set `verify = \"restore\"` beside a `postgres` block, or take it out."
        );
        let check = Field::Known(vec![CheckModel::default()]);
        assert!(asks_nothing("T", &BackupModel { check: check.clone(), ..plain() }).is_some());
        let fine = BackupModel { check, sections: Some(SectionsModel::default()), ..proven.clone() };
        assert!(asks_nothing("T", &fine).is_none() && asks_nothing("T", &plain()).is_none());
    }
}
