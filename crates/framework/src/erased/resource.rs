//! A [`Resource`] on plain values.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tfvalue::{Path, Value};

use super::{could_not, guard, guarded_validation, model, model_to_validate, private};
use crate::model::{merge, overlay};
use crate::schema::{Body, Nesting, Schema};
use crate::{Apply, Context, DecodeError, Diagnostics, ModelValue, Plan, Resource, State, prefill};

/// A value and its private state, as they are stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored {
    pub value: Value,
    pub private: Vec<u8>,
}

/// The outcome of a plan.
#[derive(Debug)]
pub(crate) struct Planned {
    pub value: Value,
    pub private: Vec<u8>,
    pub requires_replace: Vec<Path>,
}

/// The outcome of create or update: what exists, whatever happened.
#[derive(Debug)]
pub(crate) struct Applied {
    pub state: Option<Stored>,
    pub problems: Diagnostics,
}

/// Some resource.
#[derive(Clone)]
pub struct AnyResource(pub(crate) Arc<dyn ErasedResource>);

impl AnyResource {
    /// Wraps a resource for [`Provider::resources`](crate::Provider::resources).
    pub fn new(resource: impl Resource) -> Self {
        let schema = Arc::new(resource.schema());
        Self(Arc::new(Erased { resource, schema }))
    }
}

impl fmt::Debug for AnyResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.type_name())
    }
}

#[async_trait]
pub(crate) trait ErasedResource: Send + Sync {
    fn type_name(&self) -> &'static str;
    fn schema(&self) -> &Schema;
    fn mistakes(&self) -> Vec<String>;
    async fn validate(&self, cx: &Context, config: &Value) -> Diagnostics;
    async fn read(&self, cx: &Context, current: Stored) -> Result<Option<Stored>, Diagnostics>;
    async fn plan(&self, cx: &Context, prior: Option<Stored>, config: Value) -> Result<Planned, Diagnostics>;
    async fn plan_destroy(&self, cx: &Context, prior: Stored) -> Result<(), Diagnostics>;
    /// Create or update; `planned` holds the planned private state, which includes the prior one.
    async fn apply(&self, cx: &Context, prior: Option<Value>, planned: Stored, config: Value) -> Applied;
    async fn delete(&self, cx: &Context, prior: Stored) -> Result<(), Diagnostics>;
    async fn import(&self, cx: &Context, id: &str) -> Result<Stored, Diagnostics>;
    async fn upgrade(
        &self,
        cx: &Context,
        from: i64,
        state: serde_json::Value,
    ) -> Result<serde_json::Value, Diagnostics>;
}

struct Erased<R> {
    resource: R,
    schema: Arc<Schema>,
}

impl<R: Resource> Erased<R> {
    fn state(&self, stored: &Stored) -> Result<State<R>, Diagnostics> {
        let name = self.resource.type_name();
        let private = private::decode(&stored.private, &could_not("read the stored state of", name))?;
        Ok(State { model: model(&stored.value, name)?, private })
    }

    /// A state as it is stored: `base` with the changes that the model shows against `before`.
    fn stored(&self, base: &Value, before: &Value, state: State<R>) -> Result<Stored, Diagnostics> {
        let summary = could_not("store the state of", self.resource.type_name());
        let private = private::encode(&state.private, &summary)?;
        Ok(Stored { value: merge(base, before, &state.model.to_value()), private })
    }

    fn could_not(&self, operation: &str) -> String {
        could_not(operation, self.resource.type_name())
    }

    /// The plan that the schema decides alone, when something is unknown that the model cannot hold.
    fn plan_by_schema(&self, prior: Option<&Stored>, config: &Value) -> Planned {
        let prior_value = prior.map(|prior| &prior.value);
        Planned {
            value: prefill::changed(&self.schema.body, prior_value, config),
            private: prior.map(|prior| prior.private.clone()).unwrap_or_default(),
            requires_replace: Vec::new(),
        }
    }

    fn typed_apply(
        &self,
        prior: Option<&Value>,
        planned: &Stored,
        config: &Value,
    ) -> Result<Apply<R>, Diagnostics> {
        let name = self.resource.type_name();
        let summary = could_not("read the planned state of", name);
        let (private, private_before) = private::decode_planned(&planned.private, &summary)?;
        let prior = match prior {
            Some(value) => Some(State { model: model(value, name)?, private: private_before }),
            None => None,
        };
        let state = prior.clone();
        Ok(Apply {
            prior,
            planned: model(&planned.value, name)?,
            config: model(config, name)?,
            private,
            state,
        })
    }

    async fn run_apply(&self, cx: &Context, apply: &mut Apply<R>) -> Result<(), Diagnostics> {
        if apply.prior.is_none() {
            guard(cx, &self.could_not("create"), self.resource.create(cx, apply)).await
        } else {
            guard(cx, &self.could_not("update"), self.resource.update(cx, apply)).await
        }
    }
}

#[async_trait]
impl<R: Resource> ErasedResource for Erased<R> {
    fn type_name(&self) -> &'static str {
        self.resource.type_name()
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn mistakes(&self) -> Vec<String> {
        super::mistakes::<R::Model>(&self.schema)
    }

    async fn validate(&self, cx: &Context, config: &Value) -> Diagnostics {
        guarded_validation(cx, self.type_name(), async {
            let mut problems = Diagnostics::new();
            if let Some(model) = model_to_validate::<R::Model>(config, self.type_name(), &mut problems) {
                self.resource.validate(cx, &model, &mut problems).await;
            }
            problems
        })
        .await
    }

    async fn read(&self, cx: &Context, current: Stored) -> Result<Option<Stored>, Diagnostics> {
        let state = self.state(&current)?;
        let before = state.model.to_value();
        let found = guard(cx, &self.could_not("read"), self.resource.read(cx, state)).await?;
        found.map(|found| self.stored(&current.value, &before, found)).transpose()
    }

    async fn plan(&self, cx: &Context, prior: Option<Stored>, config: Value) -> Result<Planned, Diagnostics> {
        let summary = self.could_not("plan");
        let typed_prior = match &prior {
            Some(prior) => Some((prior.value.clone(), private::decode(&prior.private, &summary)?)),
            None => None,
        };
        let mut plan = match Plan::<R>::new(self.schema.clone(), typed_prior, config.clone()) {
            Ok(plan) => plan,
            Err(DecodeError::Unknown(_)) => return Ok(self.plan_by_schema(prior.as_ref(), &config)),
            Err(error) => return Err(error.diagnostic(self.type_name()).into()),
        };
        guard(cx, &summary, self.resource.plan(cx, &mut plan)).await?;
        let before = plan.prior.as_ref().map(|prior| prior.private.clone());
        let (value, requires_replace, memory) = plan.into_parts();
        let private = private::encode_planned(&memory, before.as_ref(), &summary)?;
        Ok(Planned { value, private, requires_replace })
    }

    async fn plan_destroy(&self, cx: &Context, prior: Stored) -> Result<(), Diagnostics> {
        let state = self.state(&prior)?;
        guard(cx, &self.could_not("plan the destruction of"), self.resource.plan_destroy(cx, &state)).await
    }

    async fn apply(&self, cx: &Context, prior: Option<Value>, planned: Stored, config: Value) -> Applied {
        let mut apply = match self.typed_apply(prior.as_ref(), &planned, &config) {
            Ok(apply) => apply,
            // Nothing was done, so what there was is still there.
            Err(problems) => {
                let private = private::of_prior(&planned.private);
                let state = prior.map(|value| Stored { value, private });
                return Applied { state, problems };
            }
        };
        let before = apply.planned.to_value();
        let mut problems = self.run_apply(cx, &mut apply).await.err().unwrap_or_default();
        let state = apply.state.take().and_then(|state| {
            let attempt = self.stored(&planned.value, &before, state);
            attempt.map_err(|more| problems.append(more)).ok()
        });
        Applied { state, problems }
    }

    async fn delete(&self, cx: &Context, prior: Stored) -> Result<(), Diagnostics> {
        let state = self.state(&prior)?;
        guard(cx, &self.could_not("delete"), self.resource.delete(cx, state)).await
    }

    async fn import(&self, cx: &Context, id: &str) -> Result<Stored, Diagnostics> {
        let state = guard(cx, &self.could_not("import"), self.resource.import(cx, id)).await?;
        let private = private::encode(&state.private, &self.could_not("import"))?;
        let body = &self.schema.body;
        let value = with_blocks(body, overlay(&empty(body), state.model.to_value()));
        Ok(Stored { value, private })
    }

    async fn upgrade(
        &self,
        cx: &Context,
        from: i64,
        state: serde_json::Value,
    ) -> Result<serde_json::Value, Diagnostics> {
        guard(cx, &self.could_not("upgrade the state of"), self.resource.upgrade(from, state)).await
    }
}

/// The value in which nothing is set.
pub(crate) fn empty(body: &Body) -> Value {
    let attributes = body.attributes.iter().map(|attribute| (attribute.name.as_str(), Value::Null));
    let blocks =
        body.blocks.iter().map(|block| (block.name.as_str(), empty_block(block.nesting, &block.body)));
    Value::map_of(attributes.chain(blocks))
}

fn empty_block(nesting: Nesting, body: &Body) -> Value {
    match nesting {
        Nesting::Single => Value::Null,
        Nesting::List | Nesting::Set => Value::List(Vec::new()),
        Nesting::Map => Value::Map(Default::default()),
        Nesting::Group => empty(body),
    }
}

/// The value with every block collection that is null in its empty form, as the core wants it.
pub(crate) fn with_blocks(body: &Body, value: Value) -> Value {
    let Value::Map(mut parts) = value else { return value };
    for block in &body.blocks {
        let part = parts.remove(&block.name).unwrap_or_default();
        let inner = |value| with_blocks(&block.body, value);
        let part = match (block.nesting, part) {
            (nesting, Value::Null) => empty_block(nesting, &block.body),
            (Nesting::Single | Nesting::Group, part) => inner(part),
            (_, Value::List(elements)) => Value::List(elements.into_iter().map(inner).collect()),
            (_, Value::Map(elements)) => {
                Value::Map(elements.into_iter().map(|(key, element)| (key, inner(element))).collect())
            }
            (_, part) => part,
        };
        parts.insert(block.name.clone(), part);
    }
    Value::Map(parts)
}
