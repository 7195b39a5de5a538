//! `hujson_decode(text)` and `hujson_normalize(text)`: JSON with comments and trailing commas.

use std::collections::BTreeMap;

use async_trait::async_trait;
use framework::{Documentation, Function, FunctionError, Number, Type, Value};
use tailnet::hujson::{self, Node};

/// The function `hujson_decode`.
pub(super) struct HujsonDecode;

/// The function `hujson_normalize`.
pub(super) struct HujsonNormalize;

#[async_trait]
impl Function for HujsonDecode {
    type Arguments = (String,);
    type Output = Value;

    fn name(&self) -> &'static str {
        "hujson_decode"
    }

    fn documentation(&self) -> Documentation {
        Documentation::new("The value of a HuJSON text")
            .describe(
                "Reads HuJSON (JSON with comments and trailing commas, the language of tailnet policies), as `jsondecode` \
                 reads JSON: objects, tuples, texts, exact numbers, truth values and null. A mistake is shown with its line \
                 and column. A name that an object has twice is a mistake.",
            )
            .argument("text", "The text, for example `file(\"policy.hujson\")`.")
    }

    async fn call(&self, (text,): Self::Arguments) -> Result<Value, FunctionError> {
        let node = read(&text)?;
        let (ty, value) = typed(&node)?;
        Ok(if value.is_null() { Value::Null } else { Value::Typed(Box::new(ty), Box::new(value)) })
    }
}

#[async_trait]
impl Function for HujsonNormalize {
    type Arguments = (String,);
    type Output = String;

    fn name(&self) -> &'static str {
        "hujson_normalize"
    }

    fn documentation(&self) -> Documentation {
        Documentation::new("A HuJSON text as plain JSON, always written in the same way")
            .describe(
                "The same value as JSON without comments: names in alphabetical order, indented by two spaces, a newline at \
                 the end. For comparing texts, and for what reads JSON alone. A name that an object has twice is a mistake.",
            )
            .argument("text", "The text, for example `file(\"policy.hujson\")`.")
    }

    async fn call(&self, (text,): Self::Arguments) -> Result<String, FunctionError> {
        Ok(hujson::pretty(&read(&text)?))
    }
}

fn read(text: &str) -> Result<Node, FunctionError> {
    let node = hujson::parse(text).map_err(|error| FunctionError::argument(0, format!("At {error}.")))?;
    match node.duplicates().first() {
        Some(one) => Err(FunctionError::argument(
            0,
            format!("At {}: {:?} is there twice, first at {}.", one.again, one.name, one.first),
        )),
        None => Ok(node),
    }
}

fn typed(node: &Node) -> Result<(Type, Value), FunctionError> {
    Ok(match &node.value {
        hujson::Value::Null => (Type::Dynamic, Value::Null),
        hujson::Value::Bool(value) => (Type::Bool, Value::Bool(*value)),
        hujson::Value::String(text) => (Type::String, Value::from(text.as_str())),
        hujson::Value::Number(text) => {
            let number: Number = text.parse().map_err(|_| {
                FunctionError::argument(0, format!("At {}: the number {text} is too large.", node.at))
            })?;
            (Type::Number, Value::Number(number))
        }
        hujson::Value::Array(elements) => {
            let all = elements.iter().map(typed).collect::<Result<Vec<_>, _>>()?;
            let (types, values): (Vec<_>, Vec<_>) = all.into_iter().unzip();
            (Type::Tuple(types), Value::List(values))
        }
        hujson::Value::Object(members) => {
            let (mut types, mut values) = (BTreeMap::new(), BTreeMap::new());
            for member in members {
                let (ty, value) = typed(&member.node)?;
                types.insert(member.name.clone(), ty);
                values.insert(member.name.clone(), value);
            }
            (Type::Object(types), Value::Map(values))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_text_becomes_a_value_with_its_type() {
        let text = "{ // who\n  \"a\": [1, \"x\", null,],\n  \"b\": {\"c\": true},\n}\n";
        let value = HujsonDecode.call((text.to_owned(),)).await.unwrap();
        let Value::Typed(ty, value) = value else { panic!("{value:?}") };
        assert_eq!(
            ty.to_json(),
            r#"["object",{"a":["tuple",["number","string","dynamic"]],"b":["object",{"c":"bool"}]}]"#
        );
        assert_eq!(value.attribute("b").and_then(|b| b.attribute("c")), Some(&Value::Bool(true)));
        assert_eq!(HujsonDecode.call(("null".to_owned(),)).await.unwrap(), Value::Null);
    }

    #[tokio::test]
    async fn mistakes_are_shown_with_their_place() {
        for (text, expected) in [
            ("{\n  \"a\": 1\n  \"b\": 2\n}", "At line 2, column 9: expected comma."),
            (
                "{\"a\": 1,\n \"a\": 2}",
                "At line 2, column 2: \"a\" is there twice, first at line 1, column 2.",
            ),
        ] {
            let error = HujsonNormalize.call((text.to_owned(),)).await.unwrap_err();
            assert_eq!((error.argument, error.text.as_str()), (Some(0), expected));
        }
        let normal = HujsonNormalize.call(("{\"b\":1,/* x */\"a\":2,}".to_owned(),)).await.unwrap();
        assert_eq!(normal, "{\n  \"a\": 2,\n  \"b\": 1\n}\n");
    }
}
