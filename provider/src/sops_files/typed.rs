//! A file's content as a value of the core.

use std::collections::BTreeMap;

use framework::{Number, Type, Value};
use sops::{Error, Format};

/// The content of an opened file as the core's value of the type that it has: objects, tuples, texts,
/// exact numbers, truth values and null; a point in time is a text, and comments are left out. A binary
/// file is one text.
///
/// # Errors
/// When it has a number that is too large for the core.
pub(crate) fn typed(tree: &sops::Value, format: Format) -> Result<Value, Error> {
    let content = match format {
        Format::Binary => tree.get("data").unwrap_or(tree),
        Format::Json | Format::Yaml | Format::Dotenv => tree,
    };
    let (ty, value) = with_type(content)?;
    Ok(if value.is_null() { Value::Null } else { Value::Typed(Box::new(ty), Box::new(value)) })
}

fn with_type(value: &sops::Value) -> Result<(Type, Value), Error> {
    let number = |text: &str| -> Result<(Type, Value), Error> {
        let number: Number = text.parse().map_err(|_| Error::Number)?;
        Ok((Type::Number, Value::Number(number)))
    };
    Ok(match value {
        sops::Value::Null | sops::Value::Comment(_) => (Type::Dynamic, Value::Null),
        sops::Value::Bool(truth) => (Type::Bool, Value::Bool(*truth)),
        sops::Value::Int(value) => (Type::Number, Value::from(*value)),
        sops::Value::Float(value) => number(value.as_str())?,
        sops::Value::Time(text) => (Type::String, Value::from(text.as_str())),
        sops::Value::Text(text) => (Type::String, Value::from(text.as_str())),
        sops::Value::List(elements) => {
            let elements = elements.iter().filter(|element| !element.is_comment());
            let all = elements.map(with_type).collect::<Result<Vec<_>, _>>()?;
            let (types, values): (Vec<_>, Vec<_>) = all.into_iter().unzip();
            (Type::Tuple(types), Value::List(values))
        }
        sops::Value::Map(_) => {
            let (mut types, mut values) = (BTreeMap::new(), BTreeMap::new());
            for (name, value) in value.pairs() {
                let (ty, value) = with_type(value)?;
                types.insert(name.to_owned(), ty);
                values.insert(name.to_owned(), value);
            }
            (Type::Object(types), Value::Map(values))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_keeps_its_type_and_comments_go() {
        let text = "# about\na: 12345678901234567\nb: 0.1\nc: [x, null, true]\n# more\nd: {e: 2024-01-01T00:00:00Z}\n";
        let tree = Format::Yaml.read_plain(text).unwrap();
        let Value::Typed(ty, value) = typed(&tree, Format::Yaml).unwrap() else { panic!("no type") };
        assert_eq!(
            ty.to_json(),
            r#"["object",{"a":"number","b":"number","c":["tuple",["string","dynamic","bool"]],"d":["object",{"e":"string"}]}]"#
        );
        assert_eq!(value.attribute("a").and_then(Value::as_i64), Some(12_345_678_901_234_567));
        assert_eq!(value.attribute("b").and_then(Value::as_number), Some(&"0.1".parse().unwrap()));
        assert!(value.conforms(&ty).is_ok());
    }

    #[test]
    fn a_binary_file_is_one_text() {
        let tree = Format::Binary.read_plain("any\ntext").unwrap();
        assert_eq!(typed(&tree, Format::Binary).unwrap().as_str(), Some("any\ntext"));
    }
}
