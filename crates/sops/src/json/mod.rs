//! JSON as SOPS has it: an object, names in order, numbers as they are spelled.
//!
//! Written here and not by a library, because a reader that keeps the text of numbers does so for a
//! whole workspace (a feature of `serde_json`), and one that does not rounds them.

mod read;
mod write;

pub use read::read;
pub use write::{compact, write};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{Float, Value};
    use proptest::prelude::*;

    fn again(text: &str) -> String {
        compact(&read(text).unwrap()).to_string()
    }

    #[test]
    fn order_numbers_and_text_survive() {
        for text in [
            r#"{"b":1,"a":[true,null,{}],"c":{"d":"\u0001\n\"\\"},"e":9223372036854775807,"f":-0.5}"#,
            r#"{"x":"ü😀","empty":"","list":[]}"#,
        ] {
            assert_eq!(again(text), text);
        }
        assert_eq!(again(r#" { "a" : 1e2 , "b":"\ud83d\ude00\/" } "#), r#"{"a":100,"b":"😀/"}"#);
    }

    #[test]
    fn what_a_browser_would_read_as_markup_is_escaped_in_files() {
        let text = write(&Value::Map(vec![("a".into(), Value::text("<b>&\u{2028}"))]));
        assert_eq!(text.as_str(), "{\n\t\"a\": \"\\u003cb\\u003e\\u0026\\u2028\"\n}\n");
    }

    #[test]
    fn what_is_no_json_is_told_with_its_line() {
        for (text, problem) in [
            ("{\n\"a\": 01}", "the file is not JSON: `,` or `}` is missing in line 2"),
            ("{\"a\":1,\"a\":2}", "the file is not JSON: a name occurs twice in line 1"),
            ("{\"a\":1", "the file is not JSON: it ends too early in line 1"),
            ("[]", "the file has something other than an object at its top, which SOPS cannot keep"),
            ("{} x", "the file is not JSON: something follows its end in line 1"),
            ("{\"a\":\"\\ud800\"}", "the file is not JSON: half of a surrogate pair in line 1"),
            ("{\"a\":tru}", "the file is not JSON: not a value in line 1"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), problem, "{text}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(2000), "]".repeat(2000));
        assert!(read(&deep).unwrap_err().to_string().contains("too deep"));
    }

    /// Trees of every kind, for this format and the others.
    pub fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            // A whole number within 64 bits is an int, however it is spelled.
            proptest::num::f64::NORMAL
                .prop_filter("whole", |number| number.fract() != 0.0)
                .prop_map(|number| Value::Float(Float::rounded(&format!("{number}")).unwrap())),
            "\\PC*|[\\x00-\\x7f]*".prop_map(Value::text),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List), any_map(inner),]
        })
    }

    fn any_map(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
        prop::collection::btree_map("[a-z:é\"]{1,6}", inner, 0..5)
            .prop_map(|map| Value::Map(map.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn every_tree_survives(value in any_map(any_value())) {
            prop_assert!(read(&write(&value)).unwrap() == value);
            prop_assert!(read(&compact(&value)).unwrap() == value);
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[\\[\\]{}:,\"\\\\a0.e\\- \n]{0,40}") {
            let _ = read(&text);
        }
    }
}
