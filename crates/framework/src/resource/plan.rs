//! What a resource's plan hook works on.

use std::sync::Arc;

use tfvalue::{Path, Value};

use crate::model::merge;
use crate::prefill;
use crate::schema::Schema;
use crate::{DecodeError, Diagnostic, Diagnostics, IntoPath, ModelValue, error_chain};

use super::{Resource, State};

/// A change that is being planned: a create when there is no prior state, an update otherwise.
///
/// `planned` is filled by the schema's rules: the configuration wins; where it is null, defaults;
/// computed attributes keep their prior value when nothing changes at all or when the schema says
/// so ([`Attribute::keep_on_update`](crate::Attribute::keep_on_update)) and are unknown otherwise.
/// Write-only attributes are null in `planned` and set in `config`. The hook may replace computed
/// values by known ones, or by unknown.
pub struct Plan<R: Resource> {
    /// What there is, as Read left it. `None` for a create.
    pub prior: Option<State<R>>,
    /// What the person wrote, write-only attributes included.
    pub config: R::Model,
    /// What will be. Starts as the schema decides.
    pub planned: R::Model,
    /// What the resource will remember; starts as the prior state's. Must not hold secrets.
    pub private: R::Private,
    replace: Vec<Path>,
    schema: Arc<Schema>,
    /// The planned value before the hook, in full and as the model could hold it.
    full: Value,
    held: Value,
    config_value: Value,
    prior_value: Option<Value>,
}

impl<R: Resource> Plan<R> {
    /// Prefills a plan. An `Err` of [`DecodeError::Unknown`] says that the model cannot hold what
    /// is unknown; the framework then plans by the schema alone.
    pub(crate) fn new(
        schema: Arc<Schema>,
        prior: Option<(Value, R::Private)>,
        config: Value,
    ) -> Result<Self, DecodeError> {
        let root = Path::root();
        let (prior_value, private) = match prior {
            Some((value, private)) => (Some(value), private),
            None => (None, R::Private::default()),
        };
        let full = prefill::planned(&schema.body, prior_value.as_ref(), &config);
        let prior = match &prior_value {
            Some(value) => {
                Some(State { model: R::Model::from_value(value, &root)?, private: private.clone() })
            }
            None => None,
        };
        let planned = R::Model::from_value(&full, &root)?;
        Ok(Self {
            prior,
            config: R::Model::from_value(&config, &root)?,
            held: planned.to_value(),
            planned,
            private,
            replace: Vec::new(),
            schema,
            full,
            config_value: config,
            prior_value,
        })
    }

    /// Whether there is nothing yet.
    pub fn is_create(&self) -> bool {
        self.prior.is_none()
    }

    /// Whether anything that is planned so far differs from the prior state; always for a create.
    pub fn has_changes(&self) -> bool {
        let planned = self.value();
        self.prior_value.as_ref().is_none_or(|prior| !planned.equal(prior, &self.schema.value_type()))
    }

    /// Whether the planned value of the top-level attribute or block `name` differs from the prior
    /// one; true for a create, and when it is unknown.
    pub fn changes(&self, name: &str) -> bool {
        let planned = self.value();
        let ty = self.schema.value_type();
        let (Some(prior), tfvalue::Type::Object(types)) = (&self.prior_value, &ty) else { return true };
        match (prior.attribute(name), planned.attribute(name), types.get(name)) {
            (Some(prior), Some(planned), Some(ty)) => !planned.equal(prior, ty) || !planned.is_wholly_known(),
            _ => true,
        }
    }

    /// Says that the configured value of the top-level attribute `name` means the same as the prior
    /// one, in another spelling: the prior value stays, and if nothing else changes, nothing does.
    /// Call it before setting planned values, it starts them anew. Without a prior value, or where
    /// one of the two is null or unknown, it does nothing.
    ///
    /// # Errors
    /// When the model cannot hold the plan, which is a bug.
    pub fn keep_spelling(&mut self, name: &str) -> Result<(), Diagnostics> {
        let prior = self.prior_value.as_ref().and_then(|prior| prior.attribute(name));
        let Some(prior) = prior.filter(|prior| !prior.is_null()).cloned() else { return Ok(()) };
        let path = Path::root().attribute(name);
        if self.config_value.get(&path).is_none_or(|config| config.is_null() || config.is_unknown()) {
            return Ok(());
        }
        self.config_value.set(&path, prior).map_err(|error| bug(&error))?;
        self.start_with(prefill::planned(&self.schema.body, self.prior_value.as_ref(), &self.config_value))
    }

    /// Says that something will change although the configuration did not: computed attributes
    /// become unknown as they would for a change of the configuration, except those that stay on
    /// update. Call it before setting planned values, it starts them anew.
    ///
    /// # Errors
    /// When the model cannot hold the plan, which is a bug.
    pub fn expect_changes(&mut self) -> Result<(), Diagnostics> {
        self.start_with(prefill::changed(&self.schema.body, self.prior_value.as_ref(), &self.config_value))
    }

    /// Says that nothing changes that the provider decides: computed attributes and what is
    /// remembered stay as they are. What the person changed stays planned, the core insists. Call
    /// it before setting planned values, it starts them anew; for a create it does nothing.
    ///
    /// # Errors
    /// When the model cannot hold the plan, which is a bug.
    pub fn keep_prior(&mut self) -> Result<(), Diagnostics> {
        let Some(prior) = &self.prior else { return Ok(()) };
        self.private = prior.private.clone();
        self.start_with(prefill::kept(&self.schema.body, self.prior_value.as_ref(), &self.config_value))
    }

    fn start_with(&mut self, full: Value) -> Result<(), Diagnostics> {
        self.planned = R::Model::from_value(&full, &Path::root()).map_err(|error| bug(&error))?;
        self.held = self.planned.to_value();
        self.full = full;
        Ok(())
    }

    /// Replaces the resource, because of the attribute at `path`. Ignored for a create.
    pub fn require_replace(&mut self, path: impl IntoPath) {
        self.replace.push(path.into_path());
    }

    /// The planned value so far.
    pub(crate) fn value(&self) -> Value {
        merge(&self.full, &self.held, &self.planned.to_value())
    }

    pub(crate) fn into_parts(self) -> (Value, Vec<Path>, R::Private) {
        (self.value(), self.replace, self.private)
    }
}

fn bug(error: &(dyn std::error::Error + 'static)) -> Diagnostic {
    Diagnostic::bug("Could not fill a plan", error_chain(error))
}

/// A change that is being made: what create and update work on.
pub struct Apply<R: Resource> {
    /// What there was. `None` for a create.
    pub prior: Option<State<R>>,
    /// What was planned: every known value must come true.
    pub planned: R::Model,
    /// What the person wrote, write-only attributes included.
    pub config: R::Model,
    /// What the plan remembered.
    pub private: R::Private,
    /// What exists now. `None` at the start of a create, the prior state at the start of an update.
    /// When create or update returns, everything in it must be known; on `Err`, what is still
    /// unknown is saved as null.
    pub state: Option<State<R>>,
}

impl<R: Resource> Apply<R> {
    /// Records what exists now.
    pub fn record(&mut self, model: R::Model, private: R::Private) {
        self.state = Some(State { model, private });
    }
}
