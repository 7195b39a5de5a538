//! The published schema says what `windlass.toml` may have: no more, and no less.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::process::Command;

use boon::{Compiler, Schemas};
use serde_json::Value;

fn schema() -> Value {
    serde_json::from_str(include_str!("../windlass.schema.json")).unwrap()
}

fn everything() -> Value {
    toml::from_str(include_str!("windlass.toml")).unwrap()
}

/// The paths of all settings that a schema has; names that are a person's own are `*`.
fn of_schema(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(items) = schema.get("items").filter(|items| items["type"] == "object") {
        return of_schema(items, path, found);
    }
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, inner) in properties {
            of_schema(inner, &format!("{path}/{name}"), found);
        }
        return;
    }
    match schema.get("additionalProperties").filter(|inner| inner.get("properties").is_some()) {
        Some(inner) => of_schema(inner, &format!("{path}/*"), found),
        None => drop(found.insert(path.to_owned())),
    }
}

/// The same of a document, whose schema says which names are a person's own.
fn of_document(document: &Value, schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let (Some(first), Some(items)) =
        (document.get(0), schema.get("items").filter(|items| items["type"] == "object"))
    {
        return of_document(first, items, path, found);
    }
    let has_names = |name: &str| schema.get(name).is_some_and(Value::is_object);
    match document.as_object() {
        Some(object) if has_names("properties") => {
            for (name, inner) in object {
                of_document(inner, &schema["properties"][name], &format!("{path}/{name}"), found);
            }
        }
        Some(object) if schema["additionalProperties"].get("properties").is_some() => {
            let inner = object.values().next().unwrap();
            of_document(inner, &schema["additionalProperties"], &format!("{path}/*"), found);
        }
        _ => drop(found.insert(path.to_owned())),
    }
}

#[test]
fn the_example_has_all_that_the_schema_has() {
    let (schema, document) = (schema(), everything());
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("windlass.json", schema.clone()).unwrap();
    let index = compiler.compile("windlass.json", &mut schemas).unwrap();
    schemas.validate(&document, index).unwrap();
    let (mut all, mut used) = (BTreeSet::new(), BTreeSet::new());
    of_schema(&schema, "", &mut all);
    of_document(&document, &schema, "", &mut used);
    assert_eq!(used, all);

    let mut more = document.clone();
    more["backup"]["corpus"]["uploads"]["retain"] = 1.into();
    assert!(schemas.validate(&more, index).is_err(), "it is strict");
}

#[test]
fn the_example_that_people_copy_is_what_is_read() {
    let text = include_str!("../README.md");
    let (_, example) = text.split_once("```toml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("windlass.json", schema()).unwrap();
    let index = compiler.compile("windlass.json", &mut schemas).unwrap();
    schemas.validate(&toml::from_str(example).unwrap(), index).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("windlass.toml"), example).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
    let output = command.args(["backup", "list", "nobody"]).current_dir(dir.path()).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("`[backup.corpus]` of windlass.toml does not have it"), "{told}");

    let roots = concat!(env!("CARGO_MANIFEST_DIR"), "/../terraform/roots/README.md");
    let text = std::fs::read_to_string(roots).unwrap();
    let (_, example) = text.split_once("```toml\n").unwrap();
    let (example, _) = example.split_once("```").unwrap();
    schemas.validate(&toml::from_str(example).unwrap(), index).unwrap();
}

/// Where the schema has a corpus.
const CORPUS: &str = "/properties/backup/properties/corpus/additionalProperties";

/// Where it has a drill.
const DRILL: &str = "/properties/drill/additionalProperties";

/// `read` fails on a setting that it does not know; on one that it knows, never for its name.
#[test]
fn the_companion_reads_all_that_the_schema_has() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("windlass.toml"), include_str!("windlass.toml")).unwrap();
    let told = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
        let output = command.args(["backup", "list", "uploads"]).current_dir(dir.path()).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    // What is read means too much at once, which is another matter.
    assert!(told().contains("exactly one of `path`, `volume`, `postgres` and `exec`"), "{}", told());
    // What it would read in the place of a setting that it does not know is what the schema has.
    let schema = schema();
    for (table, pointer) in [
        ("state", "/properties/state"),
        ("guard", "/properties/guard"),
        ("guard.workspace.x", "/properties/guard/properties/workspace/additionalProperties"),
        ("check", "/properties/check"),
        ("check.require", "/properties/check/properties/require"),
        ("drift", "/properties/drift"),
        ("report", "/properties/report"),
        ("doctor", "/properties/doctor"),
        ("[ssh]", "/properties/ssh/items"),
        ("drill.x", DRILL),
        ("[drill.x.restore]", &format!("{DRILL}/properties/restore/items")),
        ("[drill.x.probe]", &format!("{DRILL}/properties/probe/items")),
        ("[drill.x.command]", &format!("{DRILL}/properties/command/items")),
        ("backup", "/properties/backup"),
        ("backup.store.x", "/properties/backup/properties/store/additionalProperties"),
        ("backup.corpus.x", CORPUS),
        ("backup.corpus.x.postgres", &format!("{CORPUS}/properties/postgres")),
        ("[backup.corpus.x.check]", &format!("{CORPUS}/properties/check/items")),
        ("backup.corpus.x.exec", &format!("{CORPUS}/properties/exec")),
        ("backup.corpus.x.quiesce", &format!("{CORPUS}/properties/quiesce")),
        ("backup.corpus.x.retention", &format!("{CORPUS}/properties/retention")),
    ] {
        std::fs::write(dir.path().join("windlass.toml"), format!("[{table}]\nnonsense = 1\n")).unwrap();
        let said = told();
        let (_, expected) = said.split_once("unknown field `nonsense`, expected ").expect(&said);
        let expected = expected.split('\n').next().unwrap();
        let read: BTreeSet<&str> = expected.split('`').skip(1).step_by(2).collect();
        let written = schema.pointer(pointer).unwrap()["properties"].as_object().unwrap();
        let written: BTreeSet<&str> = written.keys().map(String::as_str).collect();
        assert_eq!(read, written, "{table}");
    }
}
