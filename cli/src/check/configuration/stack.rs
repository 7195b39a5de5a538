//! A stack, as a configuration describes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Map, Value};
use sops::Format;

use super::evaluate::Scope;
use super::tree::{Block, Body};
use super::value::Static;

/// Which kind of stack a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// On a host.
    Compose,
    /// On a swarm.
    Swarm,
}

/// The kind of the resource with these labels, where it is a stack.
pub fn kind(labels: &[String]) -> Option<Kind> {
    match labels.first().map(String::as_str) {
        Some("windlass_compose_stack") => Some(Kind::Compose),
        Some("windlass_swarm_stack") => Some(Kind::Swarm),
        _ => None,
    }
}

/// A place in a file of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The file, as it is reached from the working directory.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

/// Where the Compose files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In a directory.
    Directory(PathBuf),
    /// In the configuration itself.
    Texts(Vec<String>),
}

/// The variables that a stack gives its Compose files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Names and values, as far as these are known. Secrets never are.
    pub values: BTreeMap<String, Option<String>>,
    /// Whether there may be others.
    pub others: bool,
}

/// A stack.
#[derive(Debug)]
pub struct Stack {
    /// Its address.
    pub address: String,
    /// Where its block begins.
    pub at: Line,
    /// Where `source_dir` or `config` is.
    pub source_at: Line,
    /// Whether it is for a swarm.
    pub swarm: bool,
    /// Its Compose files.
    pub source: Source,
    /// `files`.
    pub files: Option<Vec<String>>,
    /// `env_file`.
    pub env_file: Option<String>,
    /// `profiles`.
    pub profiles: Option<Vec<String>>,
    /// What is given to `${NAME}`.
    pub given: Given,
    /// Files that the configuration adds to those of the directory; `None` where only a plan knows which.
    pub contents: Option<BTreeSet<String>>,
    /// Images in place of those of the files, by service, as far as they are known.
    pub images: BTreeMap<String, Option<String>>,
    /// Whether any service may get another image.
    pub any_image: bool,
    /// The services that are started; all without it.
    pub started: Option<BTreeSet<String>>,
    /// Whether a variable without a value is an error.
    pub undefined_is_error: bool,
    /// `ignore_keys` of a stack on a swarm; `None` where only a plan knows them.
    pub accepted: Option<BTreeSet<String>>,
    /// What is required of it, rule by rule, as far as the configuration says so; null is a rule that only a
    /// plan knows.
    pub required: Map<String, Value>,
}

/// What a block is.
pub enum Found {
    /// A stack that can be checked, and what is not known of it.
    Stack(Box<Stack>, Vec<String>),
    /// One of which too little is known, in words.
    Unknown(String),
}

/// One instance of a block.
pub struct Instance<'a> {
    pub address: String,
    pub block: &'a Block,
    pub kind: Kind,
    pub file: String,
    /// What the provider requires of all stacks.
    pub provider: &'a Map<String, Value>,
}

impl Instance<'_> {
    fn value(&self, name: &str, scope: &Scope) -> Static {
        self.block.body.attributes.get(name).map_or(Static::Null, |said| scope.value(said))
    }

    fn line(&self, name: &str) -> Line {
        let line = self.block.body.attributes.get(name).map_or(self.block.line, |said| said.line);
        Line { file: self.file.clone(), line }
    }

    /// The stack.
    pub fn stack(&self, scope: &Scope) -> Found {
        match self.known(scope) {
            Ok((stack, notes)) => Found::Stack(Box::new(stack), notes),
            Err(name) => {
                Found::Unknown(format!("{} is not checked: only a plan knows its `{name}`", self.address))
            }
        }
    }

    /// The stack, or the name of the attribute without which nothing can be said.
    fn known(&self, scope: &Scope) -> Result<(Stack, Vec<String>), &'static str> {
        let texts = |name: &'static str| match self.value(name, scope) {
            Static::Null => Ok(None),
            value => value.texts().map(Some).ok_or(name),
        };
        let (source, source_at) = match (self.value("source_dir", scope), texts("config")?) {
            (Static::Null, Some(texts)) => (Source::Texts(texts), self.line("config")),
            (directory, _) => {
                let directory = directory.text().ok_or("source_dir")?;
                (Source::Directory(scope.root.join(directory)), self.line("source_dir"))
            }
        };
        let env_file = match self.value("env_file", scope) {
            Static::Null => None,
            value => Some(value.text().ok_or("env_file")?),
        };
        let mut notes = Vec::new();
        let images = self.value("images", scope);
        let stack = Stack {
            address: self.address.clone(),
            at: Line { file: self.file.clone(), line: self.block.line },
            source_at,
            swarm: self.kind == Kind::Swarm,
            source,
            files: texts("files")?,
            env_file,
            profiles: texts("profiles")?,
            given: self.given(scope, &mut notes),
            contents: self.contents(scope),
            any_image: images == Static::Unknown,
            images: named(&images),
            started: texts("start_services")?.map(BTreeSet::from_iter),
            undefined_is_error: self.value("undefined_variables", scope).text().as_deref() != Some("warn"),
            accepted: match self.value("ignore_keys", scope) {
                Static::Null => Some(BTreeSet::new()),
                value => value.texts().map(BTreeSet::from_iter),
            },
            required: self.required(scope),
        };
        Ok((stack, notes))
    }

    fn given(&self, scope: &Scope, notes: &mut Vec<String>) -> Given {
        let mut given = Given::default();
        for (name, is_secret) in [("environment", false), ("secrets_wo", true)] {
            let value = self.value(name, scope);
            if value == Static::Unknown {
                given.others = true;
                notes.push(format!("{}: only a plan knows which variables `{name}` gives", self.address));
            }
            let named = named(&value).into_iter();
            given.values.extend(named.map(|(name, value)| (name, value.filter(|_| !is_secret))));
        }
        let sealed = match self.value("secrets_sops_file", scope) {
            Static::Null => return given,
            value => value.text(),
        };
        // Names stand in such a file readable: no key is needed.
        let names = sealed.as_ref().and_then(|path| {
            let text = std::fs::read_to_string(scope.root.join(path)).ok()?;
            sops::names(&text, Format::of_path(path)).ok()
        });
        match names {
            Some(names) => given.values.extend(names.into_iter().map(|name| (name, None))),
            None => {
                given.others = true;
                notes.push(format!("{}: the names in `secrets_sops_file` cannot be read here", self.address));
            }
        }
        given
    }

    fn contents(&self, scope: &Scope) -> Option<BTreeSet<String>> {
        let mut paths = BTreeSet::new();
        for name in ["files_content", "secret_files_wo"] {
            match self.value(name, scope) {
                Static::Null => {}
                Static::Map(files) => paths.extend(files.into_keys()),
                _ => return None,
            }
        }
        Some(paths)
    }

    /// The stack's own rules, and rule by rule the provider's.
    fn required(&self, scope: &Scope) -> Map<String, Value> {
        let mut all = self.provider.clone();
        all.extend(required(&self.block.body, scope));
        all
    }
}

/// Names and values of a map, as far as these are known.
fn named(value: &Static) -> BTreeMap<String, Option<String>> {
    match value {
        Static::Map(map) => map.iter().map(|(name, value)| (name.clone(), value.text())).collect(),
        _ => BTreeMap::new(),
    }
}

/// The rules of a block `require`.
const RULES: [&str; 9] = [
    "pinned_images",
    "healthchecks",
    "memory_limits",
    "cpu_limits",
    "memory_reservations",
    "cpu_reservations",
    "no_privileged",
    "host_ports_allowed",
    "env_template",
];

/// What the block `require` in a body says, rule by rule; null is what only a plan knows.
pub fn required(body: &Body, scope: &Scope) -> Map<String, Value> {
    let is_dynamic =
        |block: &Block| block.kind == "dynamic" && block.labels.first().is_some_and(|name| name == "require");
    if body.blocks.iter().any(is_dynamic) {
        return RULES.iter().map(|rule| ((*rule).to_owned(), Value::Null)).collect();
    }
    let mut rules = Map::new();
    for (name, said) in
        body.blocks.iter().filter(|block| block.kind == "require").flat_map(|block| &block.body.attributes)
    {
        match scope.value(said) {
            // As if it were not there: the provider's own counts.
            Static::Null => {}
            value => {
                rules.insert(name.clone(), value.json().unwrap_or(Value::Null));
            }
        }
    }
    rules
}
