//! The published schema says what manifests are.

#![allow(clippy::unwrap_used, reason = "what fails in a test fails it")]

mod world;

use std::{fs, os::unix::fs::symlink};

use boon::{Compiler, Schemas};
use remote::conformance::Tools;
use serde_json::{Value, json};
use world::{World, raw};

#[tokio::test]
async fn a_manifest_is_what_its_schema_says() {
    let world = World::new();
    fs::write(world.source().join(raw(b"not UTF-8 \xff")), "x").unwrap();
    fs::hard_link(world.source().join(raw(b"not UTF-8 \xff")), world.source().join("again")).unwrap();
    symlink("again", world.source().join("link")).unwrap();
    let manifest = world.taking(&Tools::here()).take().await.unwrap();
    let document: Value = serde_json::from_slice(&manifest.to_json().unwrap()).unwrap();

    let schema: Value = serde_json::from_str(include_str!("../manifest.schema.json")).unwrap();
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource("manifest.json", schema).unwrap();
    let index = compiler.compile("manifest.json", &mut schemas).unwrap();
    schemas.validate(&document, index).unwrap();

    // It is strict: what is missing, too much or different is seen.
    for (pointer, value) in [
        ("/snapshot", json!("prod")),
        ("/entries/0/more", json!(1)),
        ("/entries/0/kind", json!("device")),
        ("/parts/0/sha256", json!("")),
        ("/seal", Value::Null),
    ] {
        let mut changed = document.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        changed.pointer_mut(parent).unwrap()[key] = value;
        assert!(schemas.validate(&changed, index).is_err(), "{pointer}");
    }
}
