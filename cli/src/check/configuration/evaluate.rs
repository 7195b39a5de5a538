//! What expressions come to, as far as that is known without a plan.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hcl_edit::expr::{
    BinaryOperator, Expression, FuncCall, ObjectKey, Traversal, TraversalOperator, UnaryOperator,
};
use hcl_edit::template::{Element, Strip, Template};
use serde_json::Value;

use super::tree::{Attribute, Said};
use super::value::Static;

/// How far expressions lead on to others. Locals that lead back to themselves are no configuration.
const DEPTH: usize = 64;

/// What names stand for in a module.
#[derive(Debug)]
pub struct Scope {
    /// The directory of the module, absolute.
    pub module: PathBuf,
    /// The directory that the core is run in.
    pub root: PathBuf,
    /// What variables are: given from outside, else their defaults.
    pub variables: BTreeMap<String, Static>,
    /// What locals say; evaluated where they are asked for.
    pub locals: BTreeMap<String, Attribute>,
    /// `each.key` and `each.value`.
    pub each: Option<(Static, Static)>,
    /// `count.index`.
    pub count: Option<Static>,
    /// How deep one is.
    pub depth: Cell<usize>,
}

impl Scope {
    /// What an attribute comes to.
    pub fn value(&self, attribute: &Attribute) -> Static {
        match &attribute.said {
            Said::Native(expression) => self.expression(expression),
            Said::Json(value) => self.json(value),
        }
    }

    fn json(&self, value: &Value) -> Static {
        match value {
            Value::Null => Static::Null,
            Value::Bool(truth) => Static::Bool(*truth),
            Value::Number(number) => Static::Number(number.to_string()),
            Value::String(text) => match hcl_edit::parser::parse_template(text) {
                Ok(template) => self.template(&template),
                Err(_) => Static::Unknown,
            },
            Value::Array(values) => Static::List(values.iter().map(|value| self.json(value)).collect()),
            Value::Object(members) => {
                let pairs = members.iter().map(|(name, value)| (name.clone(), self.json(value)));
                Static::Map(pairs.collect())
            }
        }
    }

    fn expression(&self, expression: &Expression) -> Static {
        if self.depth.get() > DEPTH {
            return Static::Unknown;
        }
        self.depth.set(self.depth.get() + 1);
        let value = self.within(expression);
        self.depth.set(self.depth.get() - 1);
        value
    }

    fn within(&self, expression: &Expression) -> Static {
        match expression {
            Expression::Null(_) => Static::Null,
            Expression::Bool(truth) => Static::Bool(*truth.value()),
            Expression::Number(number) => Static::Number(number.value().to_string()),
            Expression::String(text) => Static::Text(text.value().clone()),
            Expression::Array(values) => {
                Static::List(values.iter().map(|value| self.expression(value)).collect())
            }
            Expression::Object(object) => {
                let mut map = BTreeMap::new();
                for (key, value) in object.iter() {
                    let key = match key {
                        ObjectKey::Ident(name) => Some(name.as_str().to_owned()),
                        ObjectKey::Expression(key) => self.expression(key).text(),
                    };
                    let Some(key) = key else { return Static::Unknown };
                    map.insert(key, self.expression(value.expr()));
                }
                Static::Map(map)
            }
            Expression::StringTemplate(_) | Expression::HeredocTemplate(_) => {
                expression.as_template().map_or(Static::Unknown, |template| self.template(template))
            }
            Expression::Parenthesis(inner) => self.expression(inner.inner()),
            Expression::Conditional(choice) => match self.expression(&choice.cond_expr) {
                Static::Bool(true) => self.expression(&choice.true_expr),
                Static::Bool(false) => self.expression(&choice.false_expr),
                _ => Static::Unknown,
            },
            Expression::UnaryOp(operation) => {
                match (operation.operator.value(), self.expression(&operation.expr)) {
                    (UnaryOperator::Not, Static::Bool(truth)) => Static::Bool(!truth),
                    _ => Static::Unknown,
                }
            }
            Expression::BinaryOp(operation) => {
                let sides = [&operation.lhs_expr, &operation.rhs_expr].map(|side| self.expression(side));
                compared(*operation.operator.value(), &sides)
            }
            Expression::Traversal(traversal) => self.traversal(traversal),
            Expression::FuncCall(call) => self.call(call),
            Expression::Variable(_) | Expression::ForExpr(_) => Static::Unknown,
        }
    }

    fn template(&self, template: &Template) -> Static {
        let elements: Vec<&Element> = template.iter().collect();
        // One interpolation alone keeps its type.
        if let [Element::Interpolation(one)] = elements.as_slice() {
            return self.expression(&one.expr);
        }
        let mut text = String::new();
        for element in elements {
            match element {
                Element::Literal(literal) => text.push_str(literal.value()),
                Element::Interpolation(one) if one.strip == Strip::None => {
                    match self.expression(&one.expr).text() {
                        Some(part) => text.push_str(&part),
                        None => return Static::Unknown,
                    }
                }
                Element::Interpolation(_) | Element::Directive(_) => return Static::Unknown,
            }
        }
        Static::Text(text)
    }

    fn traversal(&self, traversal: &Traversal) -> Static {
        let Expression::Variable(first) = &traversal.expr else {
            return self.steps(self.expression(&traversal.expr), &traversal.operators);
        };
        let Some((second, rest)) = traversal.operators.split_first() else { return Static::Unknown };
        let TraversalOperator::GetAttr(name) = second.value() else { return Static::Unknown };
        let start = match (first.as_str(), name.as_str()) {
            ("var", name) => self.variables.get(name).cloned(),
            ("local", name) => self.locals.get(name).map(|local| self.local(local)),
            ("path", "module") => Some(directory(&self.module)),
            ("path", "root" | "cwd") => Some(directory(&self.root)),
            ("each", "key") => self.each.as_ref().map(|(key, _)| key.clone()),
            ("each", "value") => self.each.as_ref().map(|(_, value)| value.clone()),
            ("count", "index") => self.count.clone(),
            _ => None,
        };
        self.steps(start.unwrap_or(Static::Unknown), rest)
    }

    /// A local in JSON leads on without an expression in between.
    fn local(&self, local: &Attribute) -> Static {
        if self.depth.get() > DEPTH {
            return Static::Unknown;
        }
        self.depth.set(self.depth.get() + 1);
        let value = self.value(local);
        self.depth.set(self.depth.get() - 1);
        value
    }

    fn steps(&self, start: Static, steps: &[hcl_edit::Decorated<TraversalOperator>]) -> Static {
        steps.iter().fold(start, |value, step| match step.value() {
            TraversalOperator::GetAttr(name) => value.get(&Static::Text(name.as_str().to_owned())),
            TraversalOperator::Index(key) => value.get(&self.expression(key)),
            TraversalOperator::LegacyIndex(at) => value.get(&Static::Number(at.value().to_string())),
            TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => Static::Unknown,
        })
    }

    fn call(&self, call: &FuncCall) -> Static {
        if call.name.is_namespaced() || call.args.expand_final() {
            return Static::Unknown;
        }
        let arguments: Vec<Static> = call.args.iter().map(|argument| self.expression(argument)).collect();
        match (call.name.name.as_str(), arguments.as_slice()) {
            ("toset" | "tolist" | "tomap" | "sensitive" | "nonsensitive" | "ephemeralasnull", [value]) => {
                value.clone()
            }
            ("tostring", [value]) => value.text().map_or(Static::Unknown, Static::Text),
            ("file", [Static::Text(path)]) => {
                let text = std::fs::read_to_string(self.root.join(path));
                text.map_or(Static::Unknown, Static::Text)
            }
            ("abspath", [Static::Text(path)]) => directory(&self.root.join(path)),
            ("concat", lists) => {
                let all = lists
                    .iter()
                    .map(|list| if let Static::List(all) = list { Some(all.clone()) } else { None });
                let all: Option<Vec<Vec<Static>>> = all.collect();
                all.map_or(Static::Unknown, |all| Static::List(all.concat()))
            }
            ("merge", maps) => {
                let mut merged = BTreeMap::new();
                for map in maps {
                    match map {
                        Static::Map(map) => merged.extend(map.clone()),
                        Static::Null => {}
                        _ => return Static::Unknown,
                    }
                }
                Static::Map(merged)
            }
            ("keys", [Static::Map(map)]) => Static::List(map.keys().cloned().map(Static::Text).collect()),
            _ => Static::Unknown,
        }
    }
}

fn directory(path: &Path) -> Static {
    Static::Text(path.display().to_string())
}

fn compared(operator: BinaryOperator, sides: &[Static; 2]) -> Static {
    match (operator, sides) {
        (BinaryOperator::And, [Static::Bool(one), Static::Bool(other)]) => Static::Bool(*one && *other),
        (BinaryOperator::Or, [Static::Bool(one), Static::Bool(other)]) => Static::Bool(*one || *other),
        (BinaryOperator::Eq | BinaryOperator::NotEq, [one, other]) => match (one.json(), other.json()) {
            (Some(one), Some(other)) => Static::Bool((one == other) == (operator == BinaryOperator::Eq)),
            _ => Static::Unknown,
        },
        _ => Static::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(locals: &str) -> Scope {
        let body = hcl_edit::parser::parse_body(locals).unwrap();
        let locals = body.attributes().map(|one| {
            let said = Said::Native(Box::new(one.value.clone()));
            (one.key.as_str().to_owned(), Attribute { said, line: 1 })
        });
        Scope {
            module: "/repo/modules/app".into(),
            root: "/repo".into(),
            variables: [
                ("stage".to_owned(), Static::Text("prod".into())),
                ("token".to_owned(), Static::Unknown),
                ("tags".to_owned(), Static::Map([("web".to_owned(), Static::Text("1.2".into()))].into())),
            ]
            .into(),
            locals: locals.collect(),
            each: Some((Static::Text("a".into()), Static::Unknown)),
            count: None,
            depth: Cell::default(),
        }
    }

    fn value(text: &str) -> Static {
        let locals = "name = \"shop-${var.stage}\"\nloop = local.loop\nboth = merge({ A = 1 }, { B = var.token })\n\
                      doc = <<-END\n  one\n    two ${var.stage}\n  END\n";
        scope(locals).expression(&hcl_edit::parser::parse_expr(text).unwrap())
    }

    #[test]
    fn what_stands_there_is_known() {
        for (text, expected) in [
            (r#""${path.module}/app""#, "/repo/modules/app/app"),
            ("local.name", "shop-prod"),
            (r#"var.tags["web"]"#, "1.2"),
            ("var.tags.web", "1.2"),
            (r#"var.stage == "prod" ? "yes" : "no""#, "yes"),
            (r#""${each.key}-${1 != 2}""#, "a-true"),
            ("(true && !false ? 8080 : 80)", "8080"),
            (r#"["a", "b"][1]"#, "b"),
            (r#"abspath("x")"#, "/repo/x"),
            ("local.doc", "one\n  two prod\n"),
        ] {
            assert_eq!(value(text).text().as_deref(), Some(expected), "{text}");
        }
        assert_eq!(
            value("concat(toset([\"a\"]), keys({ b = 1 }))").texts(),
            Some(vec!["a".to_owned(), "b".to_owned()])
        );
    }

    #[test]
    fn what_only_a_plan_knows_is_not_guessed() {
        for text in [
            "windlass_host.web.connection",
            "var.token",
            "var.other",
            "each.value",
            "count.index",
            "local.loop",
            "\"x-${var.token}\"",
            "[for x in [1]: x]",
            "var.token ? 1 : 2",
            "templatefile(\"x\", {})",
            "1 + 1",
        ] {
            assert_eq!(value(text), Static::Unknown, "{text}");
        }
        // Names are known where values are not.
        let Static::Map(both) = value("local.both") else { panic!() };
        assert_eq!(both.keys().collect::<Vec<_>>(), ["A", "B"]);
        assert_eq!(both["B"], Static::Unknown);
    }

    #[test]
    fn texts_in_json_are_templates() {
        let scope = scope("");
        let json = |text: &str| scope.json(&serde_json::from_str(text).unwrap());
        assert_eq!(json(r#""${var.stage}/x""#), Static::Text("prod/x".into()));
        assert_eq!(json(r#""${var.tags}""#), scope.variables["tags"]);
        assert_eq!(json(r#"["$${x}"]"#), Static::List(vec![Static::Text("${x}".into())]));
    }
}
