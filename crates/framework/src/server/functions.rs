//! CallFunction.

use tfvalue::{Type, Value};

use super::{Dynamic, Server};
use crate::schema::{Operation, Timeouts};
use crate::{FunctionError, Signature, error_chain};

impl Server {
    /// Calls a function. With an unknown argument the result is unknown, without a call.
    ///
    /// # Errors
    /// What the function says, or that an argument is not what the signature asks for.
    pub async fn call_function(&self, name: &str, arguments: &[Dynamic]) -> Result<Dynamic, FunctionError> {
        let function = self
            .functions
            .get(name)
            .ok_or_else(|| FunctionError::new(format!("The provider has no function {name:?}.")))?;
        let signature = function.0.signature();
        let values = arguments.iter().enumerate().map(|(position, argument)| {
            let ty = parameter_type(signature, position)
                .ok_or_else(|| FunctionError::argument(position, "There are too many arguments."))?;
            argument.decode(ty).map_err(|error| FunctionError::argument(position, error_chain(&error)))
        });
        let values = values.collect::<Result<Vec<Value>, _>>()?;
        let result = if values.iter().all(Value::is_wholly_known) {
            let cx = self.context(Operation::Function, name, Timeouts::default(), None);
            function.0.call(&cx, &values).await?
        } else {
            Value::Unknown
        };
        Dynamic::encode(&result, &signature.returns).map_err(|error| {
            let text = format!(
                "Function {name} returned a value of another type: {}. This is a bug in the provider, please report it.",
                error_chain(&error)
            );
            FunctionError::new(text)
        })
    }
}

fn parameter_type(signature: &Signature, position: usize) -> Option<&Type> {
    let parameter = signature.parameters.get(position).or(signature.variadic.as_ref())?;
    Some(&parameter.ty)
}
