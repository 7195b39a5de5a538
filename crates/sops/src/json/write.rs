//! The writer: as Go writes JSON, so that a file that SOPS has written changes in few lines.

use zeroize::Zeroizing;

use crate::value::Value;

/// With tabs and a line break at the end, as SOPS has its files.
pub fn write(value: &Value) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    put(value, Some(0), true, &mut text);
    text.push('\n');
    text
}

/// On one line.
pub fn compact(value: &Value) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    put(value, None, false, &mut text);
    text
}

fn put(value: &Value, depth: Option<usize>, for_html: bool, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(yes) => text.push_str(if *yes { "true" } else { "false" }),
        Value::Int(number) => text.push_str(&number.to_string()),
        Value::Float(number) => text.push_str(number.as_str()),
        Value::Time(time) => string(time, for_html, text),
        Value::Text(content) => string(content, for_html, text),
        // JSON has none.
        Value::Comment(_) => {}
        Value::List(values) => {
            let values = values.iter().filter(|value| !value.is_comment());
            within(['[', ']'], values, depth, text, |value, depth, text| put(value, depth, for_html, text));
        }
        Value::Map(_) => within(['{', '}'], value.pairs(), depth, text, |(name, value), depth, text| {
            string(name, for_html, text);
            text.push_str(if depth.is_some() { ": " } else { ":" });
            put(value, depth, for_html, text);
        }),
    }
}

fn within<T>(
    [open, close]: [char; 2],
    members: impl Iterator<Item = T>,
    depth: Option<usize>,
    text: &mut String,
    mut each: impl FnMut(T, Option<usize>, &mut String),
) {
    text.push(open);
    let inner = depth.map(|depth| depth + 1);
    let mut is_empty = true;
    for member in members {
        if !is_empty {
            text.push(',');
        }
        is_empty = false;
        new_line(inner, text);
        each(member, inner, text);
    }
    if !is_empty {
        new_line(depth, text);
    }
    text.push(close);
}

fn new_line(depth: Option<usize>, text: &mut String) {
    if let Some(depth) = depth {
        text.push('\n');
        text.extend(std::iter::repeat_n('\t', depth));
    }
}

/// A text in quotes. Go escapes what a browser would take for markup.
fn string(content: &str, for_html: bool, text: &mut String) {
    text.push('"');
    let mut rest = content;
    // Most texts have nothing to escape, and are long: what lies between is copied as a whole.
    let escapes = if for_html { &ESCAPES_OF_GO } else { &ESCAPES };
    while let Some(at) = rest.bytes().position(|byte| escapes[usize::from(byte)]) {
        let (plain, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        text.push_str(plain);
        let mut letters = from.chars();
        if let Some(letter) = letters.next() {
            escaped(letter, for_html, text);
        }
        rest = letters.as_str();
    }
    text.push_str(rest);
    text.push('"');
}

/// By the byte that a letter begins with, whether it may have to be escaped.
const ESCAPES: [bool; 256] = escapes(false);
/// The same of Go's own writer.
const ESCAPES_OF_GO: [bool; 256] = escapes(true);

const fn escapes(for_html: bool) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = may_be_escaped(byte as u8, for_html);
        byte += 1;
    }
    table
}

/// Whether a letter that begins with this byte may have to be escaped.
const fn may_be_escaped(byte: u8, for_html: bool) -> bool {
    // The separators of lines and paragraphs begin with 0xE2.
    byte < b' ' || matches!(byte, b'"' | b'\\') || for_html && matches!(byte, b'<' | b'>' | b'&' | 0xE2)
}

fn escaped(letter: char, for_html: bool, text: &mut String) {
    match letter {
        '"' => text.push_str("\\\""),
        '\\' => text.push_str("\\\\"),
        '\n' => text.push_str("\\n"),
        '\r' => text.push_str("\\r"),
        '\t' => text.push_str("\\t"),
        '<' | '>' | '&' | '\u{2028}' | '\u{2029}' if for_html => {
            text.push_str(&format!("\\u{:04x}", u32::from(letter)));
        }
        control if control < ' ' => text.push_str(&format!("\\u{:04x}", u32::from(control))),
        other => text.push(other),
    }
}
