//! What was there before an apply.

use crate::{desired::DesiredStack, options::JobSpec};

/// What was there before, as far as the caller remembers it.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Prior {
    pub directory: Option<String>,
    /// The Compose files, relative to that.
    pub files: Vec<String>,
    /// The profiles that were switched on.
    pub profiles: Vec<String>,
    /// What was wanted.
    pub desired: Option<DesiredStack>,
    /// The jobs that it had.
    pub jobs: Vec<JobSpec>,
    /// The hash over what was shipped.
    pub source_hash: Option<String>,
    /// The version of the secrets in `.env`.
    pub secrets_version: Option<String>,
    /// The version of the secret files.
    pub secret_files_version: Option<String>,
}
