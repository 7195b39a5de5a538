//! The files that stacks are made of, and what they are filled with: attributes that every kind of stack
//! has, and what they mean.

pub(crate) mod blocks;
mod context;
mod files;
mod sealed;
mod validate;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use framework::Field;
use secret::Secret;
use tree::Tree;

pub(crate) use context::context;
pub(crate) use files::{Files, path_of_file, profiles};
pub(crate) use sealed::{attribute as sealed_attribute, sealed, secrets, secrets_version};
pub(crate) use validate::{RESERVED, check_name, image_reference, validate};
use values::values;
pub(crate) use values::{check_secret_files, environment, placeholders, secret_file_placeholders};

/// The attributes that files and their values come from, of whichever stack.
pub(crate) struct Sources<'a> {
    /// The stack, for titles: `compose stack "web"`.
    pub(crate) subject: String,
    pub(crate) source_dir: &'a Field<String>,
    pub(crate) file_modes: &'a Field<String>,
    pub(crate) seed_files: &'a Field<Vec<String>>,
    pub(crate) files: &'a Field<Vec<String>>,
    pub(crate) env_file: &'a Field<String>,
    pub(crate) config: &'a Field<Vec<String>>,
    pub(crate) files_content: &'a Field<BTreeMap<String, String>>,
    pub(crate) profiles: &'a Field<BTreeSet<String>>,
    pub(crate) environment: &'a Field<BTreeMap<String, Field<String>>>,
    pub(crate) secrets_wo: &'a Field<BTreeMap<String, Field<Secret>>>,
    pub(crate) secrets_wo_version: &'a Field<String>,
    pub(crate) secrets_sops_file: &'a Field<String>,
    pub(crate) secret_files_wo: &'a Field<BTreeMap<String, Field<Secret>>>,
    pub(crate) secret_files_wo_version: &'a Field<String>,
}

impl Sources<'_> {
    /// Has files hashed in the background, which are the most of what a plan does here.
    pub(crate) fn look_ahead(&self) {
        if let Field::Known(directory) = self.source_dir {
            Tree::hash_ahead(directory.clone());
        }
    }

    /// The attribute to blame for mistakes in the files.
    pub(crate) fn files_attribute(&self) -> &'static str {
        if self.config.is_known() { "config" } else { "source_dir" }
    }
}
