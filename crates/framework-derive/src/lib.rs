//! Derive macro for typed resource models.
//!
//! Documented where it is used: `framework::Model`.

mod model;

use proc_macro::TokenStream;

/// Maps the fields of a struct to the attributes and blocks of the same name.
///
/// `#[model(name = "…")]` on a field gives another name than the field's own; `#[model(flatten)]` on
/// one that is itself a model takes that model's fields for more of this one.
#[proc_macro_derive(Model, attributes(model))]
pub fn derive_model(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    model::expand(&input).unwrap_or_else(|error| error.into_compile_error()).into()
}
