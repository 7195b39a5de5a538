//! The core's side of one resource's life.

use std::sync::Arc;

use tfvalue::{Path, Type, Value, json};

use super::Only;
use crate::erased::empty;
use crate::rules::check_apply;
use crate::server::{
    ApplyRequest, Dynamic, PlanRequest, PlanResponse, ReadRequest, UpgradeRequest, ValidateRequest,
};
use crate::{AnyResource, Body, Capabilities, Diagnostic, Diagnostics, Model, Resource, Schema, Server};

/// What a plan would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    NoOp,
    /// Make it.
    Create,
    /// Change it in place.
    Update,
    /// Take it down and make it again.
    Replace,
}

/// One plan.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Change {
    /// What would be done.
    pub action: Action,
    /// What will be. For a replacement, the plan of the new one.
    pub planned: Value,
    /// The attributes that replace it.
    pub requires_replace: Vec<Path>,
    pub warnings: Diagnostics,
    private: Vec<u8>,
}

impl Change {
    /// The planned value of a top-level attribute or block.
    pub fn planned(&self, name: &str) -> &Value {
        self.planned.attribute(name).unwrap_or(&Value::Null)
    }
}

#[derive(Clone, Debug)]
struct Held {
    value: Value,
    private: Vec<u8>,
    tainted: bool,
}

/// Plays the core for one resource: holds its state, plans, applies, refreshes, imports, destroys.
#[derive(Debug)]
pub struct Harness {
    server: Arc<Server>,
    type_name: String,
    schema: Schema,
    ty: Type,
    held: Option<Held>,
}

impl Harness {
    /// A core for one resource, which needs no configured provider.
    pub fn new(resource: impl Resource) -> Self {
        let type_name = resource.type_name();
        Self::of(Arc::new(Server::new(Only(AnyResource::new(resource)))), type_name)
    }

    /// A core for one resource type of a provider.
    ///
    /// # Panics
    /// When the provider does not have it.
    pub fn of(server: Arc<Server>, type_name: &str) -> Self {
        let schema = server.schema().resources.get(type_name).copied().cloned();
        let Some(schema) = schema else { panic!("the provider has no resource {type_name}") };
        Self { server, type_name: type_name.to_owned(), ty: schema.value_type(), schema, held: None }
    }

    /// The server behind it, for [`Server::stop`].
    pub fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// A configuration with these attributes and blocks; everything else is absent.
    ///
    /// # Panics
    /// When the schema does not have one of them, or it is of another type.
    pub fn config<N: AsRef<str>>(&self, set: impl IntoIterator<Item = (N, Value)>) -> Value {
        let mut config = empty(&self.schema.body);
        for (name, value) in set {
            let name = name.as_ref();
            assert!(config.attribute(name).is_some(), "{} has no {name}", self.type_name);
            if let Err(error) = config.set(&Path::root().attribute(name), value) {
                panic!("{error}");
            }
        }
        if let Err(mismatch) = config.conforms(&self.ty) {
            panic!("{}: {mismatch}", self.type_name);
        }
        config
    }

    /// A configuration as a model: computed and absent attributes are null.
    pub fn config_of<M: Model>(&self, model: &M) -> Value {
        let Value::Map(parts) = model.to_value() else { panic!("a model is an object") };
        self.config(parts)
    }

    /// The state; `None` when nothing exists.
    pub fn state(&self) -> Option<&Value> {
        self.held.as_ref().map(|held| &held.value)
    }

    /// The state as a model.
    ///
    /// # Panics
    /// When nothing exists or the model cannot hold it.
    pub fn model<M: Model>(&self) -> M {
        let Some(state) = self.state() else { panic!("{} does not exist", self.type_name) };
        M::from_value(state, &Path::root()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The private state as it is stored.
    pub fn private(&self) -> &[u8] {
        self.held.as_ref().map_or(&[], |held| &held.private)
    }

    /// Whether the last create failed half-way, so that the next plan replaces.
    pub fn is_tainted(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.tainted)
    }

    /// Pretends that this is the state, as if it came from an earlier run.
    pub fn set_state(&mut self, value: Option<Value>) {
        self.held = value.map(|value| Held { value, private: Vec::new(), tainted: false });
    }

    /// Validates a configuration for a current core.
    pub async fn validate(&self, config: &Value) -> Diagnostics {
        let capabilities = Capabilities { write_only_attributes_allowed: true, deferral_allowed: false };
        self.validate_for(config, capabilities).await
    }

    /// Validates a configuration for a core that can do this. Like the core, refuses required
    /// attributes that are not set and blocks that appear too rarely or too often.
    pub async fn validate_for(&self, config: &Value, capabilities: Capabilities) -> Diagnostics {
        let mut problems = Diagnostics::new();
        missing(&self.schema.body, config, &Path::root(), &mut problems);
        let config = self.encode(config);
        let request = ValidateRequest { type_name: self.type_name.clone(), config, capabilities };
        problems.append(self.server.validate_resource(request).await);
        problems
    }

    /// Validates and plans.
    ///
    /// # Errors
    /// What validation or the plan said.
    pub async fn plan(&self, config: &Value) -> Result<Change, Diagnostics> {
        self.validate(config).await.into_result()?;
        let prior = self.held.as_ref().filter(|held| !held.tainted);
        let change = self.plan_from(prior, config).await?;
        let replace = !change.requires_replace.is_empty() || self.is_tainted();
        if !replace {
            return Ok(change);
        }
        // As the core does: a replacement is planned again, as a create.
        let anew = self.plan_from(None, config).await?;
        Ok(Change { action: Action::Replace, requires_replace: change.requires_replace, ..anew })
    }

    async fn plan_from(&self, prior: Option<&Held>, config: &Value) -> Result<Change, Diagnostics> {
        let prior_value = prior.map_or(Value::Null, |held| held.value.clone());
        let response = self
            .server
            .plan(PlanRequest {
                type_name: self.type_name.clone(),
                prior_state: self.encode(&prior_value),
                proposed_new_state: self.encode(config),
                config: self.encode(config),
                prior_private: prior.map(|held| held.private.clone()).unwrap_or_default(),
                capabilities: Capabilities { write_only_attributes_allowed: true, deferral_allowed: false },
            })
            .await;
        let warnings = success(response.diagnostics.clone())?;
        let planned = self.decode(&response.planned_state);
        let action = match prior {
            None => Action::Create,
            Some(held) if planned.equal(&held.value, &self.ty) => Action::NoOp,
            Some(_) => Action::Update,
        };
        let PlanResponse { requires_replace, planned_private: private, .. } = response;
        Ok(Change { action, planned, requires_replace, warnings, private })
    }

    /// Plans and applies, the plan twice as the core does.
    ///
    /// # Errors
    /// What validation, a plan or apply said. The state is what apply reached.
    ///
    /// # Panics
    /// When the second plan differs from the first.
    pub async fn apply(&mut self, config: &Value) -> Result<Change, Diagnostics> {
        self.apply_after(config, config).await
    }

    /// Plans `first`, in which something may be unknown, then plans and applies `last`, in which it
    /// is known.
    ///
    /// # Errors
    /// What validation, a plan or apply said. The state is what apply reached.
    ///
    /// # Panics
    /// When the second plan breaks what the first one promised.
    pub async fn apply_after(&mut self, first: &Value, last: &Value) -> Result<Change, Diagnostics> {
        let promised = self.plan(first).await?;
        if promised.action == Action::NoOp {
            return Ok(promised);
        }
        if promised.action == Action::Replace {
            self.destroy().await?;
        }
        let change = self.plan(last).await?;
        self.assert_promise_kept(&promised, &change);
        let create = self.held.is_none();
        let response = self
            .server
            .apply(ApplyRequest {
                type_name: self.type_name.clone(),
                prior_state: self.encode(self.state().unwrap_or(&Value::Null)),
                planned_state: self.encode(&change.planned),
                config: self.encode(last),
                planned_private: change.private.clone(),
            })
            .await;
        let failed = response.diagnostics.has_errors();
        self.hold(&response.new_state, response.private, create && failed);
        let warnings = success(response.diagnostics)?;
        Ok(Change {
            action: promised.action,
            requires_replace: promised.requires_replace,
            warnings,
            ..change
        })
    }

    pub(super) fn assert_promise_kept(&self, promised: &Change, change: &Change) {
        let broken = check_apply(&self.schema.body, &promised.planned, &change.planned);
        assert!(broken.is_empty(), "{}: the second plan breaks the first: {broken:?}", self.type_name);
        let same = match promised.action {
            Action::Replace => change.action == Action::Create,
            // The core turns an update with nothing left to do into nothing.
            Action::Update => matches!(change.action, Action::Update | Action::NoOp),
            action => change.action == action,
        };
        assert!(same, "{}: planned {:?}, then {:?}", self.type_name, promised.action, change.action);
    }

    /// Fails unless a plan of `config` changes nothing.
    ///
    /// # Panics
    /// With what would change.
    pub async fn assert_no_changes(&self, config: &Value) {
        let change = self.plan(config).await.unwrap_or_else(|problems| panic!("{problems}"));
        if change.action != Action::NoOp {
            let state = self.state().cloned().unwrap_or_default();
            panic!(
                "{}: {:?} planned where nothing changed\nstate   {state:?}\nplanned {:?}",
                self.type_name, change.action, change.planned
            );
        }
    }

    /// Upgrades the stored state as the core does on every run, and reads it again.
    ///
    /// # Errors
    /// What Read said. The state stays as it was.
    pub async fn refresh(&mut self) -> Result<Diagnostics, Diagnostics> {
        let Some(held) = self.held.clone() else { return Ok(Diagnostics::new()) };
        let json = json::encode(&held.value, &self.ty).unwrap_or_else(|error| panic!("{error}"));
        let request = UpgradeRequest {
            type_name: self.type_name.clone(),
            version: self.schema.version,
            json: json.into_bytes(),
        };
        let upgraded = self.server.upgrade(request).await;
        success(upgraded.diagnostics)?;
        let response = self
            .server
            .read(ReadRequest {
                type_name: self.type_name.clone(),
                current_state: upgraded.upgraded_state,
                private: held.private,
                capabilities: Capabilities::default(),
            })
            .await;
        self.hold(&response.new_state, response.private, held.tainted);
        success(response.diagnostics)
    }

    /// Imports and reads, as the core does.
    ///
    /// # Errors
    /// What import or Read said, or that Read found nothing.
    pub async fn import(&mut self, id: &str) -> Result<Diagnostics, Diagnostics> {
        let response = self.server.import(&self.type_name, id).await;
        let mut warnings = success(response.diagnostics)?;
        for imported in response.imported {
            self.hold(&imported.state, imported.private, false);
        }
        warnings.append(self.refresh().await?);
        if self.held.is_none() {
            return Err(Diagnostic::error(format!("Cannot import non-existent remote object {id:?}")).into());
        }
        Ok(warnings)
    }

    /// Plans a destruction; returns its warnings and what apply is told.
    ///
    /// # Errors
    /// What the plan said.
    pub async fn plan_destroy(&self) -> Result<(Diagnostics, Vec<u8>), Diagnostics> {
        let Some(held) = &self.held else { return Ok(Default::default()) };
        let response = self
            .server
            .plan(PlanRequest {
                type_name: self.type_name.clone(),
                prior_state: self.encode(&held.value),
                proposed_new_state: self.encode(&Value::Null),
                config: self.encode(&Value::Null),
                prior_private: held.private.clone(),
                capabilities: Capabilities::default(),
            })
            .await;
        let warnings = success(response.diagnostics)?;
        assert!(self.decode(&response.planned_state).is_null(), "a destruction plans null");
        Ok((warnings, response.planned_private))
    }

    /// Plans and applies a destruction.
    ///
    /// # Errors
    /// What the plan or delete said. The state is what delete left.
    pub async fn destroy(&mut self) -> Result<Diagnostics, Diagnostics> {
        let Some(held) = self.held.clone() else { return Ok(Diagnostics::new()) };
        let (mut warnings, planned_private) = self.plan_destroy().await?;
        let response = self
            .server
            .apply(ApplyRequest {
                type_name: self.type_name.clone(),
                prior_state: self.encode(&held.value),
                planned_state: self.encode(&Value::Null),
                config: self.encode(&Value::Null),
                planned_private,
            })
            .await;
        self.hold(&response.new_state, response.private, held.tainted);
        warnings.append(success(response.diagnostics)?);
        assert!(self.held.is_none(), "{}: destroyed, but a state is left", self.type_name);
        Ok(warnings)
    }

    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    fn hold(&mut self, state: &Dynamic, private: Vec<u8>, tainted: bool) {
        let value = self.decode(state);
        self.held = (!value.is_null()).then_some(Held { value, private, tainted });
    }

    fn encode(&self, value: &Value) -> Dynamic {
        Dynamic::encode(value, &self.ty).unwrap_or_else(|error| panic!("{}", crate::error_chain(&error)))
    }

    fn decode(&self, dynamic: &Dynamic) -> Value {
        dynamic.decode(&self.ty).unwrap_or_else(|error| panic!("{}", crate::error_chain(&error)))
    }
}

/// The warnings when there is no error, everything otherwise.
fn success(diagnostics: Diagnostics) -> Result<Diagnostics, Diagnostics> {
    if diagnostics.has_errors() { Err(diagnostics) } else { Ok(diagnostics) }
}

/// What the core itself refuses before the provider is asked.
fn missing(body: &Body, config: &Value, path: &Path, problems: &mut Diagnostics) {
    for attribute in &body.attributes {
        let path = path.clone().attribute(attribute.name.clone());
        let value = config.attribute(&attribute.name).unwrap_or(&Value::Null);
        if attribute.required && value.is_null() {
            problems.push(Diagnostic::error("Missing required argument").at(path));
        } else if !attribute.required && !attribute.optional && !value.is_null() {
            problems.push(Diagnostic::error("Value for unconfigurable attribute").at(path));
        }
    }
    for block in &body.blocks {
        let path = path.clone().attribute(block.name.clone());
        let value = config.attribute(&block.name).unwrap_or(&Value::Null);
        let contents: Vec<&Value> = match value.untyped() {
            Value::List(elements) => elements.iter().collect(),
            // A single or group block is its own content; a map block holds its contents.
            Value::Map(elements) if block.nesting == crate::schema::Nesting::Map => {
                elements.values().collect()
            }
            Value::Map(_) => vec![value],
            _ => Vec::new(),
        };
        let count = contents.len() as u64;
        let too_many = block.max > 0 && count > u64::from(block.max);
        if !value.is_unknown() && (count < u64::from(block.min) || too_many) {
            problems.push(Diagnostic::error(format!("Wrong number of {} blocks", block.name)).at(&path));
        }
        for content in contents {
            missing(&block.body, content, &path, problems);
        }
    }
}
