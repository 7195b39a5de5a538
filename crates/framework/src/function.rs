//! Functions: what a provider author writes.

use async_trait::async_trait;
use tfvalue::{Path, Type, Value};

use crate::{DecodeError, ModelValue};

/// A pure function that a configuration can call. It sees no configured provider.
#[async_trait]
pub trait Function: Send + Sync + 'static {
    /// The types of its arguments, a tuple: `(String, i64)`; the last may be [`Variadic`].
    type Arguments: Arguments;
    /// The type of its result.
    type Output: ModelValue + Send;

    /// The name, without a prefix.
    fn name(&self) -> &'static str;

    /// What it does, and the name and description of each argument.
    fn documentation(&self) -> Documentation;

    /// Computes the result. Same arguments, same result.
    async fn call(&self, arguments: Self::Arguments) -> Result<Self::Output, FunctionError>;
}

/// What a person reads about a function.
#[derive(Clone, Debug, Default)]
pub struct Documentation {
    /// One line.
    pub summary: String,
    /// Markdown.
    pub description: String,
    /// What to use instead, when it is deprecated.
    pub deprecation: Option<String>,
    /// Name and description of each argument, the variadic one last.
    pub arguments: Vec<(String, String)>,
}

impl Documentation {
    /// One line that says what the function does.
    pub fn new(summary: impl Into<String>) -> Self {
        Self { summary: summary.into(), ..Self::default() }
    }

    /// More about it, in Markdown.
    #[must_use]
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// The next argument.
    #[must_use]
    pub fn argument(mut self, name: impl Into<String>, description: impl Into<String>) -> Self {
        self.arguments.push((name.into(), description.into()));
        self
    }
}

/// The full signature, for the core and the documentation.
#[derive(Clone, Debug)]
pub struct Signature {
    /// What a person reads about it.
    pub documentation: Documentation,
    /// The arguments before the variadic one.
    pub parameters: Vec<Parameter>,
    /// The argument that may appear any number of times, after all others.
    pub variadic: Option<Parameter>,
    /// The type of the result.
    pub returns: Type,
}

impl Signature {
    /// What is missing in the documentation, one line each.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let parameters: Vec<_> = self.parameters.iter().chain(&self.variadic).collect();
        if self.documentation.summary.trim().is_empty() {
            mistakes.push("no summary".to_owned());
        }
        if parameters.len() != self.documentation.arguments.len() {
            let documented = self.documentation.arguments.len();
            mistakes.push(format!("{documented} arguments documented, there are {}", parameters.len()));
        }
        for (position, parameter) in parameters.into_iter().enumerate() {
            if parameter.name.is_empty() || parameter.description.trim().is_empty() {
                mistakes.push(format!("argument {}: no name or no description", position + 1));
            }
        }
        mistakes
    }
}

/// One argument of a function. Null is refused by the core unless the Rust type is an `Option` or
/// a `Field`; unknown arguments make the result unknown without a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub struct Parameter {
    /// Its name in the documentation and in messages.
    pub name: String,
    /// Markdown.
    pub description: String,
    pub ty: Type,
    /// Whether null may be given.
    pub allow_null: bool,
}

/// Why a function has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct FunctionError {
    /// A sentence for the person who wrote the call.
    pub text: String,
    /// The argument to blame, counted from 0.
    pub argument: Option<usize>,
}

impl FunctionError {
    /// No argument is to blame in particular.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), argument: None }
    }

    /// The argument at this position, counted from 0, is to blame.
    pub fn argument(argument: usize, text: impl Into<String>) -> Self {
        Self { text: text.into(), argument: Some(argument) }
    }
}

/// The last argument, given any number of times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variadic<T>(pub Vec<T>);

/// One position in the argument list: a value, or a [`Variadic`] at the end.
pub trait Argument: Sized + Send {
    /// Its type and whether it may be null.
    fn ty() -> (Type, bool);
    /// Whether it takes all arguments that are left.
    const VARIADIC: bool = false;
    /// Decodes its part from the front of `values`, and leaves the rest; `position` counts from 0.
    fn decode(values: &mut &[Value], position: usize) -> Result<Self, FunctionError>;
}

fn read<T: ModelValue>(value: &Value, position: usize) -> Result<T, FunctionError> {
    T::from_value(value, &Path::root()).map_err(|error| {
        let text = match error {
            DecodeError::Range { expected, .. } => format!("The value must be {expected}."),
            DecodeError::Null(_) => "The value must not be null.".to_owned(),
            other => other.to_string(),
        };
        FunctionError::argument(position, text)
    })
}

impl<T: ModelValue + Send> Argument for T {
    fn ty() -> (Type, bool) {
        (T::value_type(), T::nullable())
    }

    fn decode(values: &mut &[Value], position: usize) -> Result<Self, FunctionError> {
        let (first, rest) = values
            .split_first()
            .ok_or_else(|| FunctionError::new(format!("Argument {} is missing.", position + 1)))?;
        *values = rest;
        read(first, position)
    }
}

impl<T: ModelValue + Send> Argument for Variadic<T> {
    const VARIADIC: bool = true;

    fn ty() -> (Type, bool) {
        (T::value_type(), T::nullable())
    }

    fn decode(values: &mut &[Value], position: usize) -> Result<Self, FunctionError> {
        let all = std::mem::take(values);
        all.iter()
            .enumerate()
            .map(|(index, value)| read(value, position + index))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// A tuple of [`Argument`]s.
pub trait Arguments: Sized + Send {
    /// The type of each argument, whether it may be null, and whether it is variadic.
    fn types() -> Vec<(Type, bool, bool)>;
    /// Reads all arguments.
    fn read(values: &[Value]) -> Result<Self, FunctionError>;
}

macro_rules! arguments {
    ($($name:ident $position:literal),*) => {
        impl<$($name: Argument),*> Arguments for ($($name,)*) {
            fn types() -> Vec<(Type, bool, bool)> {
                vec![$(($name::ty().0, $name::ty().1, $name::VARIADIC)),*]
            }

            #[allow(unused_mut, unused_variables)]
            fn read(values: &[Value]) -> Result<Self, FunctionError> {
                let mut rest = values;
                let arguments = ($($name::decode(&mut rest, $position)?,)*);
                if rest.is_empty() { Ok(arguments) } else { Err(FunctionError::new("There are too many arguments.")) }
            }
        }
    };
}
arguments!();
arguments!(A 0);
arguments!(A 0, B 1);
arguments!(A 0, B 1, C 2);
arguments!(A 0, B 1, C 2, D 3);

/// The signature of a function. What its documentation lacks, [`Signature::mistakes`] reports.
pub(crate) fn signature<F: Function>(function: &F) -> Signature {
    let documentation = function.documentation();
    let mut parameters = Vec::new();
    let mut variadic = None;
    for (index, (ty, allow_null, is_variadic)) in F::Arguments::types().into_iter().enumerate() {
        let (name, description) = documentation.arguments.get(index).cloned().unwrap_or_default();
        let parameter = Parameter { name, description, ty, allow_null };
        if is_variadic { variadic = Some(parameter) } else { parameters.push(parameter) }
    }
    Signature { documentation, parameters, variadic, returns: F::Output::value_type() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_by_position() {
        let values = [Value::from("a"), 1.into(), 2.into()];
        assert_eq!(<(String, Variadic<i64>)>::read(&values), Ok(("a".to_owned(), Variadic(vec![1, 2]))));
        assert_eq!(<(String, Variadic<i64>)>::read(&values[..1]), Ok(("a".to_owned(), Variadic(vec![]))));
        assert_eq!(<(String,)>::read(&values).unwrap_err().text, "There are too many arguments.");
        assert_eq!(<(String, i64)>::read(&values[..1]).unwrap_err().text, "Argument 2 is missing.");
        assert_eq!(<(String, u64)>::read(&["a".into(), (-1).into()]).unwrap_err().argument, Some(1));
    }
}
