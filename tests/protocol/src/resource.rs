//! One resource type, driven through its life as a core does it.

use std::ops::Deref;

use anyhow::{Result, ensure};
use tfplugin5::pb::{
    ClientCapabilities, DynamicValue, RawState, apply_resource_change, import_resource_state,
    plan_resource_change, provider_client::ProviderClient, read_resource, upgrade_resource_state,
    validate_resource_type_config,
};
use tfvalue::{Type, Value};
use tonic::transport::Channel;

use crate::{
    Problem,
    problem::{failed, path_text},
    shape::{CAPABILITIES, Shape},
    values::{decode, proposed},
};

/// A resource type of a running provider. Derefs to its [`Shape`].
#[derive(Debug, Clone)]
pub struct Resource {
    client: ProviderClient<Channel>,
    shape: Shape,
}

/// What a core keeps of a resource between runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stored {
    /// The state; null when there is nothing.
    pub value: Value,
    /// The provider's own bytes.
    pub private: Vec<u8>,
}

/// A planned change, ready to be applied.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What there was.
    pub prior: Stored,
    /// What the user wrote; null for a destruction.
    pub config: Value,
    /// What there will be.
    pub planned: Stored,
    /// The attributes whose change means a replacement.
    pub replace: Vec<String>,
    /// Errors and warnings.
    pub problems: Vec<Problem>,
}

/// What a call left behind, and what it complained about.
#[derive(Debug, Clone)]
pub struct Reached {
    /// The state now.
    pub stored: Stored,
    /// Errors and warnings.
    pub problems: Vec<Problem>,
}

impl Resource {
    pub(crate) fn new(client: ProviderClient<Channel>, shape: Shape) -> Self {
        Self { client, shape }
    }

    fn client(&self) -> ProviderClient<Channel> {
        self.client.clone()
    }

    /// ValidateResourceTypeConfig by a core with these capabilities.
    pub async fn validate(&self, config: &Value, capabilities: ClientCapabilities) -> Result<Vec<Problem>> {
        let request = validate_resource_type_config::Request {
            type_name: self.type_name.clone(),
            config: Some(self.encode(config)?),
            client_capabilities: Some(capabilities),
        };
        let response = self.client().validate_resource_type_config(request).await?.into_inner();
        Ok(Problem::all(response.diagnostics))
    }

    /// PlanResourceChange from `prior` to what `config` says; a null `config` destroys.
    pub async fn plan(&self, prior: &Stored, config: &Value) -> Result<Planned> {
        let request = plan_resource_change::Request {
            type_name: self.type_name.clone(),
            prior_state: Some(self.encode(&prior.value)?),
            proposed_new_state: Some(self.encode(&proposed(&self.block, &prior.value, config))?),
            config: Some(self.encode(config)?),
            prior_private: prior.private.clone(),
            client_capabilities: Some(CAPABILITIES),
            ..Default::default()
        };
        let response = self.client().plan_resource_change(request).await?.into_inner();
        ensure!(!response.legacy_type_system, "legacy_type_system is for the old Go SDK alone");
        let problems = Problem::all(response.diagnostics);
        let value = state(response.planned_state.as_ref(), &self.ty, &problems)?;
        Ok(Planned {
            prior: prior.clone(),
            config: config.clone(),
            planned: Stored { value, private: response.planned_private },
            replace: response.requires_replace.iter().map(path_text).collect(),
            problems,
        })
    }

    /// ApplyResourceChange of a plan.
    pub async fn apply(&self, planned: &Planned) -> Result<Reached> {
        let request = apply_resource_change::Request {
            type_name: self.type_name.clone(),
            prior_state: Some(self.encode(&planned.prior.value)?),
            planned_state: Some(self.encode(&planned.planned.value)?),
            config: Some(self.encode(&planned.config)?),
            planned_private: planned.planned.private.clone(),
            ..Default::default()
        };
        let response = self.client().apply_resource_change(request).await?.into_inner();
        ensure!(!response.legacy_type_system, "legacy_type_system is for the old Go SDK alone");
        self.reached(response.new_state.as_ref(), response.private, Problem::all(response.diagnostics))
    }

    /// ReadResource.
    pub async fn read(&self, stored: &Stored) -> Result<Reached> {
        let request = read_resource::Request {
            type_name: self.type_name.clone(),
            current_state: Some(self.encode(&stored.value)?),
            private: stored.private.clone(),
            client_capabilities: Some(CAPABILITIES),
            ..Default::default()
        };
        let response = self.client().read_resource(request).await?.into_inner();
        self.reached(response.new_state.as_ref(), response.private, Problem::all(response.diagnostics))
    }

    /// ImportResourceState: what was imported, of which there may be none when there are problems.
    pub async fn import(&self, id: &str) -> Result<Reached> {
        let request = import_resource_state::Request {
            type_name: self.type_name.clone(),
            id: id.to_owned(),
            client_capabilities: Some(CAPABILITIES),
            identity: None,
        };
        let response = self.client().import_resource_state(request).await?.into_inner();
        let problems = Problem::all(response.diagnostics);
        let Some(imported) = response.imported_resources.first() else {
            return Ok(Reached { stored: Stored::default(), problems });
        };
        ensure!(imported.type_name == self.type_name, "it imported a {}", imported.type_name);
        self.reached(imported.state.as_ref(), imported.private.clone(), problems)
    }

    /// UpgradeResourceState of a state in JSON, written under schema version `version`.
    pub async fn upgrade(&self, version: i64, json: impl Into<Vec<u8>>) -> Result<Reached> {
        let raw_state = Some(RawState { json: json.into(), ..Default::default() });
        let type_name = self.type_name.clone();
        let request = upgrade_resource_state::Request { type_name, version, raw_state };
        let response = self.client().upgrade_resource_state(request).await?.into_inner();
        self.reached(response.upgraded_state.as_ref(), Vec::new(), Problem::all(response.diagnostics))
    }

    fn reached(
        &self,
        value: Option<&DynamicValue>,
        private: Vec<u8>,
        problems: Vec<Problem>,
    ) -> Result<Reached> {
        let value = state(value, &self.ty, &problems)?;
        Ok(Reached { stored: Stored { value, private }, problems })
    }
}

/// The state in a response. A core looks at it even when there are errors, where nothing at all
/// counts as null; without errors it has to be there.
pub(crate) fn state(value: Option<&DynamicValue>, ty: &Type, problems: &[Problem]) -> Result<Value> {
    let empty = value.is_none_or(|value| value.msgpack.is_empty() && value.json.is_empty());
    if empty && failed(problems) {
        return Ok(Value::Null);
    }
    decode(value, ty)
}

impl Deref for Resource {
    type Target = Shape;

    fn deref(&self) -> &Shape {
        &self.shape
    }
}
