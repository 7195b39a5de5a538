//! `windlass_corpus_restore`: a snapshot that comes back as a directory, a volume or a database on a host.
//!
//! On the host it makes the directory at `path`, or the volume, beside which it works until all of it is verified. From
//! then on the data are the product's: nothing looks at them (a machine that is another one has none, so that
//! it is restored there), and destroying the resource forgets them.
//! Only other `triggers` or another `snapshot` restore again, and only with `overwrite` over data.

mod apply;
mod model;
mod plan;

/// The restores of `windlass_corpus_restore`.
pub(crate) struct CorpusRestore;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosted::testing::matrix;

    #[tokio::test]
    async fn the_schema_equals_the_model_and_no_configuration_breaks_a_plan() {
        let report = matrix::<CorpusRestore>()
            .sample("name", ["prod"])
            .sample("path", ["/srv/data"])
            .sample("volume", ["shop_data"])
            .sample("store", ["file:///nonexistent/store"])
            .sample("copies", [vec!["file:///nonexistent/copy"]])
            .sample("snapshot", ["latest", "snapshot-prod-20261129T163200Z-1a2b3c4d"])
            .sample("owner", ["1000:1000"])
            .sample("links", ["any"])
            .sample("postgres.uri_wo", ["postgres://app:pw@db.example/defaultdb"])
            .sample("quiesce.stack", ["shop"])
            .sample("quiesce.mode", ["stop"])
            .sample("quiesce.timeout", ["5m"])
            .sample("confirm", ["/srv/data", "shop_data"])
            // Sections are refused without a database.
            .rounds(800)
            .run()
            .await;
        assert!(report.planned > 50, "{report:?}");
    }
}
