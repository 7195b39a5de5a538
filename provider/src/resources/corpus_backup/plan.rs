//! What a change of `windlass_corpus_backup` means, and what a person should know of the snapshots.

use backup::{
    Candidate, Compress, Format, Moment, Name, Repeats, SnapshotId, candidates, repeats, store::snapshots_of,
};
use framework::{Diagnostic, Diagnostics, Plan, Severity, State};

use super::{
    CorpusBackup,
    model::{BackupModel, CAUSES},
    restic,
};
use crate::{
    corpora::{duration, is_repository, name, open},
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
    let planned = &plan.planned;
    let problems =
        [asks_nothing(on.title, planned), has_no_server(on.title, planned), packs_nowhere(on.title, planned)];
    if let Some(problem) = problems.into_iter().flatten().next() {
        return Err(problem.into());
    }
    if let Some(problem) = wrong_engine(on, &plan.planned) {
        return Err(problem.into());
    }
    let by_another = plan.prior.as_ref().is_some_and(|prior| plan.planned.is_by_another_engine(&prior.model));
    let takes = plan.is_create() || by_another || CAUSES.into_iter().any(|name| plan.changes(name));
    if takes {
        plan.planned.expect_snapshot();
        for warning in [leaving(on.hosts, &plan.planned, now).await, repeating(on.hosts, &plan.planned).await]
        {
            warning.into_iter().for_each(|warning| cx.warn(warning));
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

/// The error that an archive is to be packed, and nowhere.
fn packs_nowhere(title: &str, planned: &BackupModel) -> Option<Diagnostic> {
    (planned.compress() == Compress::None && planned.format() == Format::Tgz).then(|| {
        Diagnostic::error(title)
            .detail("`format` is \"tgz\", which is compressed, and `compress` is \"none\".")
            .detail("Nothing was changed.")
            .detail("Take one of the two out.")
            .at("compress")
    })
}

/// The error that something is asked of restic that it does not do, or of a store that it is not for.
fn wrong_engine(on: &Planning<'_>, planned: &BackupModel) -> Option<Diagnostic> {
    let error = |attribute: &str, happened: &str, next: &str| {
        let error = Diagnostic::error(on.title).detail(happened).detail("Nothing was changed.").detail(next);
        Some(error.at(attribute))
    };
    let is_repository = is_repository(on.hosts, &planned.store);
    if !planned.uses_restic() {
        let is_wrong = is_repository == Some(true) && planned.engine.is_known();
        let happened = "The store is a repository of restic, in which nothing else writes.";
        return is_wrong
            .then(|| error("engine", happened, "Set `engine = \"restic\"`, or name another store."))?;
    }
    if is_repository == Some(false) {
        let happened = "`engine` is `restic`, and the store is not a repository of restic.";
        return error("store", happened, "Name a store whose URL is `restic:…`, or leave `engine` out.");
    }
    if planned.postgres.is_some() || planned.exec.is_some() {
        let happened = "restic takes snapshots of directories and volumes, and this is neither.";
        return error("engine", happened, "Leave `engine` out, and name another store.");
    }
    if !planned.copies.is_null() && !planned.copies().is_empty() {
        let happened = "`copies` is for archives: a repository of restic is copied by restic.";
        return error(
            "copies",
            happened,
            "Take it out; a second resource with another `store` takes a second snapshot.",
        );
    }
    if !planned.encrypt_to.clone().known_or_default().is_empty() {
        let happened = "`encrypt_to` is for archives: a repository of restic is encrypted by its password.";
        return error("encrypt_to", happened, "Take it out.");
    }
    None
}

/// The same decision once everything is known, but for the machine.
pub(super) fn takes(prior: &State<Resource>, planned: &BackupModel) -> bool {
    let BackupModel { path, volume, postgres, exec, exclude, store, format, links, triggers, .. } =
        &prior.model;
    (path, volume, exclude, store) != (&planned.path, &planned.volume, &planned.exclude, &planned.store)
        || (postgres, exec) != (&planned.postgres, &planned.exec)
        || (format, links, triggers) != (&planned.format, &planned.links, &planned.triggers)
        || planned.is_by_another_engine(&prior.model)
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
        if model.uses_restic() {
            return restic::has(hosts, model, id).await;
        }
        let (store, name) = (open(hosts, &model.store)?, name(&model.name)?);
        let found = snapshots_of(store.as_ref(), &name).await?;
        Ok(Some(found.iter().any(|one| one.to_string() == id)))
    };
    let found: Result<Option<bool>, Failure> = looking.await;
    match found {
        Ok(Some(true) | None) => Vec::new(),
        Ok(Some(false)) if model.uses_restic() => {
            let title = format!("The last snapshot of corpus {subject:?} is gone");
            let happened = format!("There is no {location} any more.");
            let next = "Change `triggers` to take a new one, and find out who removed it.";
            vec![Diagnostic::warning(title).detail(happened).detail(next).at("store")]
        }
        Ok(Some(false)) => {
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

/// The warning that archives of all the data hardly differ.
async fn repeating(hosts: &Hosts, planned: &BackupModel) -> Option<Diagnostic> {
    if planned.uses_restic() || !planned.store.is_known() || !planned.name.is_known() {
        return None;
    }
    // What cannot be looked at now will be told by the apply.
    let (store, name) = (open(hosts, &planned.store).ok()?, name(&planned.name).ok()?);
    repeats(store.as_ref(), &name).await.ok()?.map(|told| alike(&name, told))
}

fn alike(name: &Name, Repeats { percent, stored_bytes }: Repeats) -> Diagnostic {
    let megabytes = stored_bytes / 1_000_000;
    Diagnostic::warning(format!("Snapshots of corpus {:?} hardly differ", name.as_str()))
        .detail(format!(
            "The last three are archives of all the data, of {megabytes} MB as they are stored, and at least {percent} % of \
             the files of each are in the one before it."
        ))
        .detail("restic would be cheaper: `engine = \"restic\"` stores what has changed, and nothing else.")
        .at("engine")
}

/// The warning about snapshots that go once another one has been taken.
async fn leaving(hosts: &Hosts, planned: &BackupModel, now: Moment) -> Option<Diagnostic> {
    let retention = planned.retention();
    if retention.is_unlimited() || !planned.store.is_known() || !planned.name.is_known() {
        return None;
    }
    let name = name(&planned.name).ok()?;
    if planned.uses_restic() {
        return going(&name, &restic::leaving(hosts, planned, now).await?);
    }
    // What cannot be looked at now will be told by the apply.
    let store = open(hosts, &planned.store).ok()?;
    let (mut candidates, _) = candidates(store.as_ref(), &name).await.ok()?;
    let next = SnapshotId::new(&name, now, "planned");
    candidates.push(Candidate { id: next, verified: true, keep_until: None });
    let mut gone = retention.expired(&candidates, now);
    for index in (0..gone.len()).rev() {
        // What the store keeps now will be told by the apply.
        if matches!(store.held(&gone[index]).await, Ok(Some(_))) {
            gone.remove(index);
        }
    }
    let gone: Vec<String> = gone.iter().map(ToString::to_string).collect();
    going(&name, &gone)
}

/// The warning that these go.
fn going(name: &Name, gone: &[String]) -> Option<Diagnostic> {
    if gone.is_empty() {
        return None;
    }
    let list: Vec<&str> = gone.iter().take(LISTED).map(String::as_str).collect();
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

    #[test]
    fn what_restic_would_save_is_told() {
        let told = alike(&"prod".parse().unwrap(), Repeats { percent: 97, stored_bytes: 512_000_000 });
        assert_eq!(
            told.to_string(),
            "Snapshots of corpus \"prod\" hardly differ (at engine)\nThe last three are archives of all the data, of 512 MB \
             as they are stored, and at least 97 % of the files of each are in the one before it.\n\nrestic would be \
             cheaper: `engine = \"restic\"` stores what has changed, and nothing else."
        );
    }
}
