//! What a kind of secret or config says of itself.

use framework::{Field, Model, Schema};
use serde::{Deserialize, Serialize};
use swarm::stacks::{FileKind, files::LastingFile};

use super::FileFields;

/// The attributes of a kind, [`FileFields`] among them.
pub(crate) trait FileModel: Model + Default {
    /// What both kinds have.
    fn fields(&self) -> &FileFields;

    /// The same, to be changed.
    fn fields_mut(&mut self) -> &mut FileFields;

    /// What the whole name ends with.
    fn suffix(&self) -> Field<String>;

    /// The version that the object says it has; null where its kind has none.
    fn version(&self) -> Field<String>;

    /// What goes into it, of a configuration; `None` where that is not known.
    fn content(&self) -> Option<Vec<u8>>;

    /// Takes over, of one that is being adopted, what it is made of.
    fn adopt(&mut self, found: &LastingFile);
}

/// Secrets, or configs. The kind is [`Clustered`] by that.
pub(crate) trait SwarmFile: Sized + Send + Sync + 'static {
    /// The attributes.
    type Model: FileModel;

    /// The type of the resource.
    const TYPE: &'static str;
    /// Which of the two.
    const KIND: FileKind;
    /// What an import id ends with.
    const IMPORT: &'static str;
    /// The attribute that decides whether it is another one.
    const DECIDES: &'static str;

    /// The schema, without `managers`.
    fn schema() -> Schema;
}

/// What is remembered besides the attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FilePrivate {
    /// The id of this resource, which its objects in the swarm say as well.
    #[serde(default)]
    pub(crate) instance: String,
}
