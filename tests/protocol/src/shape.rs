//! What a schema says of one thing, and what a core says of itself.

use anyhow::{Context as _, Result};
use tfplugin5::pb::{ClientCapabilities, DynamicValue, Schema, schema::Block};
use tfvalue::{Type, Value};

use crate::values::{block_type, config, decode, encode};

/// What a core of today says that it can do.
pub const CAPABILITIES: ClientCapabilities =
    ClientCapabilities { deferral_allowed: false, write_only_attributes_allowed: true };

/// A block of the schema with the type of its values.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The name in configurations, such as `windlass_file`.
    pub type_name: String,
    /// Its attributes and nested blocks.
    pub block: Block,
    /// The type of its values.
    pub ty: Type,
}

impl Shape {
    pub(crate) fn new(type_name: &str, schema: &Schema) -> Result<Self> {
        let block = schema.block.clone().with_context(|| format!("{type_name} has no block"))?;
        let ty = block_type(&block)?;
        Ok(Self { type_name: type_name.to_owned(), block, ty })
    }

    /// What a core sends when a user wrote `given`; see [`config`].
    pub fn config<N: Into<String>, V: Into<Value>>(
        &self,
        given: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Value> {
        config(&self.block, given)
    }

    /// `value` as a core sends it.
    pub fn encode(&self, value: &Value) -> Result<DynamicValue> {
        encode(value, &self.ty)
    }

    /// What a provider answered.
    pub fn decode(&self, value: Option<&DynamicValue>) -> Result<Value> {
        decode(value, &self.ty)
    }
}
