//! An [`EphemeralResource`] on plain values.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use tfvalue::Value;

use super::{could_not, guard, guarded_validation, model, model_to_validate, private};
use crate::model::merge;
use crate::schema::Schema;
use crate::{Context, Diagnostics, EphemeralResource, ModelValue, prefill};

/// Some ephemeral resource.
#[derive(Clone)]
pub struct AnyEphemeral(pub(crate) Arc<dyn ErasedEphemeral>);

impl AnyEphemeral {
    /// Wraps an ephemeral resource for [`Provider::ephemerals`](crate::Provider::ephemerals).
    pub fn new(ephemeral: impl EphemeralResource) -> Self {
        let schema = ephemeral.schema();
        Self(Arc::new(Erased { ephemeral, schema }))
    }
}

impl fmt::Debug for AnyEphemeral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.type_name())
    }
}

/// What was opened.
pub(crate) struct OpenedValue {
    pub value: Value,
    pub private: Vec<u8>,
    pub renew_at: Option<SystemTime>,
}

#[async_trait]
pub(crate) trait ErasedEphemeral: Send + Sync {
    fn type_name(&self) -> &'static str;
    fn schema(&self) -> &Schema;
    fn mistakes(&self) -> Vec<String>;
    async fn validate(&self, cx: &Context, config: &Value) -> Diagnostics;
    async fn open(&self, cx: &Context, config: &Value) -> Result<OpenedValue, Diagnostics>;
    async fn renew(&self, cx: &Context, private: &[u8])
    -> Result<(Vec<u8>, Option<SystemTime>), Diagnostics>;
    async fn close(&self, cx: &Context, private: &[u8]) -> Result<(), Diagnostics>;
}

struct Erased<E> {
    ephemeral: E,
    schema: Schema,
}

#[async_trait]
impl<E: EphemeralResource> ErasedEphemeral for Erased<E> {
    fn type_name(&self) -> &'static str {
        self.ephemeral.type_name()
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn mistakes(&self) -> Vec<String> {
        super::mistakes::<E::Model>(&self.schema)
    }

    async fn validate(&self, cx: &Context, config: &Value) -> Diagnostics {
        guarded_validation(cx, self.type_name(), async {
            let mut problems = Diagnostics::new();
            if let Some(model) = model_to_validate::<E::Model>(config, self.type_name(), &mut problems) {
                self.ephemeral.validate(cx, &model, &mut problems).await;
            }
            problems
        })
        .await
    }

    async fn open(&self, cx: &Context, config: &Value) -> Result<OpenedValue, Diagnostics> {
        let summary = could_not("open", self.type_name());
        let wanted = prefill::planned(&self.schema.body, None, config);
        let asked: E::Model = model(&wanted, self.type_name())?;
        let before = asked.to_value();
        let opened = guard(cx, &summary, self.ephemeral.open(cx, asked)).await?;
        Ok(OpenedValue {
            value: merge(&wanted, &before, &opened.model.to_value()),
            private: private::encode(&opened.private, &summary)?,
            renew_at: opened.renew_at,
        })
    }

    async fn renew(&self, cx: &Context, bytes: &[u8]) -> Result<(Vec<u8>, Option<SystemTime>), Diagnostics> {
        let summary = could_not("renew", self.type_name());
        let mut memory = private::decode(bytes, &summary)?;
        let renew_at = guard(cx, &summary, self.ephemeral.renew(cx, &mut memory)).await?;
        Ok((private::encode(&memory, &summary)?, renew_at))
    }

    async fn close(&self, cx: &Context, bytes: &[u8]) -> Result<(), Diagnostics> {
        let summary = could_not("close", self.type_name());
        let memory = private::decode(bytes, &summary)?;
        guard(cx, &summary, self.ephemeral.close(cx, memory)).await
    }
}
