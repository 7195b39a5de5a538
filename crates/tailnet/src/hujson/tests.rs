use proptest::prelude::*;

use super::*;

/// What Go's parser takes, and what it does not: the table against which a library was chosen.
#[test]
fn it_accepts_what_the_servers_accept_and_nothing_else() {
    for text in [
        "{}",
        "[]",
        " null ",
        "-0.5e+10",
        "{\"a\":1,}",
        "[1,2,]",
        "// a\n{}",
        "{} // a\n",
        "/* a */ {/*b*/\"a\"/*c*/:/*d*/1/*e*/,/*f*/}/*g*/",
        "{\"a\":\"\\u00e4\\ud83d\\ude00\\n\"}",
        "{\"a\":\"// no comment\"}",
        "\t\r\n{}\r\n",
        "{\"a\":1,\"a\":2}",
        "{\"ä\":\"ö\"} /* ü */",
        "123456789012345678901234567890",
    ] {
        assert!(parse(text).is_ok(), "{text:?}: {:?}", parse(text));
    }
    for text in [
        "",
        "  ",
        "// only\n",
        "/* only */",
        "{} // a",
        "{} {}",
        "{'a':1}",
        "{a:1}",
        "[1 2]",
        "{\"a\" 1}",
        "[,]",
        "{,}",
        "[1,,]",
        "0x10",
        "+1",
        ".5",
        "5.",
        "01",
        "-",
        "1e",
        "NaN",
        "Infinity",
        "-Infinity",
        "undefined",
        "\u{feff}{}",
        "{\u{a0}}",
        "{\u{c}}",
        "\"a\nb\"",
        "\"a\tb\"",
        "\"\\x41\"",
        "\"a",
        "{",
        "[",
        "/* open",
        "# no\n{}",
    ] {
        assert!(parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_mistake_is_shown_with_its_line_and_column() {
    for (text, expected) in [
        ("{\n  \"a\": 1\n  \"b\": 2\n}", "line 2, column 9: expected comma"),
        ("{\n  \"ä\": \"ö\", b: 2\n}", "line 2, column 13: expected string for object property"),
        ("{\"a\": 1", "line 1, column 1: unterminated object"),
        ("{}\n// the end", "line 2, column 1: a `//` comment must end with a newline"),
        ("", "line 1, column 1: there is no value"),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn every_value_of_one_long_line_knows_its_column() {
    let element = "\"ä€😀\", ";
    let text = format!("[\n{}0]", element.repeat(1000));
    let node = parse(&text).unwrap();
    for (index, value) in node.elements().iter().enumerate() {
        assert_eq!(value.at, Position { line: 2, column: 1 + index * element.chars().count() });
    }
}

#[test]
fn names_that_are_there_twice_are_found_at_any_depth() {
    let node =
        parse("{\n\"acls\": [],\n\"groups\": {\"a\": 1, \"a\": 2},\n\"acls\": [{\"x\":1}]\n}").unwrap();
    let found: Vec<_> =
        node.duplicates().iter().map(|one| (one.name.clone(), one.first.line, one.again.line)).collect();
    assert_eq!(found, [("a".to_owned(), 3, 3), ("acls".to_owned(), 2, 4)]);
}

#[test]
fn a_normal_text_is_the_same_for_the_same_value() {
    let one = parse("{\"b\": [1, 2,], /* c */ \"a\": \"x\\u0041\\u0001\"}").unwrap();
    let other = parse("{\n  // first\n  \"a\": \"xA\\u0001\",\n  \"b\": [\n1,2]}").unwrap();
    assert_eq!(compact(&one), compact(&other));
    assert_eq!(compact(&one), r#"{"a":"xA\u0001","b":[1,2]}"#);
    assert_eq!(pretty(&one), "{\n  \"a\": \"xA\\u0001\",\n  \"b\": [\n    1,\n    2\n  ]\n}\n");
    assert_eq!(pretty(&parse("{\"a\": {}, \"b\": [],}").unwrap()), "{\n  \"a\": {},\n  \"b\": []\n}\n");
}

#[test]
fn what_is_nested_too_deep_is_an_error_and_no_crash() {
    assert!(parse(&"[".repeat(100_000)).is_err());
    assert!(parse(&("[".repeat(400) + &"]".repeat(400))).is_ok());
}

fn values() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value as Json;
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<String>().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::hash_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn all_json_is_hujson_and_comes_back(value in values()) {
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let node = parse(&text).unwrap();
            for printed in [compact(&node), pretty(&node)] {
                prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).unwrap(), value.clone());
            }
        }
    }

    #[test]
    fn comments_and_commas_change_nothing(value in values(), comment in "[a-z{}\"/ ]{0,12}") {
        let text = serde_json::to_string_pretty(&value).unwrap();
        let line = format!(" //{}\n", comment.replace('\n', " "));
        // A raw line break is never inside of a string.
        let commented = text.replace('\n', &line) + "/* x */";
        prop_assert_eq!(compact(&parse(&commented).unwrap()), compact(&parse(&text).unwrap()));
    }

    #[test]
    fn no_text_is_a_crash(text in "[\\[\\]{}\",:/*\\\\ \n\ta0-9.eE+-ä]{0,40}") {
        if let Ok(node) = parse(&text) {
            prop_assert_eq!(compact(&parse(&compact(&node)).unwrap()), compact(&node));
        }
    }
}
