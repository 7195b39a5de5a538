//! YAML as SOPS has it: a map, types as Go's `yaml.v3` resolves them, comments kept.

mod read;
mod resolve;
mod write;

pub use read::read;
pub use write::write;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::compact;
    use crate::value::{Float, Value};
    use proptest::prelude::*;

    fn as_json(text: &str) -> String {
        compact(&read(text).unwrap()).to_string()
    }

    #[test]
    fn scalars_are_what_yaml_v3_takes_them_for() {
        let text = "a: 0x1F\nb: 0o17\nc: 017\nd: 1_000\ne: 1e3\nf: 2024-01-01\ng: yes\nh: True\ni: ~\nj: !!str 12\nk: '1'\nl: -0.5\nm: on\nn: +3\no: 1.\np: 0b11\nq:\n";
        assert_eq!(
            as_json(text),
            r#"{"a":31,"b":15,"c":15,"d":1000,"e":1000,"f":"2024-01-01T00:00:00Z","g":"yes","h":true,"i":null,"j":"12","k":"1","l":-0.5,"m":"on","n":3,"o":1,"p":3,"q":null}"#
        );
    }

    #[test]
    fn anchors_are_expanded_and_line_ends_of_windows_are_none() {
        assert_eq!(
            as_json("a: &x {b: [1, t]}\r\nc: *x\r\nd: |\r\n  one\r\n  two\r\n"),
            r#"{"a":{"b":[1,"t"]},"c":{"b":[1,"t"]},"d":"one\ntwo\n"}"#
        );
    }

    #[test]
    fn what_sops_cannot_keep_is_told() {
        for (text, problem) in [
            ("- a\n", "the file has something other than a map at its top, which SOPS cannot keep"),
            ("1: a\n", "the file has a name that is not a text, which SOPS cannot keep"),
            ("a: 18446744073709551615\n", "a number has more digits than SOPS can keep"),
            (
                "a: 1\n---\nb: 2\n",
                "the file uses several YAML documents in one file, which is not supported here; SOPS itself can open it",
            ),
            ("a: 1\na: 2\n", "the file is not YAML: a name occurs twice in line 2"),
            ("a: .inf\n", "a number has more digits than SOPS can keep"),
            ("<<: {a: 1}\n", "the file has a merge key, which SOPS cannot keep"),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), problem, "{text}");
        }
        assert!(matches!(read("a: [1\n").unwrap_err(), crate::Error::Syntax { format: "YAML", .. }));
    }

    #[test]
    fn a_file_is_written_as_people_write_it() {
        let text = "#  about a\na: 1\nb:\n    - x\n    - c: true\n      d: 2.0\n    # here\n    - e: []\n    - - 1\nf: |\n    one\n    two\ng: \"1\"\nh: \"no\"\ni: \"\"\nj: {}\nk: a b\nl: 2024-01-01T00:00:00Z\n";
        assert_eq!(write(&read(text).unwrap()).unwrap().as_str(), text);
    }

    fn any_tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            proptest::num::f64::NORMAL
                .prop_map(|number| Value::Float(Float::rounded(&format!("{number}")).unwrap())),
            "\\PC*|[\\x00-\\x7f]*|[a-z:# \\-'\n]{0,12}|0[0-9xob_.e]{0,5}|~|yes|null|<<".prop_map(Value::text),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::List),
                prop::collection::btree_map("\\PC{1,6}|[a-z0-9: #]{1,4}", inner, 0..5)
                    .prop_map(|map| Value::Map(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_tree_survives(values in prop::collection::btree_map("[a-z]{1,4}", any_tree(), 1..5)) {
            let value = Value::Map(values.into_iter().collect());
            let text = write(&value).unwrap();
            prop_assert!(read(&text).unwrap() == value, "{}", text.as_str());
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[\\[\\]{}:,\"'a0&*!|>\\-# \n]{0,40}") {
            let _ = read(&text);
        }
    }
}
