//! Mistakes in a schema that can be found without a configuration.

use std::collections::BTreeSet;

use tfvalue::Type;

use super::{Attribute, Block, Body, Nesting, Schema};
use crate::Model;

/// Names that the core's language keeps for itself in a resource block.
const RESERVED: [&str; 8] =
    ["connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioner", "locals"];

impl Schema {
    /// Every mistake in the schema, one line each; empty when it is sound. To be asserted in the
    /// test of every resource, together with [`Schema::check_model`].
    pub fn check(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        for name in RESERVED {
            if self.body.attribute(name).is_some() || self.body.block(name).is_some() {
                mistakes.push(format!("{name}: reserved by the language"));
            }
        }
        check_body(&self.body, "", false, &mut mistakes);
        mistakes
    }

    /// Every difference between the schema and the model `M`, one line each.
    pub fn check_model<M: Model>(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let mut schema = match self.value_type() {
            Type::Object(attributes) => attributes,
            _ => Default::default(),
        };
        if self.timeouts.is_some() {
            schema.remove(super::TIMEOUTS);
        }
        for (name, ty) in M::field_types() {
            match schema.remove(name) {
                None => mistakes.push(format!("{name}: in the model, not in the schema")),
                Some(declared) if !fits(&ty, &declared) => {
                    mistakes.push(format!("{name}: {ty} in the model, {declared} in the schema"));
                }
                Some(_) => {}
            }
        }
        mistakes.extend(schema.into_keys().map(|name| format!("{name}: in the schema, not in the model")));
        mistakes
    }
}

/// Whether a model field of one type can hold values of the other: `Value` holds anything, a `Vec`
/// also a set.
fn fits(model: &Type, schema: &Type) -> bool {
    match (model, schema) {
        (Type::Dynamic, _) => true,
        (Type::List(model), Type::List(schema) | Type::Set(schema))
        | (Type::Set(model), Type::Set(schema))
        | (Type::Map(model), Type::Map(schema)) => fits(model, schema),
        (Type::Object(model), Type::Object(schema)) => {
            model.len() == schema.len()
                && model.iter().all(|(name, ty)| schema.get(name).is_some_and(|other| fits(ty, other)))
        }
        (model, schema) => model == schema,
    }
}

fn check_body(body: &Body, prefix: &str, in_set: bool, mistakes: &mut Vec<String>) {
    let mut names = BTreeSet::new();
    let all = body.attributes.iter().map(|a| &a.name).chain(body.blocks.iter().map(|b| &b.name));
    for name in all {
        if !valid_name(name) {
            mistakes.push(format!("{prefix}{name}: not a valid name"));
        }
        if !names.insert(name.as_str()) {
            mistakes.push(format!("{prefix}{name}: declared twice"));
        }
    }
    for name in body.rules.iter().flat_map(|rule| rule.names()) {
        if !names.contains(name) {
            mistakes.push(format!("{prefix}{name}: in a rule, not in the schema"));
        }
    }
    for attribute in &body.attributes {
        let what = attribute_mistakes(attribute, in_set);
        mistakes.extend(what.into_iter().map(|what| format!("{prefix}{}: {what}", attribute.name)));
    }
    for block in &body.blocks {
        let what = block_mistakes(block);
        mistakes.extend(what.into_iter().map(|what| format!("{prefix}{}: {what}", block.name)));
        let inner = format!("{prefix}{}.", block.name);
        check_body(&block.body, &inner, in_set || block.nesting == Nesting::Set, mistakes);
    }
}

fn attribute_mistakes(attribute: &Attribute, in_set: bool) -> Vec<&'static str> {
    let Attribute { required, optional, computed, write_only, .. } = *attribute;
    let default = attribute.default.as_ref();
    let mistakes = [
        (required && (optional || computed), "required excludes optional and computed"),
        (!(required || optional || computed), "neither required nor optional nor computed"),
        (write_only && computed, "write-only excludes computed"),
        (write_only && in_set, "no write-only attribute inside of a set block"),
        (write_only && attribute.requires_replace, "a write-only value has no prior value to compare with"),
        (computed && in_set, "no computed attribute inside of a set block, its elements have no identity"),
        (default.is_some() && !(optional && computed), "a default needs optional and computed"),
        (
            default.is_some_and(|value| value.conforms(&attribute.ty).is_err()),
            "the default is of another type",
        ),
        (default.is_some_and(|value| value.is_null()), "the default is null"),
        (attribute.keep_on_update && !computed, "only a computed value can be kept on update"),
        (attribute.description.trim().is_empty(), "no description"),
    ];
    mistakes.into_iter().filter(|(wrong, _)| *wrong).map(|(_, what)| what).collect()
}

fn block_mistakes(block: &Block) -> Vec<&'static str> {
    let counted = matches!(block.nesting, Nesting::List | Nesting::Set);
    let single = block.nesting == Nesting::Single;
    let mistakes = [
        (!counted && !single && (block.min > 0 || block.max > 0), "only lists and sets count"),
        (single && (block.min > 1 || block.max > 1), "a single block appears at most once"),
        (counted && block.max > 0 && block.min > block.max, "more at least than at most"),
        (block.body.description.trim().is_empty(), "no description"),
    ];
    mistakes.into_iter().filter(|(wrong, _)| *wrong).map(|(_, what)| what).collect()
}

fn valid_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '_')
}
