//! Whether a planned value is one that the core accepts.

use tfvalue::{Path, Type, Value};

use super::Violation;
use crate::schema::{Attribute, Block, Body, Nesting};

/// Every rule that `planned` breaks, for a plan that ends in existence. Also fits the result of
/// data sources and ephemeral resources, which have no prior value.
pub(crate) fn check(body: &Body, prior: Option<&Value>, config: &Value, planned: &Value) -> Vec<Violation> {
    let mut violations = Vec::new();
    if let Err(mismatch) = planned.conforms(&body.value_type()) {
        violations
            .push(Violation { path: mismatch.path, what: "the value is not of the type in the schema" });
        return violations;
    }
    check_body(body, prior, config, planned, &Path::root(), &mut violations);
    violations
}

static NULL: Value = Value::Null;

fn part<'a>(object: Option<&'a Value>, name: &str) -> &'a Value {
    object.and_then(|object| object.attribute(name)).unwrap_or(&NULL)
}

fn check_body(
    body: &Body,
    prior: Option<&Value>,
    config: &Value,
    planned: &Value,
    path: &Path,
    violations: &mut Vec<Violation>,
) {
    for attribute in &body.attributes {
        let name = attribute.name.as_str();
        let (prior, config, planned) =
            (part(prior, name), part(Some(config), name), part(Some(planned), name));
        if let Some(what) = attribute_problem(attribute, prior, config, planned) {
            violations.push(Violation { path: path.clone().attribute(name), what });
        }
    }
    for block in &body.blocks {
        let name = block.name.as_str();
        let (prior, config, planned) =
            (part(prior, name), part(Some(config), name), part(Some(planned), name));
        check_block(block, prior, config, planned, &path.clone().attribute(name), violations);
    }
}

fn attribute_problem(
    attribute: &Attribute,
    prior: &Value,
    config: &Value,
    planned: &Value,
) -> Option<&'static str> {
    let same = |other: &Value| planned.equal(other, &attribute.ty);
    if attribute.write_only {
        return (!planned.is_null()).then_some("a write-only attribute must stay null");
    }
    if same(config) {
        return None;
    }
    if config.is_null() {
        let problem = "the attribute is not computed and not configured, so it must stay null";
        return (!attribute.computed).then_some(problem);
    }
    // Another spelling of the same: the provider may keep the prior value in place of the configured one.
    if !prior.is_null() && same(prior) {
        return None;
    }
    Some("the value is neither the configured nor the prior one")
}

fn check_block(
    block: &Block,
    prior: &Value,
    config: &Value,
    planned: &Value,
    path: &Path,
    violations: &mut Vec<Violation>,
) {
    let mut wrong = |what| violations.push(Violation { path: path.clone(), what });
    let ty = block.value_type();
    match (block.nesting, config.untyped(), planned.untyped()) {
        (_, Value::Unknown, Value::Unknown) | (_, Value::Null, Value::Null) => {}
        (_, Value::Unknown, _) => wrong("the block is unknown in the configuration and must stay unknown"),
        (_, _, Value::Unknown) => wrong("a block cannot be unknown, only attributes in it"),
        (_, Value::Null, _) => wrong("the block is not configured and must stay absent"),
        (_, _, Value::Null) => wrong("the block is configured and must not be absent"),
        (Nesting::Single | Nesting::Group, config, planned) => {
            check_body(&block.body, Some(prior), config, planned, path, violations);
        }
        (Nesting::List, Value::List(configs), Value::List(planneds)) if configs.len() == planneds.len() => {
            let priors = prior.as_list().unwrap_or_default();
            for (index, (config, planned)) in configs.iter().zip(planneds).enumerate() {
                let path = path.clone().index(index);
                check_body(&block.body, priors.get(index), config, planned, &path, violations);
            }
        }
        (Nesting::Map, Value::Map(configs), Value::Map(planneds)) if configs.keys().eq(planneds.keys()) => {
            for ((key, config), planned) in configs.iter().zip(planneds.values()) {
                let path = path.clone().key(key.clone());
                check_body(&block.body, prior.attribute(key), config, planned, &path, violations);
            }
        }
        // Without write-only or computed attributes, which the schema check forbids, and with
        // defaults filled, a set has to be the configured one.
        (Nesting::Set, _, _) => {
            if !set_fits(&ty, prior, config, planned) {
                wrong("the set of blocks is neither the configured nor the prior one");
            }
        }
        _ => wrong("there must be as many blocks, with the same keys, as in the configuration"),
    }
}

fn set_fits(ty: &Type, prior: &Value, config: &Value, planned: &Value) -> bool {
    planned.equal(config, ty) || (!prior.is_null() && planned.equal(prior, ty))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
