//! The expansion of `#[derive(Model)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Error, Field, Fields, LitStr, Result};

/// One field of the struct.
struct Attribute<'a> {
    ident: &'a syn::Ident,
    ty: &'a syn::Type,
    /// The name of its attribute; none where it is a model of more attributes of the same object.
    name: Option<String>,
}

impl Attribute<'_> {
    fn decoded(&self) -> TokenStream {
        let Self { ident, ty, name } = self;
        match name {
            Some(name) => quote!(#ident: fields.read(#name)?),
            None => quote!(#ident: <#ty as ::framework::ModelValue>::from_value(value, at)?),
        }
    }

    fn encoded(&self) -> TokenStream {
        let Self { ident, name, .. } = self;
        let value = quote!(::framework::ModelValue::to_value(&self.#ident));
        match name {
            Some(name) => quote!(all.insert(::std::string::String::from(#name), #value);),
            None => quote!(if let ::framework::Value::Map(more) = #value { all.extend(more); }),
        }
    }

    fn declared(&self) -> TokenStream {
        let Self { ty, name, .. } = self;
        match name {
            Some(name) => quote!(all.push((#name, <#ty as ::framework::ModelValue>::value_type()));),
            None => quote!(all.extend(<#ty as ::framework::Model>::field_types());),
        }
    }

    fn absent(&self) -> TokenStream {
        let Self { ident, ty, .. } = self;
        quote!(#ident: <#ty as ::framework::ModelValue>::absent())
    }
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, "a model has no generic parameters"));
    }
    let attributes = attributes(input)?;
    let model = &input.ident;
    let all = attributes.iter();
    let decoded = all.clone().map(Attribute::decoded);
    let encoded = all.clone().map(Attribute::encoded);
    let declared = all.clone().map(Attribute::declared);
    let absent = all.map(Attribute::absent);
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
                ::core::result::Result::Ok(Self { #(#decoded,)* })
            }

            fn to_value(&self) -> ::framework::Value {
                let mut all = ::std::collections::BTreeMap::new();
                #(#encoded)*
                ::framework::Value::Map(all)
            }

            fn absent() -> Self {
                <Self as ::framework::Model>::nothing()
            }
        }

        impl ::framework::Model for #model {
            fn field_types() -> ::std::vec::Vec<(&'static str, ::framework::Type)> {
                let mut all = ::std::vec::Vec::new();
                #(#declared)*
                all
            }

            fn nothing() -> Self {
                Self { #(#absent,)* }
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
        if let Some(name) = &attribute.name
            && attributes.iter().any(|other| other.name == attribute.name)
        {
            return Err(Error::new_spanned(field, format!("a second field named `{name}`")));
        }
        attributes.push(attribute);
    }
    Ok(attributes)
}

fn attribute(field: &Field) -> Result<Attribute<'_>> {
    let ident = field.ident.as_ref().ok_or_else(|| Error::new_spanned(field, "a field without a name"))?;
    let mut name = Some(ident.unraw().to_string());
    for option in field.attrs.iter().filter(|attribute| attribute.path().is_ident("model")) {
        option.parse_nested_meta(|meta| {
            name = match &meta.path {
                path if path.is_ident("flatten") => None,
                path if path.is_ident("name") => Some(meta.value()?.parse::<LitStr>()?.value()),
                _ => return Err(meta.error("the options are `name = \"…\"` and `flatten`")),
            };
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
            ("struct M { #[model(rename = \"a\")] b: B }", "the options are"),
        ] {
            let error = expanded(source).unwrap_err();
            assert!(error.contains(message), "{source}: {error}");
        }
    }
}
