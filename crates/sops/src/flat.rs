//! Files that are names and values and nothing else, such as variables of an environment.

use std::collections::BTreeMap;

use secret::Secret;

use crate::error::Error;
use crate::file::Format;
use crate::value::Value;

/// The names in an encrypted file. They stand there readable: no key is needed, and nothing is
/// verified.
///
/// # Errors
/// When it is not encrypted by SOPS, and when one of them has no single value.
pub fn names(text: &str, format: Format) -> Result<Vec<String>, Error> {
    let mut tree = format.read_any(text)?;
    tree.take("sops").ok_or(Error::NotEncrypted)?;
    tree.pairs().map(|(name, value)| check(name, value).map(|()| name.to_owned())).collect()
}

/// The values by their names, as text: numbers as they are spelled, truth values as `true` and `false`.
///
/// # Errors
/// When a name has no single value.
pub fn texts(plain: &Value) -> Result<BTreeMap<String, Secret>, Error> {
    plain.pairs().map(|(name, value)| Ok((name.to_owned(), text(name, value)?))).collect()
}

fn text(name: &str, value: &Value) -> Result<Secret, Error> {
    check(name, value)?;
    Ok(match value {
        Value::Bool(truth) => Secret::new(truth.to_string()),
        Value::Int(number) => Secret::new(number.to_string()),
        Value::Float(number) => Secret::new(number.as_str()),
        Value::Time(text) => Secret::new(text.as_str()),
        Value::Text(text) => Secret::new(text.as_str()),
        Value::Null | Value::Comment(_) | Value::List(_) | Value::Map(_) => Secret::new(""),
    })
}

fn check(name: &str, value: &Value) -> Result<(), Error> {
    let kind = match value {
        Value::Null => "null",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        _ => return Ok(()),
    };
    Err(Error::NotFlat { name: name.to_owned(), kind })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{File, Rules};

    fn sealed(plain: &str) -> (String, Value) {
        let recipient = age::x25519::Identity::generate().to_public().to_string().parse().unwrap();
        let mut file = File::new(Format::Yaml, &[recipient], Rules::default()).unwrap();
        let tree = Format::Yaml.read_plain(plain).unwrap();
        (file.write(&tree).unwrap(), tree)
    }

    #[test]
    fn names_need_no_key_and_values_become_text() {
        let (text, tree) = sealed("# about\nTOKEN: x\nPORT: 8080\nRATE: 0.50\nON: true\nEMPTY: ''\n");
        assert_eq!(names(&text, Format::Yaml).unwrap(), ["TOKEN", "PORT", "RATE", "ON", "EMPTY"]);
        let texts = texts(&tree).unwrap();
        let texts: Vec<_> = texts.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        assert_eq!(texts, [("EMPTY", ""), ("ON", "true"), ("PORT", "8080"), ("RATE", "0.5"), ("TOKEN", "x")]);
    }

    #[test]
    fn what_is_no_single_value_is_named() {
        for (plain, kind) in [("A: {b: 1}\n", "a map"), ("A: [1]\n", "a list"), ("A: null\n", "null")] {
            let (text, tree) = sealed(plain);
            let expected = format!("`A` in the file is {kind}, not a single value");
            assert_eq!(names(&text, Format::Yaml).unwrap_err().to_string(), expected);
            assert_eq!(texts(&tree).unwrap_err().to_string(), expected);
        }
        assert!(matches!(names("A: x\n", Format::Yaml), Err(Error::NotEncrypted)));
    }
}
