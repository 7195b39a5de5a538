//! A [`Provider`] on plain values.

use async_trait::async_trait;
use tfvalue::Value;

use super::{guard, guarded_validation, model, model_to_validate};
use crate::schema::Schema;
use crate::{Context, Diagnostics, Provider};

/// Some provider.
pub(crate) type AnyProvider = Box<dyn ErasedProvider>;

#[async_trait]
pub(crate) trait ErasedProvider: Send + Sync {
    fn schema(&self) -> &Schema;
    fn mistakes(&self) -> Vec<String>;
    async fn validate(&self, cx: &Context, config: &Value) -> Diagnostics;
    async fn configure(&self, cx: &Context, config: &Value) -> Result<(), Diagnostics>;
    fn remarks(&self) -> Diagnostics;
}

pub(crate) struct Erased<P> {
    provider: P,
    schema: Schema,
}

impl<P: Provider> Erased<P> {
    pub(crate) fn new(provider: P) -> Self {
        let schema = provider.schema();
        Self { provider, schema }
    }
}

/// What the provider is called in messages.
const NAME: &str = "the provider";

#[async_trait]
impl<P: Provider> ErasedProvider for Erased<P> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn mistakes(&self) -> Vec<String> {
        super::mistakes::<P::Model>(&self.schema)
    }

    async fn validate(&self, cx: &Context, config: &Value) -> Diagnostics {
        guarded_validation(cx, NAME, async {
            let mut problems = Diagnostics::new();
            if let Some(model) = model_to_validate::<P::Model>(config, NAME, &mut problems) {
                self.provider.validate(cx, &model, &mut problems).await;
            }
            problems
        })
        .await
    }

    async fn configure(&self, cx: &Context, config: &Value) -> Result<(), Diagnostics> {
        let config = model(config, NAME)?;
        guard(cx, "Could not configure the provider", self.provider.configure(cx, config)).await
    }

    fn remarks(&self) -> Diagnostics {
        self.provider.remarks()
    }
}
