//! What the library lets pass and the servers refuse.

/// The first offset of something that is no HuJSON whatever stands around it, and what it is.
/// What is not closed is left to the parser.
pub(super) fn first_violation(text: &str) -> Option<(usize, String)> {
    let bytes = text.as_bytes();
    let mut index = 0;
    while let Some(byte) = bytes.get(index).copied() {
        let next = bytes.get(index + 1).copied();
        match (byte, next) {
            (b'"', _) => match end_of_string(bytes, index + 1) {
                Ok(end) => index = end?,
                Err(at) => return Some((at, control(bytes[at]))),
            },
            (b'/', Some(b'/')) => match text.get(index + 2..).and_then(|rest| rest.find('\n')) {
                Some(length) => index += 2 + length + 1,
                None => return Some((index, "a `//` comment must end with a newline".to_owned())),
            },
            (b'/', Some(b'*')) => index += 2 + text.get(index + 2..)?.find("*/")? + 2,
            (b' ' | b'\t' | b'\r' | b'\n' | 0x21..=0x7e, _) => index += 1,
            (0x80.., _) => {
                return Some((
                    index,
                    "only strings and comments may have characters beyond ASCII".to_owned(),
                ));
            }
            _ => return Some((index, control(byte))),
        }
    }
    None
}

/// Where the string that began before `start` is over, `None` where it is not closed.
///
/// # Errors
/// The offset of a control character in it.
fn end_of_string(bytes: &[u8], start: usize) -> Result<Option<usize>, usize> {
    let mut index = start;
    while let Some(byte) = bytes.get(index) {
        match byte {
            b'"' => return Ok(Some(index + 1)),
            b'\\' => index += 2,
            0..0x20 => return Err(index),
            _ => index += 1,
        }
    }
    Ok(None)
}

fn control(byte: u8) -> String {
    match byte {
        b'\n' | b'\r' | b'\t' => {
            "a string must not have line breaks or tabs in it, write them as `\\n` and `\\t`".to_owned()
        }
        byte => format!("a control character (0x{byte:02x}) must not stand here"),
    }
}
