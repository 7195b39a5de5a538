//! `windlass_corpus_backup`: snapshots of a directory or a volume on a host, in a store.
//!
//! On the host it owns nothing, and leaves nothing but an empty image where a volume is reached by a container. In the store it owns the snapshots of its name: it
//! takes a new one when it is created and whenever what it is taken of, where it goes, or `triggers`
//! change, and then lets go of those that `retention` does not keep. Read asks the host for nothing but
//! which machine it is; a plan looks at the clock for `max_age`, and after the last snapshot in its store.

mod apply;
mod copies;
mod model;
mod plan;
mod restic;
mod schema;
mod telling;

/// The backups of `windlass_corpus_backup`.
pub(crate) struct CorpusBackup;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosted::testing::matrix;

    #[tokio::test]
    async fn the_schema_equals_the_model_and_no_configuration_breaks_a_plan() {
        let report = matrix::<CorpusBackup>()
            .sample("name", ["prod"])
            .sample("path", ["/srv/data"])
            .sample("volume", ["shop_data"])
            .sample("store", ["file:///nonexistent/store"])
            .sample("engine", ["restic"])
            .sample("format", ["tgz"])
            .sample("compress", ["local"])
            .sample("links", ["any"])
            .sample("postgres.uri_wo", ["postgres://app:pw@db.example/defaultdb"])
            .sample("verify", ["restore"])
            .sample("quiesce.stack", ["shop"])
            .sample("quiesce.mode", ["stop"])
            .sample("quiesce.timeout", ["5m"])
            .sample("if_missing", ["skip"])
            .sample("keep_for", ["720h"])
            .sample("max_age", ["26h"])
            .sample("on_destroy", ["delete"])
            // Most combinations of sources and proofs are refused.
            .rounds(1200)
            .run()
            .await;
        assert!(report.planned > 30, "{report:?}");
    }
}
