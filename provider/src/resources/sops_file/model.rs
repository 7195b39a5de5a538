//! The attributes of `windlass_sops_file`.

use std::collections::BTreeSet;

use framework::{Field, Model, Value};
use sops::{Format, Recipient, Rules};

use super::schema::RULES;

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct FileModel {
    pub(super) path: Field<String>,
    pub(super) content_wo: Field<Value>,
    pub(super) content_wo_version: Field<String>,
    pub(super) format: Field<String>,
    pub(super) recipients: Field<BTreeSet<String>>,
    pub(super) unencrypted_suffix: Field<String>,
    pub(super) encrypted_suffix: Field<String>,
    pub(super) unencrypted_regex: Field<String>,
    pub(super) encrypted_regex: Field<String>,
    pub(super) mac_only_encrypted: Field<bool>,
    pub(super) on_destroy: Field<String>,
    pub(super) sha256: Field<String>,
    pub(super) last_modified: Field<String>,
}

/// The attributes of which a change writes the file again.
pub(super) const WRITTEN: [&str; 9] = [
    "path",
    "content_wo_version",
    "format",
    "recipients",
    RULES[0],
    RULES[1],
    RULES[2],
    RULES[3],
    "mac_only_encrypted",
];

impl FileModel {
    /// The path, or nothing while it is unknown.
    pub(super) fn path(&self) -> &str {
        self.path.as_str().unwrap_or_default()
    }

    pub(super) fn format(&self) -> Format {
        self.format.as_str().and_then(Format::of_word).unwrap_or_else(|| Format::of_path(self.path()))
    }

    /// For whom it is.
    ///
    /// # Errors
    /// When one cannot be encrypted for.
    pub(super) fn recipients(&self) -> Result<Vec<Recipient>, sops::Error> {
        self.recipients.known().into_iter().flatten().map(|one| one.parse()).collect()
    }

    /// What is encrypted.
    ///
    /// # Errors
    /// When a rule is no regular expression.
    pub(super) fn rules(&self) -> Result<Rules, sops::Error> {
        let texts = [
            &self.unencrypted_suffix,
            &self.encrypted_suffix,
            &self.unencrypted_regex,
            &self.encrypted_regex,
        ];
        let said = RULES.iter().zip(texts).filter_map(|(name, text)| Some((*name, text.as_str()?)));
        let mut pairs: Vec<(String, sops::Value)> =
            said.map(|(name, text)| (name.to_owned(), sops::Value::text(text))).collect();
        pairs.push(("mac_only_encrypted".into(), sops::Value::Bool(self.mac_only_encrypted.is_true())));
        Rules::read(&sops::Value::Map(pairs))
    }
}
