//! The schema, one line per attribute.

use std::fmt::Write;

use framework::{Attribute, Block, Body, Schema, Server, Timeouts, testing::check_provider};
use provider::Windlass;

use crate::expect_golden;

#[test]
fn the_schema_is_as_promised() {
    let server = Server::new(Windlass::default());
    let all = server.schema();
    let mut text = String::new();
    one(&mut text, "provider windlass", all.provider);
    for (kind, schemas) in
        [("resource", &all.resources), ("data", &all.data_sources), ("ephemeral", &all.ephemerals)]
    {
        for (name, schema) in schemas {
            one(&mut text, &format!("{kind} {name}"), schema);
        }
    }
    for (name, signature) in &all.functions {
        writeln!(text, "function {name} {signature:?}").unwrap();
    }
    expect_golden("schema.txt", &text);
}

#[test]
fn every_schema_is_sound_and_equals_its_model() {
    check_provider(&Server::new(Windlass::default()));
}

fn one(text: &mut String, title: &str, schema: &Schema) {
    writeln!(text, "{title} version {}", schema.version).unwrap();
    body(text, &schema.body, "  ");
    if let Some(timeouts) = &schema.timeouts {
        writeln!(text, "  timeouts {}", limits(timeouts)).unwrap();
    }
    text.push('\n');
}

fn body(text: &mut String, body: &Body, indent: &str) {
    for attribute in &body.attributes {
        writeln!(text, "{indent}{}", line(attribute)).unwrap();
    }
    for Block { name, nesting, min, max, body: inner } in &body.blocks {
        writeln!(text, "{indent}{name} {nesting:?} block {min}..{max}").unwrap();
        self::body(text, inner, &format!("{indent}  "));
    }
}

fn line(attribute: &Attribute) -> String {
    let mut words = vec![attribute.name.clone(), attribute.ty.to_string()];
    let flags = [
        (attribute.required, "required"),
        (attribute.optional, "optional"),
        (attribute.computed, "computed"),
        (attribute.sensitive, "sensitive"),
        (attribute.write_only, "write-only"),
        (attribute.requires_replace, "replaces"),
        (attribute.keep_on_update, "kept"),
        (attribute.deprecation.is_some(), "deprecated"),
    ];
    words.extend(flags.iter().filter(|(set, _)| *set).map(|(_, flag)| (*flag).to_owned()));
    words.extend(attribute.default.as_ref().map(|default| format!("default {default:?}")));
    words.join(" ")
}

fn limits(timeouts: &Timeouts) -> String {
    let limits = [
        ("create", timeouts.create),
        ("read", timeouts.read),
        ("update", timeouts.update),
        ("delete", timeouts.delete),
    ];
    let shown = limits.iter().filter_map(|(name, limit)| Some(format!("{name} {}s", (*limit)?.as_secs())));
    shown.collect::<Vec<_>>().join(", ")
}
