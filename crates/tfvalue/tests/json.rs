//! Reading JSON in the ways the core's own reader does, and a state of another schema version.
#![allow(missing_docs, clippy::unwrap_used)]

use tfvalue::{Path, Type, Value, json};

fn read(text: &str, ty: &Type) -> Result<Value, String> {
    json::decode(text.as_bytes(), ty).map_err(|error| error.to_string())
}

#[test]
fn numbers_keep_every_digit() {
    for text in ["9223372036854775808", "0.1000000000000000055511151231257827", "-12345678901234567890.5"] {
        let value = read(text, &Type::Number).unwrap();
        assert_eq!(value.as_number().unwrap().to_string(), text);
        assert_eq!(read(&format!("\"{text}\""), &Type::Number).unwrap(), value);
    }
    assert_eq!(read("1.50e2", &Type::Number).unwrap(), read("150", &Type::Number).unwrap());
}

#[test]
fn primitives_are_converted_as_the_core_does() {
    assert_eq!(read("8080", &Type::String).unwrap(), Value::from("8080"));
    assert_eq!(read("true", &Type::String).unwrap(), Value::from("true"));
    assert_eq!(read("\"true\"", &Type::Bool).unwrap(), Value::from(true));
    assert!(read("\"yes\"", &Type::Bool).is_err());
    assert!(read("1", &Type::Bool).is_err());
    assert!(read("true", &Type::Number).is_err());
}

#[test]
fn white_space_escapes_and_order_do_not_matter() {
    let ty = Type::object([("any", Type::Dynamic), ("name", Type::String)]);
    let text = " { \"name\" : \"a\\u00e9\\n\\ud83d\\ude00\",\n \"any\": { \"value\": [ 1 , null ], \"type\": [\"list\", \"number\"] } } \n";
    let any = Value::Typed(
        Box::new(Type::list(Type::Number)),
        Box::new(Value::list_of([Value::from(1), Value::Null])),
    );
    assert_eq!(read(text, &ty).unwrap(), Value::map_of([("any", any), ("name", "aé\n😀".into())]));
}

#[test]
fn malformed_input_names_the_place() {
    let ty = Type::object([("list", Type::list(Type::String)), ("pair", Type::Tuple(vec![Type::Bool]))]);
    for (text, message) in [
        (r#"{"list":["a",{}]}"#, "list[1]: a string is required, not an object"),
        (r#"{"list":"a"}"#, "list: a list is required, not a string"),
        (r#"{"pair":[]}"#, "pair: a tuple of 1 elements is required, not 0"),
        (r#"{"pair":[true,true]}"#, "pair: a tuple of 1 elements is required, not 2"),
        (r#"{"more":1}"#, "there is no attribute \"more\""),
        (r#"{"list":null,"list":null}"#, "\"list\" appears twice"),
        ("[]", "an object is required, not an array"),
        ("{} {}", "not valid JSON"),
        ("{", "not valid JSON"),
        ("", "not valid JSON"),
    ] {
        assert_eq!(
            read(text, &ty).unwrap_err(),
            format!("decode a value of type object: {message}"),
            "{text}"
        );
    }
    assert!(json::decode(b"\"\xff\"", &Type::String).is_err());
    assert!(json::decode(br#""\ud800""#, &Type::String).is_err());
    for text in [r#"{"type":"bool"}"#, r#"{"value":1}"#, r#"{"type":"dynamic","value":1}"#, "{}", "1"] {
        assert!(read(text, &Type::Dynamic).is_err(), "{text}");
    }
}

#[test]
fn a_state_of_another_version_is_brought_to_the_type() {
    let ty = Type::object([
        ("name", Type::String),
        ("added", Type::Number),
        ("rules", Type::list(Type::object([("port", Type::Number), ("added", Type::map(Type::Bool))]))),
    ]);
    let text = r#"{"name":"web","removed":{"x":[1,{"y":2}]},"rules":[{"port":80,"old":true},{"port":81}]}"#;
    let lenient = json::decode_lenient(text.as_bytes(), &ty).unwrap();
    let rule = |port: i64| Value::map_of([("port", Value::from(port)), ("added", Value::Null)]);
    assert_eq!(
        lenient.value,
        Value::map_of([
            ("name", Value::from("web")),
            ("added", Value::Null),
            ("rules", Value::list_of([rule(80), rule(81)])),
        ])
    );
    assert_eq!(lenient.value.conforms(&ty), Ok(()));
    assert_eq!(
        lenient.dropped,
        [Path::root().attribute("removed"), Path::root().attribute("rules").index(0).attribute("old")]
    );
    assert!(json::decode(text.as_bytes(), &ty).is_err());
    assert!(json::decode_lenient(br#"{"name":[]}"#, &ty).is_err(), "lenient about names, not about types");
}

#[test]
fn unknown_values_have_no_json() {
    assert!(json::encode(&Value::list_of([Value::Unknown]), &Type::list(Type::Bool)).is_err());
}
