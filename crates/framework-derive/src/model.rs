//! The expansion of `#[derive(Model)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Error, Field, Fields, LitStr, Result};

/// One field of the struct, with the name of its attribute.
struct Attribute<'a> {
    ident: &'a syn::Ident,
    ty: &'a syn::Type,
    name: String,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, "a model has no generic parameters"));
    }
    let attributes = attributes(input)?;
    let model = &input.ident;
    let idents: Vec<_> = attributes.iter().map(|attribute| attribute.ident).collect();
    let types: Vec<_> = attributes.iter().map(|attribute| attribute.ty).collect();
    let names: Vec<_> = attributes.iter().map(|attribute| &attribute.name).collect();
    Ok(quote! {
        impl ::framework::ModelValue for #model {
            fn value_type() -> ::framework::Type {
                <Self as ::framework::Model>::object_type()
            }

            fn from_value(
                value: &::framework::Value,
                at: &::framework::Path,
            ) -> ::core::result::Result<Self, ::framework::DecodeError> {
                let fields = ::framework::Fields::of(value, at)?;
                ::core::result::Result::Ok(Self { #(#idents: fields.read(#names)?,)* })
            }

            fn to_value(&self) -> ::framework::Value {
                ::framework::Value::Map(::std::collections::BTreeMap::from([
                    #((
                        ::std::string::String::from(#names),
                        ::framework::ModelValue::to_value(&self.#idents),
                    ),)*
                ]))
            }

            fn absent() -> Self {
                <Self as ::framework::Model>::nothing()
            }
        }

        impl ::framework::Model for #model {
            fn field_types() -> ::std::vec::Vec<(&'static str, ::framework::Type)> {
                ::std::vec![#((#names, <#types as ::framework::ModelValue>::value_type()),)*]
            }

            fn nothing() -> Self {
                Self { #(#idents: <#types as ::framework::ModelValue>::absent(),)* }
            }
        }
    })
}

fn attributes(input: &DeriveInput) -> Result<Vec<Attribute<'_>>> {
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(input, "a model is a struct with named fields"));
    };
    let Fields::Named(fields) = &data.fields else {
        return Err(Error::new_spanned(input, "a model is a struct with named fields"));
    };
    let mut attributes: Vec<Attribute<'_>> = Vec::new();
    for field in &fields.named {
        let attribute = attribute(field)?;
        if attributes.iter().any(|other| other.name == attribute.name) {
            return Err(Error::new_spanned(field, format!("a second field named `{}`", attribute.name)));
        }
        attributes.push(attribute);
    }
    Ok(attributes)
}

fn attribute(field: &Field) -> Result<Attribute<'_>> {
    let ident = field.ident.as_ref().ok_or_else(|| Error::new_spanned(field, "a field without a name"))?;
    let mut name = ident.unraw().to_string();
    for option in field.attrs.iter().filter(|attribute| attribute.path().is_ident("model")) {
        option.parse_nested_meta(|meta| {
            if !meta.path.is_ident("name") {
                return Err(meta.error("the only option is `name = \"…\"`"));
            }
            name = meta.value()?.parse::<LitStr>()?.value();
            Ok(())
        })?;
    }
    Ok(Attribute { ident, ty: &field.ty, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(source: &str) -> std::result::Result<String, String> {
        let input = syn::parse_str::<DeriveInput>(source).unwrap();
        expand(&input).map(|tokens| tokens.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn fields_take_their_own_name_or_the_given_one() {
        let code = expanded("struct M { r#type: A, #[model(name = \"other\")] field: B }").unwrap();
        assert!(code.contains("r#type : fields . read (\"type\") ?"), "{code}");
        assert!(code.contains("field : fields . read (\"other\") ?"), "{code}");
    }

    #[test]
    fn what_is_no_model_is_refused() {
        for (source, message) in [
            ("enum M { A }", "struct with named fields"),
            ("struct M(u8);", "struct with named fields"),
            ("struct M<T> { a: T }", "no generic parameters"),
            ("struct M { a: A, #[model(name = \"a\")] b: B }", "a second field named `a`"),
            ("struct M { #[model(rename = \"a\")] b: B }", "the only option"),
        ] {
            let error = expanded(source).unwrap_err();
            assert!(error.contains(message), "{source}: {error}");
        }
    }
}
