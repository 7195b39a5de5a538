//! The files of a module as one tree of blocks, whichever of the two languages they are written in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use serde_json::{Map, Value};

/// What an attribute says.
#[derive(Clone, Debug)]
pub enum Said {
    /// In HCL.
    Native(Box<Expression>),
    /// In JSON, where texts are templates.
    Json(Value),
}

/// An attribute.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// What it says.
    pub said: Said,
    /// Its line, from 1.
    pub line: usize,
}

/// Attributes and blocks.
#[derive(Clone, Debug, Default)]
pub struct Body {
    /// By their names.
    pub attributes: BTreeMap<String, Attribute>,
    /// In their order.
    pub blocks: Vec<Block>,
}

/// A block.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its type, such as `resource`.
    pub kind: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// What is in it.
    pub body: Body,
    /// The file that it is in.
    pub file: PathBuf,
    /// Its line there, from 1.
    pub line: usize,
}

/// Why a file is not one of a configuration.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct Malformed {
    /// The file.
    pub file: PathBuf,
    /// The line in it, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

/// What names of files end in, and which language they are in. What OpenTofu reads in place of another
/// file comes first.
const ENDS: [(&str, bool); 4] = [(".tofu", false), (".tf", false), (".tofu.json", true), (".tf.json", true)];

/// The files of the module in a directory, in the order in which a core reads them: those that override
/// others at the end.
///
/// # Errors
/// When the directory cannot be read.
pub fn files(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str()
            && !name.starts_with('.')
            && end(name).is_some()
            && entry.path().is_file()
        {
            names.insert(name.to_owned());
        }
    }
    // `a.tofu` is for OpenTofu what `a.tf` is for Terraform.
    let hidden = |name: &String| {
        let other = name.strip_suffix(".tf").map(|stem| format!("{stem}.tofu"));
        let other = other.or_else(|| name.strip_suffix(".tf.json").map(|stem| format!("{stem}.tofu.json")));
        other.is_some_and(|other| names.contains(&other))
    };
    let (overrides, plain): (Vec<&String>, Vec<&String>) =
        names.iter().filter(|name| !hidden(name)).partition(|name| is_override(name));
    Ok(plain.into_iter().chain(overrides).map(|name| directory.join(name)).collect())
}

fn end(name: &str) -> Option<(&'static str, bool)> {
    ENDS.into_iter().find(|(end, _)| name.ends_with(end))
}

fn is_override(name: &str) -> bool {
    let stem = end(name).and_then(|(end, _)| name.strip_suffix(end)).unwrap_or(name);
    stem == "override" || stem.ends_with("_override")
}

/// The blocks of all these files, those of overriding files laid over the others.
///
/// # Errors
/// At the first file that is none of a configuration.
pub fn read(files: &[PathBuf]) -> Result<Body, Malformed> {
    let mut all = Body::default();
    for file in files {
        let malformed = |line, reason: String| Malformed { file: file.clone(), line, reason };
        let text = std::fs::read_to_string(file).map_err(|error| malformed(1, error.to_string()))?;
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let body = match end(name) {
            Some((_, true)) => {
                json(file, &text).map_err(|error| malformed(error.line(), error.to_string()))?
            }
            _ => {
                let body = hcl_edit::parser::parse_body(&text);
                let body =
                    body.map_err(|error| malformed(error.location().line(), error.message().to_owned()))?;
                native(&body, file, &Lines::of(&text))
            }
        };
        for block in body.blocks {
            if is_override(name) { lay_over(&mut all, block) } else { all.blocks.push(block) }
        }
    }
    Ok(all)
}

/// What an overriding block says counts in the one of its labels.
fn lay_over(all: &mut Body, block: Block) {
    let same = |other: &&mut Block| other.kind == block.kind && other.labels == block.labels;
    match all.blocks.iter_mut().find(same) {
        Some(other) if block.kind != "locals" => {
            other.body.attributes.extend(block.body.attributes);
            let kinds: BTreeSet<&String> = block.body.blocks.iter().map(|inner| &inner.kind).collect();
            other.body.blocks.retain(|inner| !kinds.contains(&inner.kind));
            other.body.blocks.extend(block.body.blocks);
        }
        // Of locals, those that come later win.
        _ => all.blocks.push(block),
    }
}

/// What a file of variables says; `None` where it is none.
pub fn assignments(file: &Path, text: &str) -> Option<BTreeMap<String, Attribute>> {
    if file.extension().is_some_and(|end| end == "json") {
        let members: Map<String, Value> = serde_json::from_str(text).ok()?;
        let said = |value| Attribute { said: Said::Json(value), line: 1 };
        return Some(members.into_iter().map(|(name, value)| (name, said(value))).collect());
    }
    let body = hcl_edit::parser::parse_body(text).ok()?;
    Some(native(&body, file, &Lines::of(text)).attributes)
}

/// Where lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    fn at(&self, span: Option<std::ops::Range<usize>>) -> usize {
        let start = span.map(|span| span.start).unwrap_or_default();
        self.0.partition_point(|begin| *begin <= start)
    }
}

fn native(body: &hcl_edit::structure::Body, file: &Path, lines: &Lines) -> Body {
    let mut found = Body::default();
    for attribute in body.attributes() {
        let line = lines.at(attribute.key.span());
        let said = Said::Native(Box::new(attribute.value.clone()));
        found.attributes.insert(attribute.key.as_str().to_owned(), Attribute { said, line });
    }
    for block in body.blocks() {
        found.blocks.push(Block {
            kind: block.ident.as_str().to_owned(),
            labels: block.labels.iter().map(|label| label.as_str().to_owned()).collect(),
            body: native(&block.body, file, lines),
            file: file.to_owned(),
            line: lines.at(block.ident.span()),
        });
    }
    found
}

/// How many labels the blocks have that are read.
const LABELS: [(&str, usize); 6] =
    [("resource", 2), ("variable", 1), ("locals", 0), ("module", 1), ("provider", 1), ("terraform", 0)];
/// Blocks within these.
const INNER: [&str; 2] = ["require", "dynamic"];

/// In JSON, names decide what a block is.
fn json(file: &Path, text: &str) -> Result<Body, serde_json::Error> {
    let top: Map<String, Value> = serde_json::from_str(text)?;
    let mut found = Body::default();
    let place = JsonPlace { file, text };
    for (kind, labels) in LABELS {
        if let Some(said) = top.get(kind) {
            place.blocks((kind, labels), said, &mut Vec::new(), &mut found.blocks);
        }
    }
    Ok(found)
}

struct JsonPlace<'a> {
    file: &'a Path,
    text: &'a str,
}

impl JsonPlace<'_> {
    /// The first line, of those from the first one with `after` on, that has a name.
    fn line(&self, after: &[String], name: &str) -> usize {
        let mut from = 0;
        for label in after.iter().map(String::as_str).chain([name]) {
            let rest = self.text.get(from..).unwrap_or_default();
            from += rest.find(&format!("\"{label}\"")).unwrap_or_default();
        }
        1 + self.text.get(..from).unwrap_or_default().matches('\n').count()
    }

    fn blocks(
        &self,
        (kind, left): (&str, usize),
        said: &Value,
        labels: &mut Vec<String>,
        found: &mut Vec<Block>,
    ) {
        match said {
            // Several of them.
            Value::Array(all) => all.iter().for_each(|one| self.blocks((kind, left), one, labels, found)),
            Value::Object(inner) if left > 0 => {
                for (label, inner) in inner {
                    labels.push(label.clone());
                    self.blocks((kind, left - 1), inner, labels, found);
                    labels.pop();
                }
            }
            Value::Object(inner) => {
                let line = match labels.split_last() {
                    Some((name, before)) => self.line(before, name),
                    None => self.line(&[], kind),
                };
                let body = self.body(inner, labels);
                let file = self.file.to_owned();
                found.push(Block { kind: kind.to_owned(), labels: labels.clone(), body, file, line });
            }
            _ => {}
        }
    }

    fn body(&self, members: &Map<String, Value>, labels: &[String]) -> Body {
        let mut body = Body::default();
        for (name, said) in members {
            if INNER.contains(&name.as_str()) {
                let labels_of = usize::from(name == "dynamic");
                self.blocks((name, labels_of), said, &mut Vec::new(), &mut body.blocks);
            } else {
                let line = self.line(labels, name);
                body.attributes.insert(name.clone(), Attribute { said: Said::Json(said.clone()), line });
            }
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(texts: &[(&str, &str)]) -> Result<Body, Malformed> {
        let folder = tempfile::tempdir().unwrap();
        texts.iter().for_each(|(name, text)| std::fs::write(folder.path().join(name), text).unwrap());
        read(&files(folder.path()).unwrap())
    }

    fn places(body: &Body) -> Vec<(String, usize)> {
        body.blocks.iter().map(|block| (block.labels.join("."), block.line)).collect()
    }

    #[test]
    fn both_languages_have_the_same_places() {
        let native = "\nresource \"a\" \"b\" {\n  x = 1\n  require {\n    y = true\n  }\n}\n";
        let json = "{\n  \"resource\": {\"a\": {\n    \"b\": {\n      \"x\": 1,\n      \"require\": {\"y\": true}\n    }}}}";
        for (name, text, line) in [("m.tf", native, 2), ("m.tf.json", json, 3)] {
            let body = tree(&[(name, text)]).unwrap();
            assert_eq!(places(&body), [("a.b".to_owned(), line)], "{name}");
            let block = &body.blocks[0];
            assert_eq!(block.body.attributes["x"].line, line + 1);
            assert_eq!(
                (block.body.blocks[0].kind.as_str(), block.body.blocks[0].line),
                ("require", line + 2)
            );
        }
    }

    #[test]
    fn opentofus_own_files_and_those_that_override_count() {
        let body = tree(&[
            ("a.tf", "locals {\n  x = 1\n}\n"),
            ("a.tofu", "resource \"a\" \"b\" {\n  x = 2\n  y = 2\n  require {\n    z = 1\n  }\n}\n"),
            ("b_override.tf", "resource \"a\" \"b\" {\n  x = 3\n  require {\n    w = 1\n  }\n}\n"),
            ("README.md", "{"),
        ])
        .unwrap();
        assert_eq!(places(&body), [("a.b".to_owned(), 1)]);
        let inner = &body.blocks[0].body;
        assert_eq!((inner.attributes.len(), inner.blocks.len()), (2, 1));
        assert!(inner.blocks[0].body.attributes.contains_key("w"));
        assert!(matches!(&inner.attributes["x"].said, Said::Native(said) if said.to_string().trim() == "3"));
    }

    #[test]
    fn what_is_no_configuration_has_its_line() {
        let wrong = tree(&[("a.tf", "a = 1\nb = {\n")]).unwrap_err();
        assert!(wrong.line >= 2, "{}", wrong.line);
        assert_eq!(tree(&[("a.tf.json", "{\n\"a\": }")]).unwrap_err().line, 2);
    }
}
