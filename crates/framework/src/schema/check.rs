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
            // Nobody writes what is only computed, so that the language has no say in its name.
            let written = |attribute: &Attribute| attribute.required || attribute.optional;
            if self.body.attribute(name).is_some_and(written) || self.body.block(name).is_some() {
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
        (
            attribute.older_cores.is_some() && !write_only,
            "only a write-only attribute needs another for older cores",
        ),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Rule;
    use crate::{Field, ModelValue, Timeouts, Value};

    fn described(attribute: Attribute) -> Attribute {
        attribute.describe("d")
    }

    #[test]
    fn each_mistake_is_found() {
        let text = |name: &str| described(Attribute::string(name));
        let set = |attribute| Block::set("b").describe("d").attribute(attribute);
        for (schema, expected) in [
            (Schema::new(0).attribute(text("count")), "count: reserved by the language"),
            (Schema::new(0).attribute(text("Name")), "Name: not a valid name"),
            (Schema::new(0).attributes([text("a"), text("a")]), "a: declared twice"),
            (Schema::new(0).attribute(text("a")).block(Block::list("a").describe("d")), "a: declared twice"),
            (Schema::new(0).attribute(Attribute::string("a")), "a: no description"),
            (
                Schema::new(0).attribute(text("a").required().computed()),
                "a: required excludes optional and computed",
            ),
            (
                Schema::new(0).attribute(text("a").optional().required()),
                "a: required excludes optional and computed",
            ),
            (Schema::new(0).attribute(text("a").write_only().computed()), "a: write-only excludes computed"),
            (
                Schema::new(0).attribute(text("a").write_only().default("x")),
                "a: write-only excludes computed",
            ),
            (
                Schema::new(0).attribute(text("a").write_only().requires_replace()),
                "a: a write-only value has no prior",
            ),
            (Schema::new(0).attribute(text("a").default(1)), "a: the default is of another type"),
            (Schema::new(0).attribute(text("a").default(Value::Null)), "a: the default is null"),
            (Schema::new(0).attribute(text("a").keep_on_update()), "a: only a computed value can be kept"),
            (
                Schema::new(0).block(set(text("a").write_only())),
                "b.a: no write-only attribute inside of a set",
            ),
            (Schema::new(0).block(set(text("a").computed())), "b.a: no computed attribute inside of a set"),
            (Schema::new(0).block(Block::list("b")), "b: no description"),
            (Schema::new(0).block(Block::map("b").describe("d").max(1)), "b: only lists and sets count"),
            (
                Schema::new(0).block(Block::single("b").describe("d").max(2)),
                "b: a single block appears at most once",
            ),
            (
                Schema::new(0).block(Block::list("b").describe("d").min(3).max(2)),
                "b: more at least than at most",
            ),
            (Schema::new(0).rule(Rule::at_most_one_of(["a"])), "a: in a rule, not in the schema"),
        ] {
            let found = schema.check();
            assert!(found.iter().any(|mistake| mistake.starts_with(expected)), "{expected}: {found:?}");
        }
    }

    #[test]
    fn a_sound_schema_has_no_mistakes() {
        let attribute = described(Attribute::string("a").optional().computed());
        let same = described(Attribute::string("b").computed().optional());
        assert!(attribute.optional && attribute.computed && same.optional && same.computed);
        let schema = Schema::new(0).attributes([attribute, same]).timeouts(Timeouts::new().create(1));
        assert_eq!(schema.check(), Vec::<String>::new());
    }

    #[derive(Clone, Model)]
    struct Inner {
        n: Field<i64>,
    }

    #[derive(Clone, Model)]
    #[allow(dead_code)]
    struct Outer {
        a: Field<String>,
        any: Field<Value>,
        set: Field<Vec<String>>,
        blocks: Vec<Inner>,
    }

    #[test]
    fn a_model_and_a_schema_are_the_same_or_the_difference_is_named() {
        let n = Attribute::number("n");
        let schema = Schema::new(0)
            .attribute(Attribute::string("a"))
            .attribute(Attribute::new("any", Type::Number))
            .attribute(Attribute::set("set", Type::String))
            .block(Block::list("blocks").attribute(n))
            .timeouts(Timeouts::new().create(1));
        assert_eq!(schema.check_model::<Outer>(), Vec::<String>::new());

        let other = Schema::new(0)
            .attribute(Attribute::bool("a"))
            .attribute(Attribute::new("any", Type::Number))
            .attribute(Attribute::set("set", Type::Number))
            .attribute(Attribute::string("more"));
        assert_eq!(
            other.check_model::<Outer>(),
            [
                "a: string in the model, bool in the schema",
                "set: list(string) in the model, set(number) in the schema",
                "blocks: in the model, not in the schema",
                "more: in the schema, not in the model",
            ]
        );
        assert_eq!(Inner::value_type(), Inner::object_type());
    }
}
