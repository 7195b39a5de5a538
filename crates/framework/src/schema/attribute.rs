//! One attribute of a schema.

use tfvalue::{Type, Value};

use super::Validator;
use crate::ModelValue;

/// One attribute: its name, type, and who sets it.
///
/// An attribute that is neither required nor computed is optional, unless it says otherwise.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Lower-case letters, digits and underscores.
    pub name: String,
    /// The type of its value.
    pub ty: Type,
    /// Markdown.
    pub description: String,
    /// A person must set it.
    pub required: bool,
    /// A person may set it.
    pub optional: bool,
    /// The provider sets it where a person did not.
    pub computed: bool,
    /// Hidden in what the CLI shows; stored in clear in the state.
    pub sensitive: bool,
    /// Given to create and update, never stored. Needs OpenTofu or Terraform 1.11.
    pub write_only: bool,
    /// What to use instead, when it is deprecated.
    pub deprecation: Option<String>,
    /// Its value where a person sets none. Needs [`Attribute::computed`], which it implies.
    pub default: Option<Value>,
    /// Another value replaces the resource.
    pub requires_replace: bool,
    /// Computed once: an update keeps the value instead of planning it as unknown.
    pub keep_on_update: bool,
    /// What a value must satisfy; null and unknown are not asked.
    pub validators: Vec<Validator>,
    /// For a write-only attribute: what to set under a core that is too old for it.
    pub older_cores: Option<String>,
    /// Whether `optional` was said, and is not only what is left when nothing was.
    said_optional: bool,
}

impl Attribute {
    /// An optional attribute of any type.
    pub fn new(name: impl Into<String>, ty: Type) -> Self {
        Self {
            name: name.into(),
            ty,
            description: String::new(),
            required: false,
            optional: true,
            computed: false,
            sensitive: false,
            write_only: false,
            deprecation: None,
            default: None,
            requires_replace: false,
            keep_on_update: false,
            validators: Vec::new(),
            older_cores: None,
            said_optional: false,
        }
    }

    /// An optional text.
    pub fn string(name: impl Into<String>) -> Self {
        Self::new(name, Type::String)
    }

    /// An optional number.
    pub fn number(name: impl Into<String>) -> Self {
        Self::new(name, Type::Number)
    }

    /// An optional truth value.
    pub fn bool(name: impl Into<String>) -> Self {
        Self::new(name, Type::Bool)
    }

    /// An optional list.
    pub fn list(name: impl Into<String>, element: Type) -> Self {
        Self::new(name, Type::list(element))
    }

    /// An optional set.
    pub fn set(name: impl Into<String>, element: Type) -> Self {
        Self::new(name, Type::set(element))
    }

    /// An optional map.
    pub fn map(name: impl Into<String>, element: Type) -> Self {
        Self::new(name, Type::map(element))
    }

    /// What it is for, in Markdown.
    #[must_use]
    pub fn describe(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// A person must set it.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.required = true;
        self.optional = self.said_optional;
        self
    }

    /// A person may set it; with [`Attribute::computed`], the provider sets it otherwise.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.said_optional = true;
        self.optional = true;
        self
    }

    /// The provider sets it; a person can only when it is also [`Attribute::optional`].
    #[must_use]
    pub fn computed(mut self) -> Self {
        self.computed = true;
        self.optional = self.said_optional;
        self
    }

    /// Hidden in what the CLI shows, stored in clear in the state.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Given to create and update, never stored; also hidden.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self.sensitive = true;
        self
    }

    /// For a write-only attribute: the name of the attribute to set under a core that is too old for
    /// it. Part of the message that refuses the write-only one there.
    #[must_use]
    pub fn older_cores_use(mut self, name: impl Into<String>) -> Self {
        self.older_cores = Some(name.into());
        self
    }

    /// Deprecated; the text says what to use instead.
    #[must_use]
    pub fn deprecated(mut self, instead: impl Into<String>) -> Self {
        self.deprecation = Some(instead.into());
        self
    }

    /// The value where a person sets none. Makes the attribute optional and computed.
    #[must_use]
    pub fn default(mut self, value: impl Into<Value>) -> Self {
        self.default = Some(value.into());
        self.optional().computed()
    }

    /// What a value must satisfy.
    #[must_use]
    pub fn validate(mut self, validator: Validator) -> Self {
        self.validators.push(validator);
        self
    }

    /// What a value must satisfy, as a function of the Rust type that the model has for it.
    ///
    /// The text of the error goes to a person: say what the value must be, as a sentence or as a
    /// fragment that starts with `must`; the name of the attribute and its place are added.
    #[must_use]
    pub fn check<T: ModelValue + 'static>(
        self,
        check: impl Fn(&T) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.validate(super::validate::custom(check))
    }

    /// Another value replaces the resource.
    #[must_use]
    pub fn requires_replace(mut self) -> Self {
        self.requires_replace = true;
        self
    }

    /// Computed once: an update keeps the value instead of planning it as unknown.
    #[must_use]
    pub fn keep_on_update(mut self) -> Self {
        self.keep_on_update = true;
        self
    }

    /// Whether validation messages must not show the value.
    pub fn hides_value(&self) -> bool {
        self.sensitive || self.write_only
    }
}
