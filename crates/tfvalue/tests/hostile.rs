//! Messages that were made to do harm.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use support::invariants;
use tfvalue::{DecodeError, MAX_DEPTH, MAX_VALUES, Problem, Type, Value, json, msgpack};

fn refused(bytes: &[u8], ty: &Type) -> DecodeError {
    msgpack::decode(bytes, ty).unwrap_err()
}

fn problem(bytes: &[u8], ty: &Type) -> Problem {
    refused(bytes, ty).problem
}

#[test]
fn lengths_are_not_believed() {
    let list = Type::list(Type::String);
    // Four thousand million elements, bytes or pairs, in a message of a few bytes.
    for (bytes, ty) in [
        (&b"\xdd\xff\xff\xff\xff"[..], &list),
        (b"\xdd\xff\xff\xff\xff\xa1a", &list),
        (b"\xdb\xff\xff\xff\xffabc", &Type::String),
        (b"\xdf\xff\xff\xff\xff\xa1a\xa1b", &Type::map(Type::String)),
        (b"\xc9\xff\xff\xff\xff\x00abc", &Type::String),
        (b"\x92\xc6\xff\xff\xff\xff\"bool\"", &Type::Dynamic),
        (b"\x81\xdb\xff\xff\xff\xff", &Type::map(Type::String)),
    ] {
        assert!(matches!(problem(bytes, ty), Problem::Truncated), "{bytes:x?}");
    }
}

#[test]
fn the_number_of_values_is_bounded() {
    let length = u32::try_from(MAX_VALUES).unwrap();
    let nulls = |length: u32| {
        let mut bytes = vec![0xdd];
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.resize(bytes.len() + length as usize, 0xc0);
        bytes
    };
    let list = Type::list(Type::Bool);
    assert!(msgpack::decode(&nulls(length - 1), &list).is_ok());
    assert!(matches!(problem(&nulls(length), &list), Problem::TooMany));

    let text = format!("[{}null]", "null,".repeat(MAX_VALUES));
    assert!(matches!(json::decode(text.as_bytes(), &list).unwrap_err().problem, Problem::TooMany));
    let text = format!("[[],{text}]");
    assert!(matches!(
        json::decode(text.as_bytes(), &Type::list(list)).unwrap_err().problem,
        Problem::TooMany
    ));
}

#[test]
fn the_types_of_dynamic_values_are_bounded() {
    let ty = format!("[\"tuple\",[{}\"bool\"]]", "[\"object\",{\"a\":\"bool\"}],".repeat(MAX_VALUES / 2));
    let mut bytes = vec![0x92, 0xc6];
    bytes.extend_from_slice(&u32::try_from(ty.len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(ty.as_bytes());
    bytes.push(0xc0);
    assert!(matches!(problem(&bytes, &Type::Dynamic), Problem::TooMany));
    let text = format!("{{\"type\":{ty},\"value\":null}}");
    assert!(matches!(json::decode(text.as_bytes(), &Type::Dynamic).unwrap_err().problem, Problem::TooMany));
}

#[test]
fn dropped_attributes_count() {
    let attributes: Vec<String> = (0..=MAX_VALUES).map(|name| format!("\"{name}\":0")).collect();
    let text = format!("{{{}}}", attributes.join(","));
    let error = json::decode_lenient(text.as_bytes(), &Type::object([("a", Type::Bool)])).unwrap_err();
    assert!(matches!(error.problem, Problem::TooMany));
}

/// A dynamic list in a dynamic list in …, as deep as one likes with a schema of one attribute.
#[test]
fn depth_is_bounded() {
    let nested = |levels: usize| {
        let mut bytes = Vec::new();
        for _ in 0..levels {
            bytes.extend_from_slice(b"\x92\xc4\x12[\"list\",\"dynamic\"]\x91");
        }
        bytes.push(0xc0);
        bytes
    };
    assert!(msgpack::decode(&nested(MAX_DEPTH), &Type::Dynamic).is_ok());
    for levels in [MAX_DEPTH + 1, 100_000] {
        assert!(matches!(problem(&nested(levels), &Type::Dynamic), Problem::TooDeep));
    }

    let mut value = Value::Null;
    for _ in 0..=MAX_DEPTH {
        value = Value::Typed(Box::new(Type::list(Type::Dynamic)), Box::new(Value::List(vec![value])));
    }
    assert!(msgpack::encode(&value, &Type::Dynamic).is_err());
    assert!(json::encode(&value, &Type::Dynamic).is_err());

    let open = r#"{"type":["list","dynamic"],"value":["#;
    for levels in [MAX_DEPTH + 1, 5_000] {
        let text = format!("{}null{}", open.repeat(levels), "]}".repeat(levels));
        assert!(json::decode(text.as_bytes(), &Type::Dynamic).is_err());
    }
    for text in ["[".repeat(1_000_000), format!("{}{}", "[".repeat(50_000), "]".repeat(50_000))] {
        assert!(json::decode(text.as_bytes(), &Type::Dynamic).is_err());
        assert!(json::decode_lenient(text.as_bytes(), &Type::list(Type::String)).is_err());
    }
}

#[test]
fn numbers_that_cannot_be_held_are_refused() {
    let text = |text: &str| msgpack::encode(&text.into(), &Type::String).unwrap();
    for bytes in [
        b"\xcb\x7f\xf0\0\0\0\0\0\0".to_vec(),
        b"\xcb\xff\xf0\0\0\0\0\0\0".to_vec(),
        b"\xcb\x7f\xf8\0\0\0\0\0\0".to_vec(),
        b"\xca\x7f\x80\0\0".to_vec(),
        text("1e999999999"),
        text("1e-999999999"),
        text("1e99999999999999999999999"),
        text(&"9".repeat(1_000_000)),
        text("Inf"),
        text("0x1p-2"),
        text(""),
    ] {
        assert!(matches!(problem(&bytes, &Type::Number), Problem::Number(_)), "{bytes:x?}");
    }
    for text in ["1e999999999", "-1e-999999999", "\"Inf\"", "\"\""] {
        let error = json::decode(text.as_bytes(), &Type::Number).unwrap_err();
        assert!(matches!(error.problem, Problem::Number(_)), "{text}");
    }
}

#[test]
fn malformed_messages_name_the_place() {
    let ty = Type::object([("a", Type::list(Type::String)), ("b", Type::Bool)]);
    for (bytes, message) in [
        (&b"\x82\xa1a\x91\x01\xa1b\xc2"[..], "a[0]: a string is required, not a number"),
        (b"\x82\xa1a\x91\xa2\xff\xfe\xa1b\xc2", "a[0]: a text is not valid UTF-8"),
        (b"\x82\xa1a\xc0\xa1b\xa1x", "b: a bool is required, not a string"),
        (b"\x81\xa1a\xc0", "attribute \"b\" is missing"),
        (b"\x83\xa1a\xc0\xa1b\xc2\xa1c\xc0", "there is no attribute \"c\""),
        (b"\x82\xa1a\xc0\xa1a\xc0", "\"a\" appears twice"),
        (b"\x82\xa1a\xc0\xa1b\xc2\xc0\xc0", "2 bytes follow after the value"),
        (b"\x82\xa1a\xc0\xa1b", "b: the message is truncated"),
        (b"\x82\xc4\x01a\xc0\xa1b\xc2", "a string is required, not binary data"),
        (b"\x92\xa1a\xc0", "an object is required, not an array"),
        (b"\xc1", "an object is required, not a reserved byte"),
        (b"", "the message is truncated"),
    ] {
        let error = refused(bytes, &ty).to_string();
        assert_eq!(error, format!("decode a value of type object: {message}"));
    }
}

#[test]
fn malformed_dynamic_values_are_refused() {
    for bytes in [
        &b"\x91\xc4\x06\"bool\""[..],
        b"\x93\xc4\x06\"bool\"\xc2\xc2",
        b"\x92\xc4\x09\"dynamic\"\xc0",
        b"\x92\xc4\x05\"booo\xc2",
        b"\x92\x01\xc2",
        b"\xc2",
    ] {
        let problem = problem(bytes, &Type::Dynamic);
        assert!(
            matches!(problem, Problem::Dynamic | Problem::Type(_) | Problem::Kind { .. }),
            "{bytes:x?}: {problem}"
        );
    }
}

/// No message repeats a value: it may be a secret, and errors are logged.
#[test]
fn errors_do_not_show_values() {
    let ty = Type::object([("password", Type::map(Type::Number))]);
    let secret = "hunter2-hunter2";
    let value = Value::map_of([("password", secret)]);
    let bytes = msgpack::encode(&value, &Type::object([("password", Type::String)])).unwrap();
    let mut errors = vec![
        format!("{:?}", msgpack::decode(&bytes, &ty).unwrap_err()),
        format!("{:?}", msgpack::encode(&value, &ty).unwrap_err()),
        format!("{:?}", json::encode(&value, &ty).unwrap_err()),
    ];
    for text in [
        format!(r#"{{"password":"{secret}"}}"#),
        format!(r#"{{"password":{{"k":"{secret}"}}}}"#),
        format!(r#"{{"password":"{secret}"#),
        format!(r#"{{"password":{secret}}}"#),
        format!(r#""{secret}""#),
    ] {
        errors.push(format!("{:?}", json::decode(text.as_bytes(), &ty).unwrap_err()));
        errors.push(format!("{:?}", json::decode_lenient(text.as_bytes(), &ty).unwrap_err()));
    }
    for error in errors {
        assert!(!error.contains("hunter2"), "{error}");
    }
}

/// A small fuzzer that always does the same: valid messages, changed a little.
#[test]
fn twenty_thousand_changed_messages_do_no_harm() {
    let types = invariants::types();
    let mut corpus: Vec<(Type, Vec<u8>)> = Vec::new();
    for vector in support::vectors() {
        corpus.push((vector.ty.clone(), vector.bytes));
        corpus.extend(vector.json.map(|json| (vector.ty, json)));
    }
    assert!(corpus.len() > 50, "{}", corpus.len());

    let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..20_000 {
        let (ty, bytes) = &corpus[round % corpus.len()];
        let mut bytes = bytes.clone();
        for _ in 0..=random.below(3) {
            random.change(&mut bytes);
        }
        let ty = if random.below(4) == 0 { &types[random.below(types.len())] } else { ty };
        if invariants::check(&bytes, ty) {
            accepted += 1;
        } else {
            refused += 1;
        }
    }
    // Both must happen, or the messages are not where the decoders decide.
    assert!(accepted > 1000 && refused > 5000, "{accepted} accepted, {refused} refused");
}

struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let place = self.below(bytes.len() + 1);
        // Bytes at which the decoders take another branch.
        let telling =
            [0x00, 0x80, 0x90, 0xa0, 0xc0, 0xc1, 0xc4, 0xc7, 0xcb, 0xd4, 0xdb, 0xdd, 0xdf, 0xff, b'"', b'['];
        let byte = match self.below(2) {
            0 => telling[self.below(telling.len())],
            _ => u8::try_from(self.below(256)).unwrap(),
        };
        match self.below(4) {
            0 => bytes.truncate(place),
            1 => bytes.insert(place, byte),
            2 if place < bytes.len() => drop(bytes.remove(place)),
            _ if place < bytes.len() => bytes[place] = byte,
            _ => bytes.push(byte),
        }
    }
}
