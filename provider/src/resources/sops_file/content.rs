//! From the value of the configuration to what is in a file.

use framework::Value;
use sops::{Error, Float, Format};

/// The content of a file, from an object or from the plain file as a text.
///
/// # Errors
/// When the format cannot have it.
pub(super) fn content(value: &Value, format: Format) -> Result<sops::Value, Error> {
    match value.untyped() {
        Value::String(text) => format.read_plain(text),
        Value::Map(_) if format != Format::Binary => {
            let tree = tree(value, format == Format::Dotenv)?;
            if tree.get("sops").is_some() { Err(Error::Taken) } else { Ok(tree) }
        }
        _ if format == Format::Binary => Err(Error::Shape("something other than a text")),
        _ => Err(Error::Shape("something other than an object or a text at its top")),
    }
}

fn tree(value: &Value, texts_only: bool) -> Result<sops::Value, Error> {
    Ok(match value.untyped() {
        Value::Null | Value::Unknown | Value::Typed(..) => sops::Value::Null,
        Value::Bool(truth) if texts_only => sops::Value::text(truth.to_string()),
        Value::Number(number) if texts_only => sops::Value::text(number.to_string()),
        Value::Bool(truth) => sops::Value::Bool(*truth),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => sops::Value::Int(whole),
            None => sops::Value::Float(Float::exactly(&number.to_string())?),
        },
        Value::String(text) => sops::Value::text(text.as_str()),
        Value::List(elements) => {
            sops::Value::List(elements.iter().map(|one| tree(one, texts_only)).collect::<Result<_, _>>()?)
        }
        Value::Map(members) => {
            let pair = |(name, value): (&String, &Value)| Ok((name.clone(), tree(value, texts_only)?));
            sops::Value::Map(members.iter().map(pair).collect::<Result<_, Error>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> Value {
        Value::map_of([
            ("port", Value::from(5432)),
            ("on", true.into()),
            ("name", "db".into()),
            ("rate", Value::Number("0.25".parse().unwrap())),
        ])
    }

    #[test]
    fn objects_and_plain_files_are_content() {
        let yaml = content(&object(), Format::Yaml).unwrap();
        assert!(
            yaml.get("port") == Some(&sops::Value::Int(5432))
                && yaml.get("on") == Some(&sops::Value::Bool(true))
        );
        assert!(
            content(&"port: 5432\n".into(), Format::Yaml).unwrap().get("port")
                == Some(&sops::Value::Int(5432))
        );
        let dotenv = content(&object(), Format::Dotenv).unwrap();
        assert_eq!(dotenv.get("rate").and_then(sops::Value::as_text), Some("0.25"));
        assert_eq!(
            Format::Dotenv.write_plain(&dotenv).unwrap().as_str(),
            "name=db\non=true\nport=5432\nrate=0.25\n"
        );
        assert!(content(&"any text".into(), Format::Binary).is_ok());
    }

    #[test]
    fn what_a_file_cannot_have_is_refused() {
        let long = Value::map_of([("n", Value::Number("18446744073709551615".parse().unwrap()))]);
        assert!(matches!(content(&long, Format::Json), Err(Error::Number)));
        assert!(matches!(content(&Value::map_of([("sops", "x")]), Format::Json), Err(Error::Taken)));
        assert!(content(&object(), Format::Binary).is_err());
        assert!(content(&Value::list_of([1]), Format::Json).is_err());
    }
}
