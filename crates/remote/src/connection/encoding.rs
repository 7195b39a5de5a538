//! Percent-encoding (RFC 3986 §2), with as little of it as the place allows.

use std::fmt::Write;

/// Text for the place of the user: not even `:` is left, so that none is taken for a password.
pub(super) fn user(text: &str) -> String {
    encode(text, b"-._~")
}

/// Text for the value of a parameter.
pub(super) fn parameter(text: &str) -> String {
    encode(text, b"-._~/:@,[]")
}

/// Text for a path.
pub(super) fn path(text: &str) -> String {
    encode(text, b"-._~/:@,")
}

fn encode(text: &str, kept: &[u8]) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// The text that was encoded; `None` for a `%` without two hex digits, bytes that are not UTF-8,
/// and control characters, which have no business in any part of a connection.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = rest else { return None };
        bytes.push(digit(*high)? * 16 + digit(*low)?);
        rest = tail;
    }
    String::from_utf8(bytes).ok().filter(|text| !text.chars().any(char::is_control))
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
