//! The schema and the attributes of `windlass_swarm_config`, and how a config becomes attributes.

use framework::{Attribute, Field, Model, Schema, Timeouts};
use swarm::stacks::{
    FileKind,
    files::{
        LastingFile,
        names::{check_size, content_suffix},
    },
};

use crate::swarm_files::{FileFields, FileModel};

pub(super) fn schema() -> Schema {
    Schema::new(0)
        .describe(
            "A config of a Docker Swarm, for stacks that share it. What is in a config never changes, so its name in \
             the swarm carries a hash of the content: other `data` make another config, which `full_name` tells the \
             stacks already in the plan. The old one is labelled, and removed by the apply of the stack that stops \
             using it, once that is well; one that nothing uses goes at once. So it is destroyed as well: one that a \
             service uses stays, with a warning, until it does not any more. Configs of one stack alone are simpler in \
             its own files.",
        )
        .attribute(FileFields::named("config", "a hash of the content"))
        .attribute(
            Attribute::string("data")
                .required()
                .check(|data: &String| check_size(FileKind::Config, data.len()))
                .describe(
                    "The content, in clear in the state and in the swarm: for secrets there is `windlass_swarm_secret`. \
                     At most 1000 KiB.",
                ),
        )
        .attributes(FileFields::others("config"))
        .timeouts(Timeouts::new().create(5).update(5).delete(5).read(2))
}

#[derive(Clone, Debug, Default, Model)]
pub(crate) struct ConfigModel {
    #[model(flatten)]
    pub(crate) common: FileFields,
    pub(crate) data: Field<String>,
}

impl FileModel for ConfigModel {
    fn fields(&self) -> &FileFields {
        &self.common
    }

    fn fields_mut(&mut self) -> &mut FileFields {
        &mut self.common
    }

    fn suffix(&self) -> Field<String> {
        self.data.as_ref().map(|data| content_suffix(data.as_bytes()))
    }

    fn version(&self) -> Field<String> {
        Field::Null
    }

    fn content(&self) -> Option<Vec<u8>> {
        self.data.known().map(|data| data.as_bytes().to_vec())
    }

    /// A name that ends with the hash of its content is one that was given here.
    fn adopt(&mut self, found: &LastingFile) {
        let end = format!("-{}", content_suffix(&found.content));
        self.common.name = found.name.strip_suffix(&end).unwrap_or(&found.name).into();
        self.data = Field::from(String::from_utf8(found.content.clone()).ok());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_adopted_says_what_is_in_it() {
        let mut model = ConfigModel::default();
        let by_hand =
            LastingFile { name: "proxy".into(), content: b"listen 80".to_vec(), ..LastingFile::default() };
        model.adopt(&by_hand);
        assert_eq!((model.common.name.as_str(), model.data.as_str()), (Some("proxy"), Some("listen 80")));
        let name = format!("proxy-{}", content_suffix(&by_hand.content));
        model.adopt(&LastingFile { name, ..by_hand });
        assert_eq!(model.common.name.as_str(), Some("proxy"));
    }
}
