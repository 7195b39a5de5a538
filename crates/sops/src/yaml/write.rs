//! The writer: blocks, four spaces, and quotes wherever a text could be taken for something else.

use zeroize::Zeroizing;

use super::resolve;
use crate::error::Error;
use crate::value::Value;

const INDENT: usize = 4;

/// Writes a map.
///
/// # Errors
/// When it is none.
pub fn write(value: &Value) -> Result<Zeroizing<String>, Error> {
    let Value::Map(pairs) = value else { return Err(Error::Shape("something other than a map at its top")) };
    let mut text = Zeroizing::new(String::new());
    if pairs.is_empty() {
        text.push_str("{}\n");
    }
    map(pairs, 0, false, &mut text);
    Ok(text)
}

fn pad(by: usize, text: &mut String) {
    text.extend(std::iter::repeat_n(' ', by));
}

/// Pairs, each on lines of its own; the first one may stand behind a dash.
fn map(pairs: &[(String, Value)], by: usize, behind_dash: bool, text: &mut String) {
    for (at, (name, value)) in pairs.iter().enumerate() {
        if at > 0 || !behind_dash {
            pad(by, text);
        }
        if let Value::Comment(comment) = value {
            put_comment(comment, text);
            continue;
        }
        put_text(name, text);
        text.push(':');
        member(value, by + INDENT, text);
    }
}

fn list(values: &[Value], by: usize, behind_dash: bool, text: &mut String) {
    for (at, value) in values.iter().enumerate() {
        if at > 0 || !behind_dash {
            pad(by, text);
        }
        if let Value::Comment(comment) = value {
            put_comment(comment, text);
            continue;
        }
        text.push('-');
        match value {
            Value::Map(pairs) if pairs.first().is_some_and(|(_, value)| !value.is_comment()) => {
                text.push(' ');
                map(pairs, by + 2, true, text);
            }
            Value::List(values) if values.first().is_some_and(|value| !value.is_comment()) => {
                text.push(' ');
                list(values, by + 2, true, text);
            }
            other => member(other, by + 2, text),
        }
    }
}

/// What stands behind `name:` or a dash, whose own lines begin further in.
fn member(value: &Value, by: usize, text: &mut String) {
    match value {
        Value::Map(pairs) if !pairs.is_empty() => {
            text.push('\n');
            map(pairs, by, false, text);
            if pairs.iter().all(|(_, value)| value.is_comment()) {
                pad(by, text);
                text.push_str("{}\n");
            }
        }
        Value::List(values) if !values.is_empty() => {
            text.push('\n');
            list(values, by, false, text);
            if values.iter().all(Value::is_comment) {
                pad(by, text);
                text.push_str("[]\n");
            }
        }
        Value::Text(content) if is_block(content) => {
            text.push_str(if content.ends_with('\n') { " |\n" } else { " |-\n" });
            for line in content.lines() {
                pad(by, text);
                text.push_str(line);
                text.push('\n');
            }
        }
        other => {
            text.push(' ');
            scalar(other, text);
            text.push('\n');
        }
    }
}

fn scalar(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(yes) => text.push_str(if *yes { "true" } else { "false" }),
        Value::Int(number) => text.push_str(&number.to_string()),
        Value::Float(number) => {
            text.push_str(number.as_str());
            if !number.as_str().contains('.') {
                text.push_str(".0");
            }
        }
        Value::Time(time) => text.push_str(time),
        Value::Text(content) => put_text(content, text),
        Value::List(_) => text.push_str("[]"),
        Value::Map(_) => text.push_str("{}"),
        Value::Comment(_) => {}
    }
}

fn put_comment(comment: &str, text: &mut String) {
    text.push('#');
    text.push_str(&comment.replace(['\n', '\r'], " "));
    text.push('\n');
}

/// Several lines that mean the same as a block: nothing that trimming, folding or an indentation
/// could change.
fn is_block(content: &str) -> bool {
    let plain_line = |line: &str| {
        line.bytes().all(|byte| (b' '..0x7f).contains(&byte))
            && !line.is_empty()
            && !line.starts_with(' ')
            && !line.ends_with(' ')
    };
    let body = content.strip_suffix('\n').unwrap_or(content);
    body.contains('\n') && body.split('\n').all(plain_line)
}

fn put_text(content: &str, text: &mut String) {
    if is_plain(content) {
        text.push_str(content);
        return;
    }
    text.push('"');
    for letter in content.chars() {
        match letter {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            ' '..='~' => text.push(letter),
            other if other.is_alphanumeric() => text.push(other),
            other if u32::from(other) < 0x100 => text.push_str(&format!("\\x{:02x}", u32::from(other))),
            other if u32::from(other) < 0x1_0000 => text.push_str(&format!("\\u{:04x}", u32::from(other))),
            other => text.push_str(&format!("\\U{:08x}", u32::from(other))),
        }
    }
    text.push('"');
}

/// Whether a text is one without quotes, for readers of YAML 1.1 and 1.2.
fn is_plain(content: &str) -> bool {
    let words_of_others = ["y", "n", "yes", "no", "on", "off"];
    let is_fine = |c: char| c.is_ascii_alphanumeric() || "_./+=,:[]- ".contains(c);
    content.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '/')
        && content.chars().all(is_fine)
        && !content.contains(": ")
        && !content.ends_with([':', ' '])
        && !words_of_others.contains(&content.to_ascii_lowercase().as_str())
        && matches!(resolve::plain(content), Ok(Value::Text(_)))
}
