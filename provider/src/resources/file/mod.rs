//! `windlass_file`: one file on a host.
//!
//! On the host it owns the file at `path` and, below `~/.windlass`, the note that it does and, for a
//! write-only content, a proof of it. A file that was there before, or that another resource has made,
//! is neither overwritten nor removed. Directories that it had to make are left when it is destroyed. It never touches
//! a path that is not a regular file, and the old content stays until the new one is on the host
//! and verified.

mod apply;
mod model;
mod plan;
mod read;
mod schema;

use serde::{Deserialize, Serialize};

use crate::{host_path::Ownership, hosted::placed_on_machine};

/// What the host calls the objects whose owners it remembers.
const KIND: &str = "file";

/// Whose they are.
const OWNERSHIP: Ownership = Ownership { kind: KIND, what: "file" };

/// The files of `windlass_file`.
pub(crate) struct HostFile;

/// What the resource remembers besides its attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FilePrivate {
    /// The machine that the file is on, so that another route to it is no move.
    pub(crate) machine_id: String,
    /// The id of this very file, which its host remembers as well.
    #[serde(default)]
    pub(crate) instance: String,
    /// Who owned it when it was written, for a configuration that leaves that to us.
    #[serde(default)]
    pub(crate) owner: String,
    /// The same of its group.
    #[serde(default)]
    pub(crate) group: String,
}

placed_on_machine!(FilePrivate);

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use framework::{
        Value,
        testing::{Action, Harness},
    };

    use super::*;
    use crate::{
        hosted::{Hosts, OnHost, testing::matrix},
        settings::Settings,
    };

    /// What a plan of a new file at `path` of this machine, with this content, warns of.
    async fn warnings(path: &str, content: Value) -> String {
        let hosts = Arc::new(Hosts::default());
        hosts.configure(Some(Settings::default()));
        let core = Harness::new(OnHost::<HostFile>::new(hosts));
        let config = [("host", "local://".into()), ("path", path.into()), ("content", content)];
        let change = core.plan(&core.config(config)).await.unwrap();
        assert_eq!(change.action, Action::Create);
        change.warnings.iter().map(|warning| format!("{}\n{}\n", warning.summary, warning.detail)).collect()
    }

    #[tokio::test]
    async fn what_is_in_the_way_is_told_by_the_plan() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
        let theirs = path("theirs");
        std::fs::write(&theirs, "theirs").unwrap();

        let told = warnings(&theirs, "ours".into()).await;
        let title = format!("Could not create file {theirs:?} as things are");
        for words in [title.as_str(), "another one", "The plan goes on", "import"] {
            assert!(told.contains(words), "{words}: {told}");
        }
        std::fs::create_dir(path("folder")).unwrap();
        let told = warnings(&path("folder"), "ours".into()).await;
        assert!(told.contains("there is a directory in its place"), "{told}");

        // What an apply has left that was cut off, a content that is not known yet, a free path.
        for (path, content) in
            [(&theirs, "theirs".into()), (&theirs, Value::Unknown), (&path("free"), "ours".into())]
        {
            assert_eq!(warnings(path, content).await, "");
        }
    }

    #[tokio::test]
    async fn the_schema_equals_the_model_and_no_configuration_breaks_a_plan() {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let report = matrix::<HostFile>()
            .sample("path", ["/srv/a b"])
            .sample("source", [here])
            .sample("mode", ["0600", "755"])
            .sample("directory_mode", ["0700"])
            .sample("on_destroy", ["keep", "delete"])
            .run()
            .await;
        assert!(report.planned > 50 && report.invalid > 50, "{report:?}");
    }
}
