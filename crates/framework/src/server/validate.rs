//! ValidateResourceTypeConfig, ValidateDataSourceConfig and ValidateEphemeralResourceConfig.

use tfvalue::{Path, Value};

use super::{Dynamic, Server, decode, unsupported};
use crate::erased::could_not;
use crate::rules::write_only_set;
use crate::schema::{Body, Nesting, Operation, Timeouts};
use crate::{Capabilities, Diagnostic, Diagnostics, Schema};

/// What the three validations are called with.
#[derive(Clone, Debug, Default)]
pub struct ValidateRequest {
    /// The type of the resource, data source or ephemeral resource.
    pub type_name: String,
    /// Its configuration; anything may be unknown.
    pub config: Dynamic,
    /// What the core can do. Only told for resources.
    pub capabilities: Capabilities,
}

impl Server {
    /// Validates the configuration of a resource.
    pub async fn validate_resource(&self, request: ValidateRequest) -> Diagnostics {
        let ValidateRequest { type_name, config, capabilities } = request;
        let resource = match self.resource(&type_name, "validate") {
            Ok(resource) => &resource.0,
            Err(problems) => return problems,
        };
        let value = match decode_config(resource.schema(), &config, &type_name) {
            Ok(value) => value,
            Err(problems) => return problems,
        };
        let cx = self.context(Operation::Validate, &type_name, Timeouts::default(), Some(capabilities));
        let mut problems = by_schema(&resource.schema().body, &value);
        if !capabilities.write_only_attributes_allowed {
            let body = &resource.schema().body;
            let refused = write_only_set(body, &value);
            problems.append(refused.into_iter().map(|path| needs_write_only(body, path)));
        }
        problems.append(resource.validate(&cx, &value).await);
        self.all(&cx, problems)
    }

    /// Validates the configuration of a data source.
    pub async fn validate_data_source(&self, request: ValidateRequest) -> Diagnostics {
        let ValidateRequest { type_name, config, .. } = request;
        let Some(source) = self.data_sources.get(type_name.as_str()) else {
            return unsupported("data source", &type_name, "validate");
        };
        let value = match decode_config(source.0.schema(), &config, &type_name) {
            Ok(value) => value,
            Err(problems) => return problems,
        };
        let cx = self.context(Operation::Validate, &type_name, Timeouts::default(), None);
        let mut problems = by_schema(&source.0.schema().body, &value);
        problems.append(source.0.validate(&cx, &value).await);
        self.all(&cx, problems)
    }

    /// Validates the configuration of an ephemeral resource.
    pub async fn validate_ephemeral(&self, request: ValidateRequest) -> Diagnostics {
        let ValidateRequest { type_name, config, .. } = request;
        let Some(ephemeral) = self.ephemerals.get(type_name.as_str()) else {
            return unsupported("ephemeral resource", &type_name, "validate");
        };
        let value = match decode_config(ephemeral.0.schema(), &config, &type_name) {
            Ok(value) => value,
            Err(problems) => return problems,
        };
        let cx = self.context(Operation::Validate, &type_name, Timeouts::default(), None);
        let mut problems = by_schema(&ephemeral.0.schema().body, &value);
        problems.append(ephemeral.0.validate(&cx, &value).await);
        self.all(&cx, problems)
    }
}

fn decode_config(schema: &Schema, config: &Dynamic, type_name: &str) -> Result<Value, Diagnostics> {
    decode(config, &schema.value_type(), &could_not("validate", type_name))
}

fn needs_write_only(body: &Body, path: Path) -> Diagnostic {
    let other = body.attribute_at(&path).and_then(|attribute| attribute.older_cores.as_deref());
    let next = other.map_or_else(
        || "Use version 1.11 or later.".to_owned(),
        |name| format!("Use version 1.11 or later, or set `{name}` instead."),
    );
    Diagnostic::error(format!("{path} needs OpenTofu 1.11 or Terraform 1.11"))
        .detail(
            "The attribute is write-only: its value is given to the provider and never stored. The version in use \
             would store it in clear in the state, so it is refused.",
        )
        .detail(next)
        .at(path)
}

/// What validators and rules of the schema say about a configuration.
pub(crate) fn by_schema(body: &Body, config: &Value) -> Diagnostics {
    let mut problems = Diagnostics::new();
    check_body(body, config, &Path::root(), &mut problems);
    problems
}

fn check_body(body: &Body, config: &Value, path: &Path, problems: &mut Diagnostics) {
    // Also the value `null` of a whole block, which has no attributes to check.
    if config.as_map().is_none() {
        return;
    }
    for attribute in &body.attributes {
        let path = path.clone().attribute(attribute.name.clone());
        let value = config.attribute(&attribute.name).unwrap_or(&Value::Null);
        for validator in &attribute.validators {
            validator.check(value, &path, problems);
        }
    }
    for rule in &body.rules {
        rule.check(config, path, problems);
    }
    for block in &body.blocks {
        let path = path.clone().attribute(block.name.clone());
        let value = config.attribute(&block.name).unwrap_or(&Value::Null);
        match (block.nesting, value.untyped()) {
            (Nesting::Single | Nesting::Group, inner) => check_body(&block.body, inner, &path, problems),
            (nesting, Value::List(elements)) => {
                for (index, element) in elements.iter().enumerate() {
                    let path = path.clone();
                    let path = if nesting == Nesting::Set { path.set_element() } else { path.index(index) };
                    check_body(&block.body, element, &path, problems);
                }
            }
            (_, Value::Map(elements)) => {
                for (key, element) in elements {
                    check_body(&block.body, element, &path.clone().key(key.clone()), problems);
                }
            }
            _ => {}
        }
    }
}
