//! A [`DataSource`] on plain values.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tfvalue::Value;

use super::{could_not, guard, guarded_validation, model, model_to_validate};
use crate::model::merge;
use crate::schema::Schema;
use crate::{Context, DataSource, Diagnostics, ModelValue, prefill};

/// Some data source.
#[derive(Clone)]
pub struct AnyDataSource(pub(crate) Arc<dyn ErasedDataSource>);

impl AnyDataSource {
    /// Wraps a data source for [`Provider::data_sources`](crate::Provider::data_sources).
    pub fn new(source: impl DataSource) -> Self {
        let schema = source.schema();
        Self(Arc::new(Erased { source, schema }))
    }
}

impl fmt::Debug for AnyDataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.type_name())
    }
}

#[async_trait]
pub(crate) trait ErasedDataSource: Send + Sync {
    fn type_name(&self) -> &'static str;
    fn schema(&self) -> &Schema;
    fn mistakes(&self) -> Vec<String>;
    async fn validate(&self, cx: &Context, config: &Value) -> Diagnostics;
    async fn read(&self, cx: &Context, config: &Value) -> Result<Value, Diagnostics>;
}

struct Erased<D> {
    source: D,
    schema: Schema,
}

#[async_trait]
impl<D: DataSource> ErasedDataSource for Erased<D> {
    fn type_name(&self) -> &'static str {
        self.source.type_name()
    }

    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn mistakes(&self) -> Vec<String> {
        super::mistakes::<D::Model>(&self.schema)
    }

    async fn validate(&self, cx: &Context, config: &Value) -> Diagnostics {
        guarded_validation(cx, self.type_name(), async {
            let mut problems = Diagnostics::new();
            if let Some(model) = model_to_validate::<D::Model>(config, self.type_name(), &mut problems) {
                self.source.validate(cx, &model, &mut problems).await;
            }
            problems
        })
        .await
    }

    async fn read(&self, cx: &Context, config: &Value) -> Result<Value, Diagnostics> {
        let wanted = prefill::planned(&self.schema.body, None, config);
        let asked: D::Model = model(&wanted, self.type_name())?;
        let before = asked.to_value();
        let found = guard(cx, &could_not("read", self.type_name()), self.source.read(cx, asked)).await?;
        Ok(merge(&wanted, &before, &found.to_value()))
    }
}
