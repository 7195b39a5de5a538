//! A [`Function`] on plain values.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use tfvalue::Value;

use super::guard;
use crate::function::{Arguments, signature};
use crate::{Context, Diagnostic, Function, FunctionError, ModelValue, Signature};

/// Some function.
#[derive(Clone)]
pub struct AnyFunction(pub(crate) Arc<dyn ErasedFunction>);

impl AnyFunction {
    /// Wraps a function for [`Provider::functions`](crate::Provider::functions).
    pub fn new(function: impl Function) -> Self {
        let signature = signature(&function);
        Self(Arc::new(Erased { function, signature }))
    }
}

impl fmt::Debug for AnyFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

#[async_trait]
pub(crate) trait ErasedFunction: Send + Sync {
    fn name(&self) -> &'static str;
    fn signature(&self) -> &Signature;
    async fn call(&self, cx: &Context, arguments: &[Value]) -> Result<Value, FunctionError>;
}

struct Erased<F> {
    function: F,
    signature: Signature,
}

#[async_trait]
impl<F: Function> ErasedFunction for Erased<F> {
    fn name(&self) -> &'static str {
        self.function.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    async fn call(&self, cx: &Context, arguments: &[Value]) -> Result<Value, FunctionError> {
        let arguments = F::Arguments::read(arguments)?;
        let summary = format!("Could not call function {}", self.name());
        // Only a crash or an interruption is an `Err` of the guard, the function's own is inside.
        let outcome = guard(cx, &summary, async { Ok(self.function.call(arguments).await) }).await;
        let outcome = outcome.map_err(|problems| {
            let text: Vec<_> = problems.iter().map(Diagnostic::to_string).collect();
            FunctionError::new(text.join("\n"))
        })?;
        outcome.map(|output| output.to_value())
    }
}
