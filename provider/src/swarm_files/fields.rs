//! The attributes that secrets and configs have in common.

use std::collections::BTreeMap;

use framework::{Attribute, Field, Model, Type, validate};
use swarm::stacks::files::{LastingFile, Marks, OURS, names::check_prefix};

use crate::clustered::ManagerList;

/// By this label a stack removes what it does not want any more.
const OF_STACK: &str = "com.docker.stack.namespace";
/// What other labels have to be.
const OTHERS: &str = "a label that neither begins with `windlass.` nor is that of a stack (`com.docker.stack.namespace`), which \
     would remove it";

/// What secrets and configs have in common, flattened into their models.
#[derive(Clone, Debug, Default, Model)]
pub(crate) struct FileFields {
    pub(crate) managers: ManagerList,
    pub(crate) name: Field<String>,
    pub(crate) labels: Field<BTreeMap<String, String>>,
    pub(crate) full_name: Field<String>,
    pub(crate) id: Field<String>,
    pub(crate) swarm: Field<String>,
}

impl FileFields {
    /// The attributes before the content of a `kind`, whose whole name ends with `suffix`.
    pub(crate) fn named(kind: &str, suffix: &str) -> Attribute {
        Attribute::string("name").required().check(|name: &String| check_prefix(name)).describe(format!(
            "What the name of the {kind} in the swarm begins with; it ends with {suffix}, and has at most 64 characters. \
             Another one makes another {kind}, as another content does."
        ))
    }

    /// The attributes behind it.
    pub(crate) fn others(kind: &str) -> [Attribute; 4] {
        [
            Attribute::map("labels", Type::String)
                .validate(validate::keys(OTHERS, is_for_users))
                .describe(format!("Labels of the {kind}. They change in place.")),
            Attribute::string("full_name").computed().describe(format!(
                "The name of the {kind} in the swarm, for `{kind}s: {{ <key>: {{ name: …, external: true }} }}` of the \
                 stacks that use it. Plans know it."
            )),
            Attribute::string("id").computed().describe(format!("The id that the swarm gave the {kind}.")),
            Attribute::string("swarm").computed().keep_on_update().describe("The id of the swarm that it is in."),
        ]
    }

    /// The whole name, or what it begins with while it is unknown.
    pub(super) fn shown(&self) -> &str {
        self.full_name.as_str().or(self.name.as_str()).unwrap_or_default()
    }

    /// Takes over what the swarm says.
    pub(super) fn set_observed(&mut self, found: &LastingFile, swarm: &str) {
        self.id = Field::Known(found.id.clone());
        self.full_name = Field::Known(found.name.clone());
        self.swarm = Field::Known(swarm.to_owned());
        if self.labels.clone().known_or_default() != found.marks.labels {
            self.labels = Field::Known(found.marks.labels.clone());
        }
    }

    /// What the object says of itself.
    pub(super) fn marks(&self, version: &Field<String>, instance: &str) -> Marks {
        Marks {
            prefix: self.name.clone().known_or_default(),
            version: version.clone().known_or_default(),
            instance: instance.to_owned(),
            labels: self.labels.clone().known_or_default(),
        }
    }
}

/// Whether a label is the user's to give.
fn is_for_users(name: &str) -> bool {
    !name.starts_with(OURS) && name != OF_STACK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_labels_are_not_for_everybody() {
        assert!(is_for_users("owner"));
        assert!(!is_for_users("windlass.superseded") && !is_for_users(OF_STACK));
    }

    #[test]
    fn what_the_swarm_says_becomes_attributes() {
        let mut fields = FileFields { labels: Field::Known(BTreeMap::new()), ..FileFields::default() };
        let mut found = LastingFile { id: "k9".into(), name: "db-v1".into(), ..LastingFile::default() };
        fields.set_observed(&found, "s1");
        assert_eq!((fields.shown(), fields.swarm.as_str()), ("db-v1", Some("s1")));
        assert_eq!(fields.labels, Field::Known(BTreeMap::new()));
        found.marks.labels.insert("a".into(), "b".into());
        fields.set_observed(&found, "s1");
        assert_eq!(fields.labels, Field::Known(found.marks.labels));
    }
}
