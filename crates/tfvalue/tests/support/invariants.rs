//! What must hold for any bytes whatsoever; shared by the tests and the fuzz target.

use std::collections::BTreeMap;

use tfvalue::{Type, Value, json, msgpack};

/// The types that arbitrary bytes are read as.
pub fn types() -> Vec<Type> {
    let object = Type::object([
        ("any", Type::Dynamic),
        ("labels", Type::map(Type::String)),
        ("on", Type::Bool),
        ("ports", Type::set(Type::Number)),
        ("steps", Type::list(Type::object([("name", Type::String)]))),
    ]);
    vec![
        Type::Dynamic,
        Type::Number,
        Type::String,
        object,
        Type::list(Type::Dynamic),
        Type::Tuple(vec![Type::Bool, Type::Number, Type::set(Type::String)]),
        Type::Object(BTreeMap::new()),
        Type::map(Type::map(Type::Dynamic)),
    ]
}

/// Reads `bytes` in every way there is. Nothing may panic; what can be read is of its type and
/// survives being written and read again. Whether any way of reading accepted the bytes.
pub fn check(bytes: &[u8], ty: &Type) -> bool {
    let mut accepted = false;
    if let Ok(value) = msgpack::decode(bytes, ty) {
        let again = msgpack::encode(&value, ty).map(|bytes| msgpack::decode(&bytes, ty));
        assert!(matches!(again, Ok(Ok(again)) if again == value), "changed by msgpack: {value:?}");
        check_value(&value, ty);
        accepted = true;
    }
    if let Ok(value) = json::decode(bytes, ty) {
        let again = json::encode(&value, ty).map(|text| json::decode(text.as_bytes(), ty));
        assert!(matches!(again, Ok(Ok(again)) if again == value), "changed by json: {value:?}");
        check_value(&value, ty);
        let lenient = json::decode_lenient(bytes, ty).map(|lenient| (lenient.value, lenient.dropped));
        assert!(matches!(lenient, Ok((same, dropped)) if same == value && dropped.is_empty()));
        accepted = true;
    }
    if let Ok(lenient) = json::decode_lenient(bytes, ty) {
        check_value(&lenient.value, ty);
    }
    if let Ok(ty) = Type::from_json(bytes) {
        assert!(matches!(Type::from_json(ty.to_json().as_bytes()), Ok(again) if again == ty));
    }
    accepted
}

fn check_value(value: &Value, ty: &Type) {
    assert_eq!(value.conforms(ty), Ok(()));
    assert!(value.equal(value, ty));
    assert!(value.canonical(ty).equal(value, ty));
    let mut unknown_parts = 0;
    value.walk_as(ty, &mut |_, part| unknown_parts += usize::from(part.is_unknown()));
    assert_eq!(value.is_wholly_known(), unknown_parts == 0);
    let _ = format!("{value:?}");
}
