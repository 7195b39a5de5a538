//! Agreement with the implementation that is in the core: `tests/vectors/go-cty.json` was written by
//! go-cty v1.19.0 (`cty/msgpack` and `cty/json`), from values chosen where the two could differ.
//!
//! A vector has the type, go-cty's MessagePack of the value, its JSON (unless partly unknown), and,
//! where we write something else on purpose or the bytes are another spelling that go-cty only
//! reads, what go-cty writes for it without refinements (`canonical`).
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use support::vectors;
use tfvalue::{Number, Type, Value, json, msgpack};

#[test]
fn messages_of_go_cty_are_read_and_written_the_same() {
    for vector in vectors() {
        let name = &vector.name;
        let value =
            msgpack::decode(&vector.bytes, &vector.ty).unwrap_or_else(|error| panic!("{name}: {error}"));
        let written = msgpack::encode(&value, &vector.ty).unwrap();
        assert_eq!(written, vector.canonical.unwrap_or(vector.bytes), "{name}: {value:?}");
    }
}

#[test]
fn json_of_go_cty_is_the_same_value() {
    let mut compared = 0;
    for vector in vectors() {
        let Some(json) = vector.json else { continue };
        let value = msgpack::decode(&vector.bytes, &vector.ty).unwrap();
        let from_json = json::decode(&json, &vector.ty).unwrap();
        let name = &vector.name;
        // A state file holds the shortest decimal of a float, not the float.
        if !name.starts_with("float") {
            assert!(from_json.equal(&value, &vector.ty), "{name}: {from_json:?} is not {value:?}");
        }
        let written = json::encode(&from_json, &vector.ty).unwrap();
        assert_eq!(json::decode(written.as_bytes(), &vector.ty).unwrap(), from_json, "{name}");
        compared += 1;
    }
    assert!(compared > 30, "{compared}");
}

/// Some of the vectors by hand, so that reading and writing cannot be wrong in the same way.
#[test]
fn some_vectors_have_the_values_they_were_made_from() {
    let value = |name: &str| {
        let vector = vectors().into_iter().find(|vector| vector.name == name).unwrap();
        msgpack::decode(&vector.bytes, &vector.ty).unwrap()
    };
    let number = |text: &str| Value::Number(text.parse::<Number>().unwrap());
    assert_eq!(value("number 2^63"), number("9223372036854775808"));
    assert_eq!(value("number -2^63"), number("-9223372036854775808"));
    assert_eq!(value("number 0.1"), number("0.1"));
    assert_eq!(value("number 1e20"), number("100000000000000000000"));
    assert_eq!(value("float 0.1"), Value::Number(Number::from_exact_f64(0.1).unwrap()));
    assert_eq!(value("inbound uint64"), number("18446744073709551615"));
    assert_eq!(value("unknown string with prefix"), Value::Unknown);
    assert_eq!(value("string NFC"), Value::from("\u{e9}"));
    assert_eq!(
        value("dynamic list"),
        Value::Typed(Box::new(Type::list(Type::String)), Box::new(Value::list_of(["a", "b"])))
    );
    assert_eq!(value("dynamic unknown of known type").untyped(), &Value::Unknown);
    assert_eq!(value("dynamic null"), Value::Null);
}
