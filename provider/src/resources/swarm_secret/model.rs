//! The schema and the attributes of `windlass_swarm_secret`, and how a secret becomes attributes.

use framework::{Attribute, Field, Model, Schema, Timeouts, validate};
use secret::Secret;
use swarm::stacks::{
    FileKind,
    files::{
        LastingFile,
        names::{check_size, version_suffix},
    },
};

use crate::swarm_files::{FileFields, FileModel};

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A secret of a Docker Swarm, for stacks that share it. What is in a secret never changes, so its name in \
             the swarm carries the version: another `data_wo_version` makes another secret, which `full_name` tells the \
             stacks already in the plan. The old one is labelled, and removed by the apply of the stack that stops \
             using it, once that is well; one that nothing uses goes at once. So it is destroyed as well: one that a \
             service uses stays, with a warning, until it does not any more. Secrets of one stack alone are simpler as \
             its `secrets_wo` or `secret_files_wo`.",
        )
        .attribute(FileFields::named("secret", "the version"))
        .attributes(content())
        .attributes(FileFields::others("secret"))
        .timeouts(Timeouts::new().create(5).update(5).delete(5).read(2))
}

fn content() -> [Attribute; 2] {
    [
        Attribute::string("data_wo")
            .required()
            .write_only()
            .check(|value: &Secret| check_size(FileKind::Secret, value.expose().len()))
            .describe(
                "The value, write-only: it is in neither plan nor state. At most 500 KiB. A change is noticed by \
                 `data_wo_version`.",
            ),
        Attribute::string("data_wo_version").required().validate(validate::non_empty()).describe(
            "A version of your choice for the value, such as `3` or `2026-11`: change it with the value, and the stacks \
             that use the secret get the new one. Up to 20 letters, digits, `-`, `_` and `.` are in the name as they \
             are; a hash stands for others. Going back to an earlier version takes that secret up again while it is \
             still there.",
        ),
    ]
}

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct SecretModel {
    #[model(flatten)]
    pub(crate) common: FileFields,
    pub(crate) data_wo: Field<Secret>,
    pub(crate) data_wo_version: Field<String>,
}

impl FileModel for SecretModel {
    fn fields(&self) -> &FileFields {
        &self.common
    }

    fn fields_mut(&mut self) -> &mut FileFields {
        &mut self.common
    }

    fn suffix(&self) -> Field<String> {
        self.data_wo_version.as_ref().map(|version| version_suffix(version))
    }

    fn version(&self) -> Field<String> {
        self.data_wo_version.clone()
    }

    fn content(&self) -> Option<Vec<u8>> {
        self.data_wo.known().map(|value| value.expose().as_bytes().to_vec())
    }

    /// One that was not made here has no version.
    fn adopt(&mut self, found: &LastingFile) {
        let known = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        self.common.name = Field::Known(known(&found.marks.prefix).unwrap_or_else(|| found.name.clone()));
        self.data_wo_version = Field::from(known(&found.marks.version));
    }
}

#[cfg(test)]
mod tests {
    use swarm::stacks::files::Marks;

    use super::*;

    #[test]
    fn one_that_is_adopted_says_its_version_where_it_has_one() {
        let mut model = SecretModel::default();
        let by_hand = LastingFile { name: "db-v1".into(), ..LastingFile::default() };
        model.adopt(&by_hand);
        assert_eq!((model.common.name.as_str(), model.data_wo_version.as_str()), (Some("db-v1"), None));
        let marks = Marks { prefix: "db".into(), version: "1".into(), ..Marks::default() };
        model.adopt(&LastingFile { marks, ..by_hand });
        assert_eq!((model.common.name.as_str(), model.data_wo_version.as_str()), (Some("db"), Some("1")));
        assert_eq!(model.suffix(), Field::Known("v1".into()));
    }
}
