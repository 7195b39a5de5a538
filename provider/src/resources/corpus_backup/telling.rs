//! What archives and snapshots of restic have in common: what they are taken of, and what is told of them.

use backup::{Corpus, Error, Subject, heartbeat};
use framework::{Diagnostic, error_chain};
use secret::Secret;

use super::model::BackupModel;
use crate::{
    corpora::{CorpusFields, PostgresModel, corpus},
    failure::sentence,
    hosted::OnMachine,
};

/// What the world looks like when the retention stopped.
pub(super) const NOT_PRUNED: &str =
    "The new snapshot was taken and is recorded. Some that `retention` does not keep are still there.";

/// The corpus that the attributes mean.
pub(super) async fn corpus_of(
    on: &OnMachine<'_>,
    model: &BackupModel,
    configured: Option<&PostgresModel>,
) -> Result<Corpus, Error> {
    let (path, volume) = (&model.path, &model.volume);
    let (postgres, exec) = (model.postgres.as_ref(), model.exec.as_ref());
    corpus(on.host, CorpusFields { path, volume, postgres, exec, configured }).await
}

/// Tells that there was nothing to take a snapshot of, which `if_missing` allows.
pub(super) fn tell_skipped(on: &OnMachine<'_>, corpus: &str, subject: &Subject, host: &str) {
    let title = format!("Took no snapshot of {corpus}");
    let happened = format!("There is no {subject} on {host}, and `if_missing` says to skip that.");
    let attribute = match subject {
        Subject::Path(_) => "path",
        Subject::Volume(_) => "volume",
        Subject::Database(_) => "postgres",
        Subject::Stream(_) => "exec",
    };
    on.cx.warn(Diagnostic::warning(title).detail(happened).at(attribute));
}

/// Tells who waits for it that all went well. That it does not hear that is its alarm, and no reason to fail.
pub(super) async fn beat(on: &OnMachine<'_>, name: &str, url: &Secret) {
    if let Err(error) = heartbeat(url).await {
        let title = format!("Could not call the heartbeat of corpus {name:?}");
        let world = "The snapshot was taken and is in all stores.";
        let happened = sentence(&error_chain(&error));
        on.cx.warn(Diagnostic::warning(title).detail(happened).detail(world).at("heartbeat_url_wo"));
    }
}

/// Tells of what is held.
pub(super) fn tell_kept(on: &OnMachine<'_>, subject: &str, (store, held): (&str, &[String])) {
    if !held.is_empty() {
        let title = format!("Snapshots of {subject} are held");
        let happened =
            format!("They stay in {store}, because `keep_for` has not passed:\n{}", held.join("\n"));
        on.cx.warn(Diagnostic::warning(title).detail(happened));
    }
}
