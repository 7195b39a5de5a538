//! States that released versions have written: each must be readable for ever.
//!
//! A raised schema version adds a file here and never changes an old one.

use std::fs;

use framework::{Server, server::UpgradeRequest};
use provider::Windlass;
use serde_json::Value;
use tfvalue::json;

use crate::golden;

/// `<type>.v<version>.json`, its type and its version.
pub(crate) fn states() -> Vec<(String, i64, String)> {
    let mut states = Vec::new();
    for entry in fs::read_dir(golden("states")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let (type_name, version) = name.strip_suffix(".json").unwrap().split_once(".v").unwrap();
        let text = fs::read_to_string(entry.path()).unwrap();
        states.push((type_name.to_owned(), version.parse().unwrap(), text));
    }
    states.sort();
    states
}

#[tokio::test]
async fn every_old_state_becomes_a_state_of_today() {
    let server = Server::new(Windlass::default());
    for (type_name, version, text) in states() {
        let schema = server.schema().resources[type_name.as_str()].clone();
        let request =
            UpgradeRequest { type_name: type_name.clone(), version, json: text.clone().into_bytes() };
        let response = server.upgrade(request).await;
        assert!(!response.diagnostics.has_errors(), "{type_name} {version}: {}", response.diagnostics);
        let ty = schema.value_type();
        let upgraded = response.upgraded_state.decode(&ty).unwrap();
        let upgraded: Value = serde_json::from_str(&json::encode(&upgraded, &ty).unwrap()).unwrap();
        let old: Value = serde_json::from_str(&text).unwrap();
        for (name, value) in old.as_object().unwrap() {
            let upgraded = &upgraded[name];
            // What was true or false may have become one of several words.
            let is_word =
                upgraded.as_str().zip(value.as_bool()).is_some_and(|(word, old)| word == old.to_string());
            assert!(is_word || upgraded == value, "{name} of {type_name} {version}: {upgraded}");
        }
    }
}

#[test]
fn every_version_of_every_resource_has_a_golden_state() {
    let server = Server::new(Windlass::default());
    let states = states();
    for (name, schema) in server.schema().resources {
        for version in 0..=schema.version {
            let found = states.iter().any(|(type_name, golden, _)| type_name == name && *golden == version);
            assert!(found, "there is no state of {name} version {version} in tests/contract/states");
        }
    }
}
