//! A provider's schema in the shape in which both CLIs print it
//! (`providers schema -json`, format version 1.0), as far as documents need it.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// All that one provider offers.
#[derive(Debug, Deserialize)]
pub struct ProviderSchema {
    pub provider: Schema,
    #[serde(default)]
    pub resource_schemas: BTreeMap<String, Schema>,
    #[serde(default)]
    pub data_source_schemas: BTreeMap<String, Schema>,
    #[serde(default)]
    pub ephemeral_resource_schemas: BTreeMap<String, Schema>,
    #[serde(default)]
    pub functions: BTreeMap<String, Function>,
}

#[derive(Debug, Deserialize)]
pub struct Schema {
    pub block: Block,
}

#[derive(Debug, Default, Deserialize)]
pub struct Block {
    #[serde(default)]
    pub attributes: BTreeMap<String, Attribute>,
    #[serde(default)]
    pub block_types: BTreeMap<String, NestedBlock>,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub deprecated: bool,
}

#[derive(Debug, Deserialize)]
pub struct Attribute {
    /// The type in cty's JSON notation: a word or a list such as `["map","string"]`.
    #[serde(rename = "type")]
    pub value_type: Value,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub optional: bool,
    #[serde(default)]
    pub sensitive: bool,
    #[serde(default)]
    pub write_only: bool,
    #[serde(default)]
    pub deprecated: bool,
    /// Newer CLIs tell why and what to use instead.
    #[serde(default)]
    pub deprecation_message: String,
}

#[derive(Debug, Deserialize)]
pub struct NestedBlock {
    pub nesting_mode: String,
    pub block: Block,
    #[serde(default)]
    pub min_items: u64,
    #[serde(default)]
    pub max_items: u64,
}

#[derive(Debug, Deserialize)]
pub struct Function {
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub summary: String,
    pub return_type: Value,
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    pub variadic_parameter: Option<Parameter>,
}

#[derive(Debug, Deserialize)]
pub struct Parameter {
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(rename = "type")]
    pub value_type: Value,
}

/// Takes the schema of the provider at `address` out of what a CLI printed.
///
/// # Errors
/// When the text is not such a document or has no provider of that address.
pub fn parse(text: &str, address: &str) -> Result<ProviderSchema> {
    let mut document: Value = serde_json::from_str(text).context("the schema is not JSON")?;
    let Some(schemas) = document["provider_schemas"].as_object_mut() else {
        bail!("the schema names no provider");
    };
    // The key begins with the default registry of the CLI that printed it.
    let key = schemas
        .keys()
        .find(|key| key.ends_with(&format!("/{address}")))
        .cloned()
        .with_context(|| format!("the schema does not have the provider {address}"))?;
    let schema = schemas.remove(&key).unwrap_or_default();
    serde_json::from_value(schema).with_context(|| format!("cannot read the schema of {key}"))
}
