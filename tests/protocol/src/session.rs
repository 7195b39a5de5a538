//! A core that knows its provider's schema.

use std::{collections::HashMap, ops::Deref};

use anyhow::{Context as _, Result};
use tfplugin5::pb::{
    DynamicValue, Schema, configure, get_provider_schema, prepare_provider_config, read_data_source, stop,
    validate_data_source_config,
};
use tfvalue::Value;

use crate::{
    Core, Problem, Resource,
    shape::{CAPABILITIES, Shape},
    values::encode,
};

/// A core and what its provider offers. Derefs to the [`Core`].
#[derive(Debug)]
pub struct Session {
    core: Core,
    schema: get_provider_schema::Response,
}

impl Session {
    /// Asks for the schema, as a core does before anything else.
    pub async fn open(core: Core) -> Result<Self> {
        let schema = core.client().get_schema(get_provider_schema::Request {}).await?.into_inner();
        Ok(Self { core, schema })
    }

    /// The answer to GetProviderSchema.
    pub fn schema(&self) -> &get_provider_schema::Response {
        &self.schema
    }

    /// The provider's own configuration.
    pub fn provider(&self) -> Result<Shape> {
        let schema = self.schema.provider.as_ref().context("the provider has no schema of its own")?;
        Shape::new("provider", schema)
    }

    /// A resource, by the name of its type.
    pub fn resource(&self, type_name: &str) -> Result<Resource> {
        let shape = shape(&self.schema.resource_schemas, type_name)?;
        Ok(Resource::new(self.core.client(), shape))
    }

    /// A data source, by the name of its type.
    pub fn data_source(&self, type_name: &str) -> Result<Shape> {
        shape(&self.schema.data_source_schemas, type_name)
    }

    /// PrepareProviderConfig.
    pub async fn prepare(&self, config: DynamicValue) -> Result<Vec<Problem>> {
        let request = prepare_provider_config::Request { config: Some(config) };
        let response = self.core.client().prepare_provider_config(request).await?.into_inner();
        Ok(Problem::all(response.diagnostics))
    }

    /// Configure.
    pub async fn configure(&self, config: DynamicValue) -> Result<Vec<Problem>> {
        let request = configure::Request {
            terraform_version: "1.11.4".to_owned(),
            config: Some(config),
            client_capabilities: Some(CAPABILITIES),
        };
        let response = self.core.client().configure(request).await?.into_inner();
        Ok(Problem::all(response.diagnostics))
    }

    /// ValidateDataSourceConfig.
    pub async fn validate_data_source(&self, shape: &Shape, config: &Value) -> Result<Vec<Problem>> {
        let type_name = shape.type_name.clone();
        let config = Some(encode(config, &shape.ty)?);
        let request = validate_data_source_config::Request { type_name, config };
        let response = self.core.client().validate_data_source_config(request).await?.into_inner();
        Ok(Problem::all(response.diagnostics))
    }

    /// ReadDataSource: what was found, and problems.
    pub async fn read_data_source(&self, shape: &Shape, config: &Value) -> Result<(Value, Vec<Problem>)> {
        let request = read_data_source::Request {
            type_name: shape.type_name.clone(),
            config: Some(encode(config, &shape.ty)?),
            provider_meta: None,
            client_capabilities: Some(CAPABILITIES),
        };
        let response = self.core.client().read_data_source(request).await?.into_inner();
        let problems = Problem::all(response.diagnostics);
        Ok((crate::resource::state(response.state.as_ref(), &shape.ty, &problems)?, problems))
    }

    /// Stop, as after Ctrl-C; the text is the provider's error, if any.
    pub async fn stop(&self) -> Result<String> {
        Ok(self.core.client().stop(stop::Request {}).await?.into_inner().error)
    }

    /// The core alone, to end it.
    pub fn into_core(self) -> Core {
        self.core
    }
}

impl Deref for Session {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.core
    }
}

fn shape(schemas: &HashMap<String, Schema>, type_name: &str) -> Result<Shape> {
    let schema = schemas.get(type_name).with_context(|| format!("the provider has no {type_name}"))?;
    Shape::new(type_name, schema)
}
