//! What a resource, data source, ephemeral resource or the provider itself can be configured with.
//!
//! Protocol 5 has no nested attributes: structured inputs are blocks, structured outputs are
//! object-typed attributes. Descriptions are Markdown; the registry documentation is generated
//! from them.

mod attribute;
mod block;
mod check;
mod rule;
mod timeouts;
pub mod validate;

use tfvalue::Type;

pub use attribute::Attribute;
pub use block::{Block, Body, Nesting};
pub use rule::Rule;
pub use timeouts::{Operation, Timeouts, parse_duration};
pub(crate) use timeouts::{TIMEOUTS, resolve as resolve_timeouts, show_duration};
pub use validate::Validator;

/// The schema of one resource, data source, ephemeral resource, or of the provider.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// Version of the state's shape. Raise it when state of the previous version needs
    /// [`Resource::upgrade`](crate::Resource::upgrade) to do more than fill new attributes with null.
    pub version: i64,
    /// Attributes and blocks.
    pub body: Body,
    /// How long each operation may take, unless a person says otherwise in the `timeouts` block.
    pub timeouts: Option<Timeouts>,
}

impl Schema {
    /// A schema without attributes.
    pub fn new(version: i64) -> Self {
        Self { version, ..Self::default() }
    }

    /// What the whole thing is, in Markdown.
    #[must_use]
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.body.description = text.into();
        self
    }

    /// Marks the whole thing as deprecated; the text says what to use instead.
    #[must_use]
    pub fn deprecated(mut self, instead: impl Into<String>) -> Self {
        self.body.deprecation = Some(instead.into());
        self
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, attribute: Attribute) -> Self {
        self.body.attributes.push(attribute);
        self
    }

    /// Adds several attributes.
    #[must_use]
    pub fn attributes(mut self, attributes: impl IntoIterator<Item = Attribute>) -> Self {
        self.body.attributes.extend(attributes);
        self
    }

    /// Adds a nested block.
    #[must_use]
    pub fn block(mut self, block: Block) -> Self {
        self.body.blocks.push(block);
        self
    }

    /// Adds a rule over several attributes.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.body.rules.push(rule);
        self
    }

    /// Adds a `timeouts` block with these defaults. The framework reads it, keeps it in the state
    /// and enforces it; models have no field for it.
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.body.blocks.push(timeouts.block());
        self.timeouts = Some(timeouts);
        self
    }

    /// The object type of a configuration or state.
    pub fn value_type(&self) -> Type {
        self.body.value_type()
    }
}
