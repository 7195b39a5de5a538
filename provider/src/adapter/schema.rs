//! The framework's schemas as the wire has them.

use std::collections::{BTreeMap, HashMap};

use framework::{
    Attribute, Block, Parameter, Schema, Signature,
    schema::{Body, Nesting},
    server::ProviderSchema,
};
use tfplugin5::pb;

/// Everything that the provider offers.
pub(super) fn provider(provider: &ProviderSchema<'_>) -> pb::get_provider_schema::Response {
    pb::get_provider_schema::Response {
        provider: Some(schema(provider.provider)),
        resource_schemas: schemas(&provider.resources),
        data_source_schemas: schemas(&provider.data_sources),
        ephemeral_resource_schemas: schemas(&provider.ephemerals),
        functions: functions(&provider.functions),
        server_capabilities: Some(pb::ServerCapabilities {
            plan_destroy: true,
            get_provider_schema_optional: true,
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// The provider's functions.
pub(super) fn functions(functions: &BTreeMap<&'static str, &Signature>) -> HashMap<String, pb::Function> {
    functions.iter().map(|(name, signature)| ((*name).to_owned(), function(signature))).collect()
}

fn schemas(schemas: &BTreeMap<&'static str, &Schema>) -> HashMap<String, pb::Schema> {
    schemas.iter().map(|(name, one)| ((*name).to_owned(), schema(one))).collect()
}

fn schema(schema: &Schema) -> pb::Schema {
    pb::Schema { version: schema.version, block: Some(body(&schema.body, schema.version)) }
}

fn body(body: &Body, version: i64) -> pb::schema::Block {
    pb::schema::Block {
        version,
        attributes: body.attributes.iter().map(attribute).collect(),
        block_types: body.blocks.iter().map(nested).collect(),
        description: body.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
        deprecated: body.deprecation.is_some(),
        deprecation_message: body.deprecation.clone().unwrap_or_default(),
    }
}

fn attribute(attribute: &Attribute) -> pb::schema::Attribute {
    pb::schema::Attribute {
        name: attribute.name.clone(),
        r#type: attribute.ty.to_json().into_bytes(),
        description: attribute.description.clone(),
        required: attribute.required,
        optional: attribute.optional,
        computed: attribute.computed,
        sensitive: attribute.sensitive,
        description_kind: pb::StringKind::Markdown.into(),
        deprecated: attribute.deprecation.is_some(),
        write_only: attribute.write_only,
        deprecation_message: attribute.deprecation.clone().unwrap_or_default(),
    }
}

fn nested(block: &Block) -> pb::schema::NestedBlock {
    use pb::schema::nested_block::NestingMode;
    let nesting = match block.nesting {
        Nesting::Single => NestingMode::Single,
        Nesting::List => NestingMode::List,
        Nesting::Set => NestingMode::Set,
        Nesting::Map => NestingMode::Map,
        Nesting::Group => NestingMode::Group,
    };
    pb::schema::NestedBlock {
        type_name: block.name.clone(),
        block: Some(body(&block.body, 0)),
        nesting: nesting.into(),
        min_items: block.min.into(),
        max_items: block.max.into(),
    }
}

fn function(signature: &Signature) -> pb::Function {
    let documentation = &signature.documentation;
    pb::Function {
        parameters: signature.parameters.iter().map(parameter).collect(),
        variadic_parameter: signature.variadic.as_ref().map(parameter),
        r#return: Some(pb::function::Return { r#type: signature.returns.to_json().into_bytes() }),
        summary: documentation.summary.clone(),
        description: documentation.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
        deprecation_message: documentation.deprecation.clone().unwrap_or_default(),
    }
}

fn parameter(parameter: &Parameter) -> pb::function::Parameter {
    pb::function::Parameter {
        name: parameter.name.clone(),
        r#type: parameter.ty.to_json().into_bytes(),
        allow_null_value: parameter.allow_null,
        allow_unknown_values: false,
        description: parameter.description.clone(),
        description_kind: pb::StringKind::Markdown.into(),
    }
}
