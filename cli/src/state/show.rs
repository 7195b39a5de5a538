//! What a file has, line by line, values masked: what `git diff` shows. The mask of a value is of its
//! ciphertext, so that it changes with the value, and no key is needed.

use std::path::Path;

use sha2::{Digest, Sha256};
use sops::{Format, Value};

use crate::exit::{Exit, Failure};
use crate::terminal;

/// Prints it.
///
/// # Errors
/// When the file cannot be read.
pub fn run(path: &Path) -> Result<Exit, Failure> {
    let failed = || Failure::new(format!("Could not show {}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| failed().because(&error))?;
    let tree = Format::Json.read_any(&text).map_err(|error| failed().because(&error))?;
    let mut lines = String::new();
    for (name, value) in tree.pairs().filter(|(name, _)| *name != "sops") {
        show(name, value, &mut lines);
    }
    terminal::raw(&lines);
    Ok(Exit::DONE)
}

fn show(name: &str, value: &Value, lines: &mut String) {
    match value {
        Value::Map(_) if value.pairs().next().is_some() => {
            value.pairs().for_each(|(member, value)| show(&format!("{name}.{member}"), value, lines));
        }
        Value::List(values) if !values.is_empty() => {
            values.iter().enumerate().for_each(|(at, value)| show(&format!("{name}[{at}]"), value, lines));
        }
        Value::Text(text) if !text.is_empty() => {
            let mask = secret::hex(&Sha256::digest(text.as_bytes())[..4]);
            lines.push_str(&format!("{name} = [secret {mask}]\n"));
        }
        Value::Null => lines.push_str(&format!("{name} = null\n")),
        Value::Map(_) => lines.push_str(&format!("{name} = {{}}\n")),
        Value::List(_) => lines.push_str(&format!("{name} = []\n")),
        Value::Text(_) => lines.push_str(&format!("{name} = \"\"\n")),
        // Nothing else is in a file whose values are all encrypted.
        _ => lines.push_str(&format!("{name} = [not encrypted]\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_masked_and_names_are_not() {
        let tree = Format::Json.read_any(r#"{"a":{"b":["ENC[x]","",null,{}]},"c":[],"d":7}"#).unwrap();
        let mut lines = String::new();
        tree.pairs().for_each(|(name, value)| show(name, value, &mut lines));
        let mask = secret::hex(&Sha256::digest("ENC[x]")[..4]);
        assert_eq!(
            lines,
            format!(
                "a.b[0] = [secret {mask}]\na.b[1] = \"\"\na.b[2] = null\na.b[3] = {{}}\nc = []\nd = [not encrypted]\n"
            )
        );
    }
}
