//! From values to JSON, always the same text for the same value: names in their order, no comments.

use std::fmt::Write;

use super::{Member, Node, Value};

/// The value as JSON in one line.
pub fn compact(node: &Node) -> String {
    let mut text = String::new();
    write_value(&mut text, node, None);
    text
}

/// The value as JSON, indented by two spaces, with a newline at its end.
pub fn pretty(node: &Node) -> String {
    let mut text = String::new();
    write_value(&mut text, node, Some(0));
    text.push('\n');
    text
}

fn write_value(text: &mut String, node: &Node, indent: Option<usize>) {
    match &node.value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => text.push_str(number),
        Value::String(string) => write_string(text, string),
        Value::Array(elements) => {
            write_all(text, indent, '[', ']', elements, |text, element, indent| {
                write_value(text, element, indent)
            });
        }
        Value::Object(members) => {
            // Of a name that is there twice, the last counts.
            let mut sorted: Vec<&Member> = Vec::with_capacity(members.len());
            for member in members {
                match sorted.binary_search_by(|other| other.name.as_str().cmp(&member.name)) {
                    Ok(index) => sorted[index] = member,
                    Err(index) => sorted.insert(index, member),
                }
            }
            write_all(text, indent, '{', '}', &sorted, |text, member, indent| {
                write_string(text, &member.name);
                text.push_str(if indent.is_some() { ": " } else { ":" });
                write_value(text, &member.node, indent);
            });
        }
    }
}

fn write_all<T>(
    text: &mut String,
    indent: Option<usize>,
    open: char,
    close: char,
    all: &[T],
    one: impl Fn(&mut String, &T, Option<usize>),
) {
    text.push(open);
    let inner = indent.map(|indent| indent + 2);
    for (index, item) in all.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        new_line(text, inner);
        one(text, item, inner);
    }
    if !all.is_empty() {
        new_line(text, indent);
    }
    text.push(close);
}

fn new_line(text: &mut String, indent: Option<usize>) {
    if let Some(indent) = indent {
        text.push('\n');
        text.extend(std::iter::repeat_n(' ', indent));
    }
}

fn write_string(text: &mut String, string: &str) {
    text.push('"');
    for letter in string.chars() {
        match letter {
            '"' | '\\' => text.extend(['\\', letter]),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            letter if letter < ' ' => {
                // Writing to a String does not fail.
                let _ = write!(text, "\\u{:04x}", u32::from(letter));
            }
            letter => text.push(letter),
        }
    }
    text.push('"');
}
