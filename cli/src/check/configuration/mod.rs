//! The stacks of a configuration of OpenTofu or Terraform, read without either of them: no provider, no
//! state, no credential.
//!
//! [`tree`] reads the files of a module, [`evaluate`] says what its expressions come to where that stands
//! in the files, [`stack`] what a stack is of it. What only a plan knows is left out and told, so that
//! nothing is found that is not so.

mod evaluate;
mod stack;
mod tree;
mod value;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use stack::{Line, Source, Stack};

use self::evaluate::Scope;
use self::stack::{Found, Instance};
use self::tree::{Attribute, Block, Body};
use self::value::Static;
use super::finding::{Finding, Level};
use crate::exit::Failure;

/// The rule about what cannot be read of a configuration.
const CONFIGURATION: &str = "configuration";
/// How deep modules call each other. One that calls itself is no configuration.
const DEPTH: usize = 16;
/// How many instances of one block are looked at.
const INSTANCES: usize = 500;

/// What a configuration has.
#[derive(Debug, Default)]
pub struct Read {
    /// Its stacks, of all modules.
    pub stacks: Vec<Stack>,
    /// What could not be read.
    pub notes: Vec<Finding>,
}

/// Whether a directory has a configuration.
pub fn is_one(directory: &Path) -> bool {
    tree::files(directory).is_ok_and(|files| !files.is_empty())
}

/// Reads the configuration in a directory. Places are told as they are reached from `here`.
///
/// # Errors
/// When a file of it is none of a configuration.
pub fn read(directory: &Path, here: &Path) -> Result<Read, Failure> {
    let failed = || Failure::new(format!("Could not check {}", directory.display()));
    let root = directory.canonicalize().map_err(|error| failed().because(&error))?;
    let reading = Reading { root: &root, here };
    let body = reading.body(&root).map_err(|wrong| {
        let place = reading.shown(&wrong.file);
        failed().with(format!("{place}:{} is not a configuration: {wrong}.", wrong.line))
    })?;
    let mut read = Read::default();
    let variables = reading.variable_files(&root);
    reading.module(&root, &body, &Call { address: String::new(), given: variables, depth: 0 }, &mut read);
    Ok(read)
}

struct Reading<'a> {
    root: &'a Path,
    here: &'a Path,
}

/// One of what `count` or `for_each` makes of a block: what its address ends in, `each.key` with `each.value`, and `count.index`.
type Turn = (String, Option<(Static, Static)>, Option<Static>);

/// How a module is called.
struct Call {
    /// Its address with a dot at its end; empty for the root.
    address: String,
    /// What its variables are given.
    given: BTreeMap<String, Static>,
    depth: usize,
}

impl Reading<'_> {
    fn shown(&self, path: &Path) -> String {
        path.strip_prefix(self.here).unwrap_or(path).display().to_string()
    }

    fn note(&self, block: &Block, message: String) -> Finding {
        Finding {
            level: Level::Note,
            rule: CONFIGURATION.into(),
            message,
            file: self.shown(&block.file),
            line: Some(block.line),
            service: None,
        }
    }

    fn body(&self, directory: &Path) -> Result<Body, tree::Malformed> {
        let files = tree::files(directory).map_err(|error| tree::Malformed {
            file: directory.to_owned(),
            line: 1,
            reason: error.to_string(),
        })?;
        tree::read(&files)
    }

    /// What the files of variables say that a core reads by itself, the later ones winning.
    fn variable_files(&self, root: &Path) -> BTreeMap<String, Static> {
        let mut names: Vec<PathBuf> =
            ["terraform.tfvars", "terraform.tfvars.json"].map(|name| root.join(name)).into();
        let automatic = |path: &Path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json")
        };
        let mut more: Vec<PathBuf> =
            std::fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        more.retain(|path| automatic(path));
        more.sort();
        names.extend(more);
        let scope = self.scope(root, BTreeMap::new(), BTreeMap::new());
        let mut values = BTreeMap::new();
        for path in names {
            let attributes =
                std::fs::read_to_string(&path).ok().and_then(|text| tree::assignments(&path, &text));
            let attributes = attributes.unwrap_or_default();
            values.extend(attributes.into_iter().map(|(name, said)| (name, scope.value(&said))));
        }
        values
    }

    fn scope(
        &self,
        module: &Path,
        variables: BTreeMap<String, Static>,
        locals: BTreeMap<String, Attribute>,
    ) -> Scope {
        Scope {
            module: module.to_owned(),
            root: self.root.to_owned(),
            variables,
            locals,
            each: None,
            count: None,
            depth: Cell::default(),
        }
    }

    /// The stacks of a module, and of those that it calls.
    fn module(&self, directory: &Path, body: &Body, call: &Call, read: &mut Read) {
        let of_kind = |kind: &'static str| body.blocks.iter().filter(move |block| block.kind == kind);
        let mut variables = BTreeMap::new();
        let empty = self.scope(directory, BTreeMap::new(), BTreeMap::new());
        for block in of_kind("variable") {
            let Some(name) = block.labels.first() else { continue };
            let default = block.body.attributes.get("default").map(|default| empty.value(default));
            let value = call.given.get(name).cloned().or(default);
            variables.insert(name.clone(), value.unwrap_or(Static::Unknown));
        }
        let mut locals = BTreeMap::new();
        of_kind("locals").for_each(|block| locals.extend(block.body.attributes.clone()));
        let mut scope = self.scope(directory, variables, locals);
        let provider = of_kind("provider")
            .filter(|block| block.labels.first().is_some_and(|name| name == "windlass"))
            .find(|block| !block.body.attributes.contains_key("alias"));
        let provider = provider.map(|block| stack::required(&block.body, &scope)).unwrap_or_default();
        for block in of_kind("resource") {
            let Some(kind) = stack::kind(&block.labels) else { continue };
            for (suffix, each, count) in self.instances(block, &scope, read) {
                (scope.each, scope.count) = (each, count);
                let address = format!("{}{}{suffix}", call.address, block.labels.join("."));
                let instance =
                    Instance { address, block, kind, file: self.shown(&block.file), provider: &provider };
                match instance.stack(&scope) {
                    Found::Stack(stack, notes) => {
                        read.notes.extend(notes.into_iter().map(|note| self.note(block, note)));
                        read.stacks.push(*stack);
                    }
                    Found::Unknown(note) => read.notes.push(self.note(block, note)),
                }
            }
            (scope.each, scope.count) = (None, None);
        }
        for block in of_kind("module") {
            for (suffix, each, count) in self.instances(block, &scope, read) {
                (scope.each, scope.count) = (each, count);
                self.called(directory, block, &suffix, &scope, call, read);
            }
            (scope.each, scope.count) = (None, None);
        }
    }

    /// A module that another one calls, where it lies beside it.
    fn called(&self, from: &Path, block: &Block, suffix: &str, scope: &Scope, call: &Call, read: &mut Read) {
        let name = block.labels.first().map(String::as_str).unwrap_or_default();
        let address = format!("{}module.{name}{suffix}", call.address);
        let source = block.body.attributes.get("source").map(|source| scope.value(source));
        let source = source.as_ref().and_then(Static::text).unwrap_or_default();
        if !source.starts_with("./") && !source.starts_with("../") {
            read.notes.push(
                self.note(block, format!("{address} comes from elsewhere, and its stacks are not checked")),
            );
            return;
        }
        if call.depth == DEPTH {
            read.notes.push(
                self.note(block, format!("{address} is called too deep, and its stacks are not checked")),
            );
            return;
        }
        let directory = from.join(&source);
        let directory = directory.canonicalize().unwrap_or(directory);
        let body = match self.body(&directory) {
            Ok(body) => body,
            Err(wrong) => {
                if !directory.is_dir() {
                    let message = format!("{address}: there is no directory {source}");
                    read.notes.push(Finding { level: Level::Error, ..self.note(block, message) });
                    return;
                }
                let place = self.shown(&wrong.file);
                let note = format!(
                    "{address} is not checked: {place}:{} is not a configuration: {wrong}",
                    wrong.line
                );
                read.notes.push(self.note(block, note));
                return;
            }
        };
        let attributes = block.body.attributes.iter();
        let given = attributes.map(|(name, said)| (name.clone(), scope.value(said))).collect();
        self.module(&directory, &body, &Call { address: address + ".", given, depth: call.depth + 1 }, read);
    }

    /// The instances of a block.
    fn instances(&self, block: &Block, scope: &Scope, read: &mut Read) -> Vec<Turn> {
        let value = |name: &str| block.body.attributes.get(name).map(|said| scope.value(said));
        let all: Option<Vec<_>> = match (value("for_each"), value("count")) {
            (None, None) => Some(vec![(String::new(), None, None)]),
            (Some(Static::Map(map)), _) => Some(
                map.into_iter()
                    .map(|(key, value)| (format!("[{key:?}]"), Some((Static::Text(key), value)), None))
                    .collect(),
            ),
            (Some(list @ Static::List(_)), _) => list.texts().map(|keys| {
                let each = |key: String| (Static::Text(key.clone()), Static::Text(key));
                keys.into_iter().map(|key| (format!("[{key:?}]"), Some(each(key)), None)).collect()
            }),
            (None, Some(Static::Number(number))) => number.parse::<usize>().ok().map(|count| {
                let count = count.min(INSTANCES + 1);
                (0..count).map(|at| (format!("[{at}]"), None, Some(Static::Number(at.to_string())))).collect()
            }),
            _ => None,
        };
        match all {
            Some(all) if all.len() <= INSTANCES => all,
            Some(mut all) => {
                all.truncate(INSTANCES);
                let note =
                    format!("only the first {INSTANCES} instances of {} are checked", block.labels.join("."));
                read.notes.push(self.note(block, note));
                all
            }
            // What all instances have in common can be looked at all the same.
            None => vec![("[…]".into(), None, None)],
        }
    }
}
