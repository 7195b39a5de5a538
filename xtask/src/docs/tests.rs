//! The generator on a made-up schema, page by page against testdata/docs.

use super::pages::Files;
use super::{differing, generated, model, pages, read_tree};
use std::path::{Path, PathBuf};

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/docs")
}

fn schema(text: &str) -> model::ProviderSchema {
    model::parse(text, "acme/crane").unwrap()
}

fn made_up() -> model::ProviderSchema {
    schema(&std::fs::read_to_string(testdata().join("schema.json")).unwrap())
}

/// Set `UPDATE_GOLDEN=1` to accept a wanted change, then look at the diff.
#[test]
fn every_page_is_as_expected() {
    let examples = read_tree(&testdata().join("examples")).unwrap();
    let written = pages::render("crane", &made_up(), &examples).unwrap();
    let expected = testdata().join("expected");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        for (path, text) in &written {
            super::write(&expected.join(path), Some(text)).unwrap();
        }
    }
    let expected = read_tree(&expected).unwrap();
    assert_eq!(written.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (path, text) in &written {
        assert_eq!(text, &expected[path], "{path}");
    }
}

#[test]
fn everything_missing_is_said_at_once() {
    let text = r#"{"provider_schemas": {"registry.example.com/acme/crane": {
        "provider": {"block": {"description": "A crane."}},
        "resource_schemas": {"crane_hook": {"block": {
            "attributes": {"weight": {"type": "number", "required": true}},
            "block_types": {"rope": {"nesting_mode": "list", "block": {
                "attributes": {"length": {"type": "number", "optional": true}}}}}}}},
        "functions": {"lift": {"return_type": "bool",
            "parameters": [{"name": "load", "type": "string"}]}}}}}"#;
    let problems = pages::render("crane", &schema(text), &Files::new()).unwrap_err();
    assert_eq!(
        problems,
        [
            "examples/provider/provider.tf is missing",
            "resource crane_hook has no description",
            "examples/resources/crane_hook/resource.tf is missing",
            "resource crane_hook: weight has no description",
            "resource crane_hook: the block rope has no description",
            "resource crane_hook: rope.length has no description",
            "function lift has no description",
            "examples/functions/lift/function.tf is missing",
            "function lift: load has no description",
        ]
    );
}

#[test]
fn a_document_without_our_provider_is_refused() {
    let other = r#"{"provider_schemas": {"registry.example.com/acme/other": {}}}"#;
    let error = model::parse(other, "acme/crane").unwrap_err().to_string();
    assert_eq!(error, "the schema does not have the provider acme/crane");
    assert!(model::parse("{}", "acme/crane").is_err());
    assert!(model::parse("Warning: …", "acme/crane").is_err());
}

#[test]
fn a_stale_page_differs_and_a_guide_is_left_alone() {
    let files = |entries: &[(&str, &str)]| -> Files {
        let owned = entries.iter().map(|(path, text)| (path.to_string(), text.to_string()));
        owned.collect()
    };
    let wanted = files(&[("index.md", "new"), ("resources/same.md", "same")]);
    let present = generated(files(&[
        ("index.md", "old"),
        ("resources/same.md", "same"),
        ("resources/gone.md", "gone"),
        ("guides/hand.md", "by hand"),
    ]));
    assert_eq!(differing(&wanted, &present), ["index.md", "resources/gone.md"]);
    assert_eq!(differing(&wanted, &wanted), Vec::<String>::new());
}
