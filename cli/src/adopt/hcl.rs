//! Configuration as text. Pure.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use hcl_edit::expr::Expression;

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A path below the configuration.
    Local(String),
    /// Whether something is so.
    Flag(bool),
    /// Texts.
    List(Vec<String>),
    /// Texts by name.
    Map(Vec<(String, String)>),
}

/// A resource that is there already, and by which id it is imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its type.
    pub kind: &'static str,
    /// What it is called in the configuration.
    pub label: String,
    /// Its id.
    pub id: String,
    /// What is said before it.
    pub comment: Option<String>,
    /// Its attributes, in their order.
    pub attributes: Vec<(&'static str, Value)>,
}

/// A text in quotes, whatever is in it.
pub fn quoted(text: &str) -> String {
    Expression::from(text).to_string()
}

impl Value {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Local(path) => {
                let path = quoted(path);
                format!("\"${{path.module}}/{}", path.trim_start_matches('"'))
            }
            Self::Flag(flag) => flag.to_string(),
            Self::List(all) => {
                format!("[{}]", all.iter().map(|one| quoted(one)).collect::<Vec<_>>().join(", "))
            }
            Self::Map(all) => {
                let pairs = all.iter().map(|(name, value)| format!("{} = {}", quoted(name), quoted(value)));
                format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// The lines of attributes, aligned as `tofu fmt` aligns them.
fn attributes(all: &[(&str, Value)], indent: &str) -> String {
    let width = all.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    all.iter().map(|(name, value)| format!("{indent}{name:width$} = {}\n", value.text())).collect()
}

impl Resource {
    /// Its import, and the resource itself.
    pub fn text(&self) -> String {
        let Self { kind, label, id, comment, .. } = self;
        let import = [("to", format!("{kind}.{label}")), ("id", quoted(id))];
        let import: String = import.iter().map(|(name, value)| format!("  {name} = {value}\n")).collect();
        let mut text = format!("import {{\n{import}}}\n\n");
        text += &comment.as_deref().map(self::comment).unwrap_or_default();
        let _ = write!(
            text,
            "resource {} {} {{\n{}",
            quoted(kind),
            quoted(label),
            attributes(&self.attributes, "  ")
        );
        text + "}\n"
    }
}

/// The lines of a text as a comment.
pub fn comment(text: &str) -> String {
    text.lines().map(|line| format!("# {line}\n")).collect()
}

/// A name for `text` in a configuration that is none of `taken` yet, and is from now on.
pub fn label(text: &str, taken: &mut BTreeSet<String>) -> String {
    let letters =
        text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' });
    let mut name: String = letters.collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        name.insert(0, '_');
    }
    let mut label = name.clone();
    let mut number = 2;
    while !taken.insert(label.clone()) {
        label = format!("{name}_{number}");
        number += 1;
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_written_with_its_import() {
        let text = |text: &str| Value::Text(text.into());
        let resource = Resource {
            kind: "windlass_docker_network",
            label: "edge".into(),
            id: "ssh://web|edge".into(),
            comment: Some("One\ntwo".into()),
            attributes: vec![
                ("host", text("ssh://web")),
                ("name", text("ed\"ge${x}%{y}$z\n")),
                ("internal", Value::Flag(true)),
                ("source", Value::Local("files/a b".into())),
                ("files", Value::List(vec!["a".into(), "b".into()])),
                ("labels", Value::Map(vec![("a.b".into(), "c".into())])),
            ],
        };
        let expected = "import {\n  to = windlass_docker_network.edge\n  id = \"ssh://web|edge\"\n}\n\n# One\n# two\n\
            resource \"windlass_docker_network\" \"edge\" {\n  host     = \"ssh://web\"\n  name     = \"ed\\\"ge$${x}%%{y}$z\\n\"\n  \
            internal = true\n  source   = \"${path.module}/files/a b\"\n  files    = [\"a\", \"b\"]\n  \
            labels   = { \"a.b\" = \"c\" }\n}\n";
        assert_eq!(resource.text(), expected);
    }

    #[test]
    fn labels_are_names_and_each_is_another_one() {
        let mut taken = BTreeSet::new();
        let labels = ["shop", "shop", "a.b c", "1st", "shop_2"].map(|text| label(text, &mut taken));
        assert_eq!(labels, ["shop", "shop_2", "a_b_c", "_1st", "shop_2_2"]);
    }
}
