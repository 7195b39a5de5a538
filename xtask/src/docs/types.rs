//! Types in words.

use serde_json::Value;

/// `["map","string"]` as `Map of String`.
pub fn name(value_type: &Value) -> String {
    match value_type {
        Value::String(word) => match word.as_str() {
            "bool" => "Boolean".to_owned(),
            other => capitalised(other),
        },
        Value::Array(parts) => match parts.as_slice() {
            [Value::String(kind), element] if is_collection(kind) => {
                format!("{} of {}", capitalised(kind), name(element))
            }
            [Value::String(kind), ..] => capitalised(kind),
            _ => unknown(value_type),
        },
        _ => unknown(value_type),
    }
}

/// The fields of the object that this type is or holds, if it is or holds one.
pub fn fields(value_type: &Value) -> Option<Vec<(&String, &Value)>> {
    match value_type.as_array()?.as_slice() {
        [Value::String(kind), element] if is_collection(kind) => fields(element),
        [Value::String(kind), Value::Object(fields), ..] if kind == "object" => Some(fields.iter().collect()),
        _ => None,
    }
}

/// The type as it is written in HCL, for signatures of functions.
pub fn hcl(value_type: &Value) -> String {
    match value_type {
        Value::String(word) if word == "dynamic" => "any".to_owned(),
        Value::String(word) => word.clone(),
        Value::Array(parts) => match parts.as_slice() {
            [Value::String(kind), element] if is_collection(kind) => {
                format!("{kind}({})", hcl(element))
            }
            [Value::String(kind), ..] => kind.clone(),
            _ => unknown(value_type),
        },
        _ => unknown(value_type),
    }
}

fn is_collection(kind: &str) -> bool {
    matches!(kind, "list" | "set" | "map")
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Not met in a valid schema; shown as it is so that a reader can tell.
fn unknown(value_type: &Value) -> String {
    value_type.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_read_like_words() {
        assert_eq!(name(&json!("bool")), "Boolean");
        assert_eq!(name(&json!(["map", "string"])), "Map of String");
        assert_eq!(name(&json!(["map", ["object", {"image": "string"}]])), "Map of Object");
        assert_eq!(hcl(&json!(["list", ["set", "dynamic"]])), "list(set(any))");
    }

    #[test]
    fn fields_are_those_of_the_innermost_object() {
        let services = json!(["map", ["object", {"image": "string", "ports": ["list", "number"]}]]);
        let names: Vec<&String> = fields(&services).unwrap().into_iter().map(|f| f.0).collect();
        assert_eq!(names, ["image", "ports"]);
        assert_eq!(fields(&json!(["list", "string"])), None);
    }
}
