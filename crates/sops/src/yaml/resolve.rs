//! What a plain scalar is, as Go's `yaml.v3` decides it.

use crate::error::Error;
use crate::value::{Float, Value};

/// The value of a scalar that stands without quotes.
///
/// # Errors
/// When it is a number that cannot be kept.
pub fn plain(text: &str) -> Result<Value, Error> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        _ => {}
    }
    if let Some(time) = time(text) {
        return Ok(Value::Time(time));
    }
    let is_numeric = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    if !is_numeric {
        return Ok(Value::text(text));
    }
    let digits = text.replace('_', "");
    if let Some(whole) = whole(&digits) {
        return i64::try_from(whole).map(Value::Int).map_err(|_| Error::Number);
    }
    if is_decimal(&digits) {
        return Float::exactly(digits.trim_start_matches('+')).map(Value::Float);
    }
    let unsigned = digits.trim_start_matches(['+', '-']);
    if [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"].contains(&unsigned) {
        return Err(Error::Number);
    }
    Ok(Value::text(text))
}

/// Go's `ParseInt` with base 0: a prefix says the base, a leading zero means eight.
fn whole(text: &str) -> Option<i128> {
    let (sign, digits) = match text.as_bytes() {
        [b'-', ..] => (-1, text.get(1..)?),
        [b'+', ..] => (1, text.get(1..)?),
        _ => (1, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (base, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, lower.get(2..)?),
        [b'0', b'o', ..] => (8, lower.get(2..)?),
        [b'0', b'b', ..] => (2, lower.get(2..)?),
        [b'0', _, ..] => (8, lower.get(1..)?),
        _ => (10, lower.as_str()),
    };
    let is_digits = digits.starts_with(|c: char| c.is_ascii_alphanumeric());
    // Longer than what 64 bits hold: as a float it would lose digits.
    i128::from_str_radix(digits, base).ok().filter(|_| is_digits).map(|number| sign * number)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_decimal(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(m, e)| (m, Some(e)));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_is_fine = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent_is_fine
}

/// A date, or a time in RFC 3339, as SOPS then spells it.
fn time(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let is_date = bytes.len() >= 10
        && bytes.iter().take(10).enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !is_date {
        return None;
    }
    let full = if bytes.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let format = &time::format_description::well_known::Rfc3339;
    time::OffsetDateTime::parse(&full, format).ok().map(|_| full)
}
