//! Which resource names which other one, as the configuration in a plan says it: across modules, by
//! their variables and outputs. What goes through a `local` is not in a plan, and not seen.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::read::plan::{Configuration, Module};

/// Addresses without indices, as `module.a.windlass_host.web`.
#[derive(Debug, Default)]
pub struct References {
    /// By resource, then by argument: what it names. The argument `depends_on` is one.
    of: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

/// A module, and where it is called from.
struct Scope<'a> {
    module: &'a Module,
    prefix: String,
    caller: Option<(&'a Scope<'a>, &'a Value)>,
}

/// So deep no module is nested; what calls itself is no configuration.
const DEEPEST: usize = 32;

impl References {
    /// Those of a configuration.
    pub fn of(configuration: &Configuration) -> Self {
        let mut found = Self::default();
        let root = Scope { module: &configuration.root_module, prefix: String::new(), caller: None };
        found.visit(&root);
        found
    }

    fn visit(&mut self, scope: &Scope) {
        for resource in &scope.module.resources {
            let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for (argument, expression) in resource.expressions.as_object().into_iter().flatten() {
                let found = mentioned(expression).into_iter().flat_map(|one| scope.resolve(one, 0));
                named.entry(argument.clone()).or_default().extend(found);
            }
            let depends = resource.depends_on.iter().flat_map(|one| scope.resolve(one, 0));
            named.entry("depends_on".into()).or_default().extend(depends);
            self.of.insert(format!("{}{}", scope.prefix, resource.address), named);
        }
        for (name, call) in &scope.module.module_calls {
            let prefix = format!("{}module.{name}.", scope.prefix);
            self.visit(&Scope { module: &call.module, prefix, caller: Some((scope, &call.expressions)) });
        }
    }

    /// What an argument of a resource names.
    pub fn by_argument(&self, resource: &str, argument: &str) -> impl Iterator<Item = &str> {
        let named = self.of.get(resource).and_then(|named| named.get(argument));
        named.into_iter().flatten().map(String::as_str)
    }

    /// All that a resource names.
    pub fn all(&self, resource: &str) -> BTreeSet<&str> {
        let named = self.of.get(resource).into_iter().flat_map(BTreeMap::values);
        named.flatten().map(String::as_str).filter(|one| *one != resource).collect()
    }
}

impl Scope<'_> {
    fn resolve(&self, reference: &str, depth: usize) -> Vec<String> {
        if depth > DEEPEST {
            return Vec::new();
        }
        let parts: Vec<String> = without_indices(reference).split('.').map(str::to_owned).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["var", name, ..] => self.of_variable(name, depth),
            ["module", name, output, ..] => self.of_output(name, Some(output), depth),
            ["module", name] => self.of_output(name, None, depth),
            ["each" | "count" | "path" | "local" | "self" | "terraform" | "tofu", ..] => Vec::new(),
            ["data", kind, name, ..] => vec![format!("{}data.{kind}.{name}", self.prefix)],
            [kind, name, ..] => vec![format!("{}{kind}.{name}", self.prefix)],
            _ => Vec::new(),
        }
    }

    fn of_variable(&self, name: &str, depth: usize) -> Vec<String> {
        let Some((caller, arguments)) = self.caller else { return Vec::new() };
        let Some(expression) = arguments.get(name) else { return Vec::new() };
        mentioned(expression).into_iter().flat_map(|one| caller.resolve(one, depth + 1)).collect()
    }

    fn of_output(&self, name: &str, output: Option<&str>, depth: usize) -> Vec<String> {
        let Some(call) = self.module.module_calls.get(name) else { return Vec::new() };
        let inner = Scope {
            module: &call.module,
            prefix: format!("{}module.{name}.", self.prefix),
            caller: Some((self, &call.expressions)),
        };
        let outputs = call.module.outputs.iter().filter(|(name, _)| output.is_none_or(|one| one == *name));
        outputs
            .flat_map(|(_, output)| mentioned(&output.expression))
            .flat_map(|one| inner.resolve(one, depth + 1))
            .collect()
    }
}

/// All references in an expression. The core lists a longer one before what it begins with
/// (`a.b.c`, `a.b`), and both mean the same resource.
fn mentioned(expression: &Value) -> Vec<&str> {
    match expression {
        Value::Object(map) => match map.get("references") {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => map.values().flat_map(mentioned).collect(),
        },
        Value::Array(list) => list.iter().flat_map(mentioned).collect(),
        _ => Vec::new(),
    }
}

/// An address without the keys of its instances, in which anything may stand.
pub fn without_indices(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    let (mut inside, mut quoted, mut escaped) = (false, false, false);
    for character in address.chars() {
        match (inside, quoted, character) {
            (false, _, '[') => inside = true,
            (false, _, other) => out.push(other),
            (true, true, _) if escaped => escaped = false,
            (true, true, '\\') => escaped = true,
            (true, _, '"') => quoted = !quoted,
            (true, false, ']') => inside = false,
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn references() -> References {
        let configuration: Configuration = serde_json::from_value(json!({ "root_module": {
            "resources": [
                { "address": "windlass_host.web", "expressions": { "address": { "references": ["hcloud_server.web[0].ip", "hcloud_server.web[0]", "hcloud_server.web"] } } },
                { "address": "t.after", "expressions": { "block": [{ "x": { "references": ["module.app.id", "module.app"] } }] }, "depends_on": ["windlass_host.web"] },
            ],
            "module_calls": { "app": {
                "expressions": { "host": { "references": ["windlass_host.web.connection", "windlass_host.web"] } },
                "module": {
                    "resources": [{ "address": "windlass_compose_stack.shop", "expressions": { "host": { "references": ["var.host"] }, "name": { "constant_value": "shop" } } }],
                    "outputs": { "id": { "expression": { "references": ["windlass_compose_stack.shop.id", "windlass_compose_stack.shop"] } } },
                },
            } },
        } }))
        .unwrap();
        References::of(&configuration)
    }

    #[test]
    fn modules_are_seen_through_in_both_directions() {
        let references = references();
        let named: Vec<&str> =
            references.by_argument("module.app.windlass_compose_stack.shop", "host").collect();
        assert_eq!(named, ["windlass_host.web"]);
        let all: Vec<&str> = references.all("t.after").into_iter().collect();
        assert_eq!(all, ["module.app.windlass_compose_stack.shop", "windlass_host.web"]);
        let all: Vec<&str> = references.all("windlass_host.web").into_iter().collect();
        assert_eq!(all, ["hcloud_server.web"]);
    }

    #[test]
    fn keys_of_instances_may_have_anything_in_them() {
        assert_eq!(without_indices(r#"module.a["x.]\"y"].t.n[0].b"#), "module.a.t.n.b");
        assert_eq!(without_indices("t.n"), "t.n");
    }
}
