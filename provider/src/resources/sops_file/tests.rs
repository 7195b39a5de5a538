//! The resource through the framework's own rules.

use std::sync::Arc;

use framework::testing::{Matrix, check_resource};

use super::EncryptedFile;
use crate::sops_files::Keyring;

const RECIPIENT: &str = "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg";

fn resource() -> EncryptedFile {
    EncryptedFile::new(Arc::new(Keyring::default()))
}

#[test]
fn the_schema_is_sound() {
    check_resource(&resource());
}

#[tokio::test]
async fn configurations_that_nobody_thinks_of_are_planned() {
    let report = Matrix::new(resource())
        .sample("path", ["secrets.yaml", "secrets.enc"])
        .sample("recipients", [vec![RECIPIENT]])
        .sample("format", sops::Format::WORDS)
        .sample("on_destroy", ["delete", "keep"])
        // What was written last is remembered beside the state.
        .without_invented_states()
        .run()
        .await;
    assert!(report.planned > 0, "{report:?}");
}
