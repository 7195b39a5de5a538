//! The block `sections` of backups and restores.

use backup::Sections;
use framework::{Attribute, Block, Field, Model};

/// SQL between the sections of a dump.
#[derive(Clone, Debug, Default, PartialEq, Eq, Model)]
pub(crate) struct SectionsModel {
    pub(crate) before_pre_data: Field<String>,
    pub(crate) before_data: Field<String>,
    pub(crate) before_post_data: Field<String>,
    pub(crate) after_post_data: Field<String>,
}

/// The block.
pub(crate) fn sections_block(description: &str) -> Block {
    let sql = |name: &str, when: &str| {
        Attribute::string(name).describe(format!(
            "SQL that runs {when}, in the database that it is restored to, by `psql`, which stops at the first error."
        ))
    };
    Block::single("sections")
        .describe(format!(
            "{description} The dump is restored section by section then, which reads it three times from the store: \
             `pre-data` (types, tables, functions), `data` (rows), `post-data` (indexes, constraints, triggers)."
        ))
        .attributes([
            sql("before_pre_data", "before the first of them, such as `CREATE EXTENSION IF NOT EXISTS vector;`"),
            sql("before_data", "when tables are there, before their rows"),
            sql("before_post_data", "when rows are there, before indexes and constraints"),
            sql("after_post_data", "when all is there"),
        ])
}

impl SectionsModel {
    /// What it means.
    pub(crate) fn sections(&self) -> Sections {
        let text = |field: &Field<String>| field.as_str().unwrap_or_default().to_owned();
        Sections {
            before_pre_data: text(&self.before_pre_data),
            before_data: text(&self.before_data),
            before_post_data: text(&self.before_post_data),
            after_post_data: text(&self.after_post_data),
        }
    }
}
