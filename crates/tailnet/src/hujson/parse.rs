//! From text to values. The parser is that of a library; what it is too lenient about is refused
//! before.

use jsonc_parser::{
    CollectOptions, ParseOptions,
    ast::{self, ObjectPropName},
    common::Ranged,
    parse_to_ast,
};

use super::{Member, Node, Position, SyntaxError, Value, strict};

/// What HuJSON allows beyond JSON, and nothing else.
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Reads one value.
///
/// # Errors
/// [`SyntaxError`] where the text is not HuJSON; values nested deeper than 512 are refused too.
pub fn parse(text: &str) -> Result<Node, SyntaxError> {
    let lines = Lines::of(text);
    if let Some((offset, what)) = strict::first_violation(text) {
        return Err(SyntaxError { at: lines.position(offset), what });
    }
    let parsed = parse_to_ast(text, &CollectOptions::default(), &OPTIONS).map_err(|error| SyntaxError {
        at: lines.position(error.range().start),
        what: fragment(&error.kind().to_string()),
    })?;
    let value = parsed.value.ok_or_else(|| SyntaxError {
        at: lines.position(text.len()),
        what: "there is no value".to_owned(),
    })?;
    node(&value, &lines)
}

/// The library's sentence as the end of one of ours.
fn fragment(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map(|first| first.to_lowercase().collect::<String>() + letters.as_str())
        .unwrap_or_default()
}

fn node(value: &ast::Value<'_>, lines: &Lines) -> Result<Node, SyntaxError> {
    let at = lines.position(value.range().start);
    let value = match value {
        ast::Value::NullKeyword(_) => Value::Null,
        ast::Value::BooleanLit(literal) => Value::Bool(literal.value),
        ast::Value::StringLit(literal) => Value::String(literal.value.to_string()),
        ast::Value::NumberLit(literal) if is_number(literal.value) => Value::Number(literal.value.to_owned()),
        ast::Value::NumberLit(_) => return Err(SyntaxError { at, what: "invalid number".to_owned() }),
        ast::Value::Array(array) => {
            Value::Array(array.elements.iter().map(|element| node(element, lines)).collect::<Result<_, _>>()?)
        }
        ast::Value::Object(object) => {
            let member = |property: &ast::ObjectProp<'_>| {
                let name = match &property.name {
                    ObjectPropName::String(name) => name.value.to_string(),
                    ObjectPropName::Word(word) => word.value.to_owned(),
                };
                let at = lines.position(property.range.start);
                Ok(Member { name, at, node: node(&property.value, lines)? })
            };
            Value::Object(object.properties.iter().map(member).collect::<Result<_, _>>()?)
        }
    };
    Ok(Node { at, value })
}

/// Whether `text` is a number of JSON: no leading zeros, digits on both sides of a point.
fn is_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
}

/// Where the lines of a text begin, and what is beyond ASCII in it: a position costs two searches however
/// long its line is, and what `jsonencode` writes is one line.
struct Lines {
    starts: Vec<usize>,
    /// The bytes that continue a character.
    continued: Vec<usize>,
}

impl Lines {
    fn of(text: &str) -> Self {
        let after = text.match_indices('\n').map(|(index, _)| index + 1);
        let bytes = text.bytes().enumerate();
        Self {
            starts: std::iter::once(0).chain(after).collect(),
            continued: bytes.filter(|(_, byte)| byte & 0xc0 == 0x80).map(|(index, _)| index).collect(),
        }
    }

    fn position(&self, offset: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let continued = |before: usize| self.continued.partition_point(|index| *index < before);
        let column = offset - start - (continued(offset) - continued(start)) + 1;
        Position { line, column }
    }
}
