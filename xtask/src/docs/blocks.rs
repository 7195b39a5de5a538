//! The schema section of a page: what can be set, what comes back, and the
//! nested parts below it.

use super::model::{Attribute, Block, NestedBlock};
use super::types;
use serde_json::Value;
use std::collections::VecDeque;

/// A part that gets a section of its own further down the page.
struct Nested<'a> {
    /// Dotted from the top, such as `ssh` or `services.ports`.
    path: String,
    content: Content<'a>,
}

enum Content<'a> {
    Block(&'a Block),
    /// The fields of an object, which have names and types but no descriptions.
    Fields(&'a Value),
}

/// The schema section; `problems` collects what the schema fails to say.
pub fn render(block: &Block, subject: &str, problems: &mut Vec<String>) -> String {
    let mut text = String::from("## Schema\n");
    let mut waiting = VecDeque::new();
    text += &groups(block, "", subject, &mut waiting, problems);
    while let Some(nested) = waiting.pop_front() {
        text +=
            &format!("\n<a id=\"{}\"></a>\n### Nested Schema for `{}`\n", anchor(&nested.path), nested.path);
        text += &match nested.content {
            Content::Block(block) => groups(block, &nested.path, subject, &mut waiting, problems),
            Content::Fields(value) => fields(value, &nested.path, &mut waiting),
        };
    }
    text
}

/// The attributes and blocks in three groups, as registries show them.
fn groups<'a>(
    block: &'a Block,
    path: &str,
    subject: &str,
    waiting: &mut VecDeque<Nested<'a>>,
    problems: &mut Vec<String>,
) -> String {
    let mut required = Vec::new();
    let mut optional = Vec::new();
    let mut read_only = Vec::new();
    for (name, attribute) in &block.attributes {
        let path = join(path, name);
        if attribute.description.is_empty() {
            problems.push(format!("{subject}: {path} has no description"));
        }
        let group = match (attribute.required, attribute.optional) {
            (true, _) => &mut required,
            (false, true) => &mut optional,
            (false, false) => &mut read_only,
        };
        group.push(attribute_line(name, attribute, &path, waiting));
    }
    for (name, nested) in &block.block_types {
        let path = join(path, name);
        if nested.block.description.is_empty() {
            problems.push(format!("{subject}: the block {path} has no description"));
        }
        let group = if nested.min_items > 0 { &mut required } else { &mut optional };
        group.push(block_line(name, nested, &path));
        waiting.push_back(Nested { path, content: Content::Block(&nested.block) });
    }
    let mut text = String::new();
    for (title, lines) in [("Required", required), ("Optional", optional), ("Read-Only", read_only)] {
        if !lines.is_empty() {
            // A heading at the top; below, the heading is the nested part's own.
            let title = if path.is_empty() { format!("### {title}") } else { format!("{title}:") };
            text += &format!("\n{title}\n\n{}\n", lines.join("\n"));
        }
    }
    text
}

fn attribute_line<'a>(
    name: &str,
    attribute: &'a Attribute,
    path: &str,
    waiting: &mut VecDeque<Nested<'a>>,
) -> String {
    let mut marks = vec![types::name(&attribute.value_type)];
    let mut mark = |is_set: bool, text: &str| {
        if is_set {
            marks.push(text.to_owned());
        }
    };
    mark(attribute.sensitive, "Sensitive");
    mark(attribute.write_only, "Write-only");
    mark(attribute.deprecated, "Deprecated");
    let mut line = format!("- `{name}` ({})", marks.join(", "));
    for text in [&attribute.description, &attribute.deprecation_message] {
        if !text.is_empty() {
            line += &format!(" {}", one_line(text));
        }
    }
    if types::fields(&attribute.value_type).is_some() {
        line += &see_below(path);
        waiting.push_back(Nested { path: path.to_owned(), content: Content::Fields(&attribute.value_type) });
    }
    line
}

fn block_line(name: &str, nested: &NestedBlock, path: &str) -> String {
    let mut marks = match nested.nesting_mode.as_str() {
        "single" | "group" => "Block".to_owned(),
        "list" => "Block List".to_owned(),
        "set" => "Block Set".to_owned(),
        "map" => "Block Map".to_owned(),
        other => format!("Block, {other}"),
    };
    if nested.min_items > 0 {
        marks += &format!(", Min: {}", nested.min_items);
    }
    if nested.max_items > 0 {
        marks += &format!(", Max: {}", nested.max_items);
    }
    if nested.block.deprecated {
        marks += ", Deprecated";
    }
    let mut line = format!("- `{name}` ({marks})");
    if !nested.block.description.is_empty() {
        line += &format!(" {}", one_line(&nested.block.description));
    }
    line + &see_below(path)
}

fn fields<'a>(value: &'a Value, path: &str, waiting: &mut VecDeque<Nested<'a>>) -> String {
    let mut text = String::from("\n");
    for (name, field) in types::fields(value).unwrap_or_default() {
        text += &format!("- `{name}` ({})", types::name(field));
        if types::fields(field).is_some() {
            let path = join(path, name);
            text += &see_below(&path);
            waiting.push_back(Nested { path, content: Content::Fields(field) });
        }
        text += "\n";
    }
    text
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn anchor(path: &str) -> String {
    format!("nested--{}", path.replace('.', "--"))
}

fn see_below(path: &str) -> String {
    format!(" (see [below](#{}))", anchor(path))
}

/// A list item is one line, whatever line breaks its source has.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
