//! The reader, on the events of a parser.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser, Placement, ScalarStyle, Span, Tag};
use zeroize::Zeroizing;

use super::resolve;
use crate::error::Error;
use crate::value::Value;

/// Anchors can make a small text a large tree; nothing that people write is larger.
const NODES: usize = 2_000_000;
/// As in JSON.
const DEPTH: usize = 500;

/// Reads the one document of a text.
///
/// # Errors
/// When it is no YAML, more than one document, or holds what SOPS cannot keep.
pub fn read(text: &str) -> Result<Value, Error> {
    let mut reader =
        Reader { open: Vec::new(), anchors: HashMap::new(), root: None, nodes: 0, waiting: Vec::new() };
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let line = error.marker().line();
            Error::Syntax { format: "YAML", problem: "it cannot be parsed".into(), line }
        })?;
        if matches!(event, Event::DocumentStart(..)) {
            documents += 1;
            if documents > 1 {
                return Err(Error::Unsupported("several YAML documents in one file".into()));
            }
        }
        reader.take(event, span)?;
    }
    match reader.root {
        Some(map @ Value::Map(_)) => Ok(map),
        _ => Err(Error::Shape("something other than a map at its top")),
    }
}

/// A collection whose end has not come yet.
struct Open {
    value: Value,
    /// In a map, the name whose value comes next.
    name: Option<String>,
    /// In a map, the names that it has.
    names: HashSet<String>,
    anchor: usize,
    /// How far in it begins: what stands further out is not in it, although its end is not told yet.
    column: usize,
    /// Comments that stand further out.
    after: Vec<Value>,
}

struct Reader {
    open: Vec<Open>,
    anchors: HashMap<usize, Value>,
    root: Option<Value>,
    nodes: usize,
    /// Comments that came between a name and its value: they belong into the value when that is a
    /// collection, because a block begins with what comes after them.
    waiting: Vec<Value>,
}

impl Reader {
    fn take(&mut self, event: Event, span: Span) -> Result<(), Error> {
        let line = span.start.line();
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref())?;
                self.node(value, (style == ScalarStyle::Plain && text == "<<").then_some(()), anchor, line)
            }
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).cloned().ok_or(Error::Shape("an alias of itself"))?;
                self.nodes += size(&value);
                self.node(value, None, 0, line)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.begin(Value::List(Vec::new()), anchor, span.start.col())
            }
            Event::MappingStart(_, anchor, _) => self.begin(Value::Map(Vec::new()), anchor, span.start.col()),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(done) = self.open.pop() else { return Ok(()) };
                self.node(done.value, None, done.anchor, line)?;
                done.after.into_iter().for_each(|comment| self.comment(comment));
                Ok(())
            }
            Event::Comment(text, placement) => {
                let comment = Value::Comment(Zeroizing::new(text.into_owned()));
                let column = span.start.col();
                let outer = self.open.iter_mut().find(|open| open.column > column);
                match outer.filter(|_| placement != Placement::Right) {
                    Some(open) => open.after.push(comment),
                    None => self.comment(comment),
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, value: Value, anchor: usize, column: usize) -> Result<(), Error> {
        if self.open.len() > DEPTH {
            return Err(Error::Shape("more levels than anybody writes"));
        }
        if let Some(Open { value: Value::Map(_), name: None, .. }) = self.open.last() {
            return Err(Error::Shape("a name that is not a text"));
        }
        self.open.push(Open { value, name: None, names: HashSet::new(), anchor, column, after: Vec::new() });
        for comment in std::mem::take(&mut self.waiting) {
            self.comment(comment);
        }
        Ok(())
    }

    fn comment(&mut self, comment: Value) {
        match self.open.last_mut() {
            Some(Open { value: Value::Map(pairs), name: None, .. }) => pairs.push((String::new(), comment)),
            Some(Open { value: Value::List(values), .. }) => values.push(comment),
            _ => self.waiting.push(comment),
        }
    }

    fn node(&mut self, value: Value, merge: Option<()>, anchor: usize, line: usize) -> Result<(), Error> {
        self.nodes += 1;
        if self.nodes > NODES {
            return Err(Error::Shape("more values than anybody writes"));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        match self.open.last_mut() {
            None => self.root = Some(value),
            Some(Open { value: Value::List(values), .. }) => values.push(value),
            Some(Open { value: Value::Map(pairs), name, names, .. }) => match name.take() {
                Some(name) => pairs.push((name, value)),
                None if merge.is_some() => return Err(Error::Shape("a merge key")),
                None => *name = Some(new_name(&value, names, line)?),
            },
            Some(_) => {}
        }
        // After a scalar they stand behind it.
        if self.open.last().is_none_or(|open| open.name.is_none()) {
            for comment in std::mem::take(&mut self.waiting) {
                self.comment(comment);
            }
        }
        Ok(())
    }
}

fn new_name(value: &Value, names: &mut HashSet<String>, line: usize) -> Result<String, Error> {
    let name = value.as_text().ok_or(Error::Shape("a name that is not a text"))?;
    if !names.insert(name.to_owned()) {
        return Err(Error::Syntax { format: "YAML", problem: "a name occurs twice".into(), line });
    }
    Ok(name.to_owned())
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, Error> {
    match tag.map(Tag::core_suffix) {
        Some(Some("str")) => return Ok(Value::text(text)),
        Some(None) => return Err(Error::Shape("a tag of its own")),
        _ => {}
    }
    if style == ScalarStyle::Plain { resolve::plain(text) } else { Ok(Value::text(text)) }
}

fn size(value: &Value) -> usize {
    match value {
        Value::List(values) => 1 + values.iter().map(size).sum::<usize>(),
        Value::Map(pairs) => 1 + pairs.iter().map(|(_, value)| size(value)).sum::<usize>(),
        _ => 1,
    }
}
