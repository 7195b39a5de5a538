//! The way through a tree, as SOPS goes it: what is encrypted with what, and the MAC over all of it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use crate::cipher::{Cipher, Opened, is_sealed};
use crate::error::Error;
use crate::rules::Rules;
use crate::value::{Float, Value};

/// SHA-256 of "sops": what the hash begins with where only encrypted values count.
const ONLY_ENCRYPTED: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b, 0x0b,
    0x97, 0x5b, 0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// What an element of a list is known by: its number, or what it says of itself. The names lead to
/// the list.
pub type Identify = fn(&[&str], usize, &Value) -> String;

/// Elements by their numbers.
pub fn by_number(_: &[&str], at: usize, _: &Value) -> String {
    at.to_string()
}

/// What stood where when the file was last read or written, so that what has not changed keeps its
/// ciphertext. A nonce is used again only with it: same place, same kind, same plaintext.
///
/// A file is copied before it is written, so this is shared: it has an entry for each value.
#[derive(Clone, Default)]
pub struct Memory(Arc<Known>);

/// By position.
type Known = HashMap<Arc<str>, Arc<Sealed>>;

struct Sealed {
    plain: Zeroizing<Vec<u8>>,
    kind: &'static str,
    text: String,
}

/// The bytes of a leaf and their kind; `None` for what is none, or is not encrypted.
fn bytes(value: &Value) -> Option<(&[u8], &'static str)> {
    match value {
        Value::Null | Value::List(_) | Value::Map(_) | Value::Int(_) => None,
        Value::Bool(true) => Some((b"True", "bool")),
        Value::Bool(false) => Some((b"False", "bool")),
        Value::Float(number) => Some((number.as_str().as_bytes(), "float")),
        Value::Time(time) => Some((time.as_bytes(), "time")),
        Value::Text(text) => Some((text.as_bytes(), "str")),
        Value::Comment(text) => Some((text.as_bytes(), "comment")),
    }
}

/// Calls with the bytes of a leaf.
fn with_bytes<T>(value: &Value, call: impl FnOnce(&[u8], &'static str) -> T) -> Option<T> {
    if let Value::Int(number) = value {
        return Some(call(Zeroizing::new(number.to_string()).as_bytes(), "int"));
    }
    bytes(value).map(|(bytes, kind)| call(bytes, kind))
}

/// The names that lead to where one is, and what a value there is bound to.
#[derive(Default)]
struct Path<'t> {
    names: Vec<&'t str>,
    /// The names with a colon after each, and never the number in a list.
    bound: String,
}

impl<'t> Path<'t> {
    fn enter(&mut self, name: &'t str) {
        self.names.push(name);
        self.bound.push_str(name);
        self.bound.push(':');
    }

    fn leave(&mut self) {
        let name = self.names.pop().unwrap_or_default();
        self.bound.truncate(self.bound.len().saturating_sub(name.len() + 1));
    }

    fn place(&self) -> &str {
        if self.names.is_empty() { ":" } else { &self.bound }
    }

    /// For people.
    fn words(&self) -> String {
        self.names.join(".")
    }
}

/// The hash that becomes the MAC.
struct Mac {
    hash: Sha512,
    only_encrypted: bool,
}

impl Mac {
    fn new(rules: &Rules) -> Self {
        let mut hash = Sha512::new();
        if rules.mac_only_encrypted {
            hash.update(ONLY_ENCRYPTED);
        }
        Self { hash, only_encrypted: rules.mac_only_encrypted }
    }

    fn take(&mut self, value: &Value, encrypted: bool) {
        if !value.is_comment() && (encrypted || !self.only_encrypted) {
            with_bytes(value, |bytes, _| self.hash.update(bytes));
        }
    }

    fn text(self) -> String {
        secret::hex(&self.hash.finalize()).to_uppercase()
    }
}

/// Opens every value that the rules cover, where it stands, and says what the MAC has to be.
///
/// # Errors
/// At the first value that does not open, or is not encrypted and should be.
pub fn open(tree: &mut Value, cipher: &Cipher, rules: &Rules) -> Result<String, Error> {
    let mut opening = Opening { cipher, rules, mac: Mac::new(rules), path: Path::default() };
    opening.value(tree)?;
    Ok(opening.mac.text())
}

struct Opening<'a, 't> {
    cipher: &'a Cipher,
    rules: &'a Rules,
    mac: Mac,
    path: Path<'t>,
}

impl<'t> Opening<'_, 't> {
    fn value(&mut self, value: &'t mut Value) -> Result<(), Error> {
        match value {
            Value::Null => Ok(()),
            Value::List(values) => values.iter_mut().try_for_each(|value| self.value(value)),
            Value::Map(pairs) => pairs.iter_mut().try_for_each(|(name, value)| self.pair(name, value)),
            leaf => {
                let encrypted = self.rules.covers(&self.path.names);
                if encrypted && let Some(plain) = self.leaf(leaf)? {
                    *leaf = plain;
                }
                self.mac.take(leaf, encrypted);
                Ok(())
            }
        }
    }

    fn pair(&mut self, name: &'t str, value: &'t mut Value) -> Result<(), Error> {
        // A comment is at the place of what it stands in.
        if value.is_comment() {
            return self.value(value);
        }
        self.path.enter(name);
        self.value(value)?;
        self.path.leave();
        Ok(())
    }

    /// What comes in the place of a leaf that the rules cover, if it does not stay.
    fn leaf(&self, leaf: &Value) -> Result<Option<Value>, Error> {
        let here = self.path.place();
        let name = || self.path.words();
        match leaf {
            // Comments may have been written by hand since.
            Value::Comment(text) => match self.cipher.open(text, here) {
                Some(opened) => Ok(Some(Value::Comment(utf8(opened).ok_or_else(|| Error::Value(name()))?))),
                None => Ok(None),
            },
            Value::Text(text) if text.is_empty() => Ok(None),
            Value::Text(text) if is_sealed(text) => {
                let opened = self.cipher.open(text, here).ok_or_else(|| Error::Value(name()))?;
                typed(opened).map(Some).ok_or_else(|| Error::Value(name()))
            }
            _ => Err(Error::Plain(name())),
        }
    }
}

fn utf8(mut opened: Opened<'_>) -> Option<Zeroizing<String>> {
    let text = String::from_utf8(std::mem::take(&mut *opened.plain));
    text.map(Zeroizing::new).map_err(|error| drop(Zeroizing::new(error.into_bytes()))).ok()
}

fn typed(opened: Opened<'_>) -> Option<Value> {
    let kind = opened.kind;
    let text = utf8(opened)?;
    Some(match kind {
        "str" | "bytes" => Value::Text(text),
        "int" => Value::Int(text.parse().ok()?),
        "float" => Value::Float(Float::rounded(&text).ok()?),
        "bool" => Value::Bool(match text.as_str() {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
            "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
            _ => return None,
        }),
        "time" => Value::Time(text.to_string()),
        "comment" => Value::Comment(text),
        _ => return None,
    })
}

/// Encrypts every value that the rules cover, and says the MAC and what to remember. What `memory`
/// has in the same place with the same plaintext keeps its ciphertext.
///
/// # Errors
/// When the system has no random numbers.
pub fn seal(
    tree: &Value,
    cipher: &Cipher,
    rules: &Rules,
    memory: &Memory,
    identify: Identify,
) -> Result<(Value, String, Memory), Error> {
    let mut sealing = Sealing {
        cipher,
        rules,
        mac: Mac::new(rules),
        memory: &memory.0,
        learned: Known::with_capacity(memory.0.len()),
        way: Way::new(identify),
    };
    let sealed = sealing.value(tree)?;
    Ok((sealed, sealing.mac.text(), Memory(Arc::new(sealing.learned))))
}

struct Sealing<'a, 't> {
    cipher: &'a Cipher,
    rules: &'a Rules,
    mac: Mac,
    memory: &'a Known,
    learned: Known,
    way: Way<'t>,
}

impl<'t> Sealing<'_, 't> {
    fn value(&mut self, value: &'t Value) -> Result<Value, Error> {
        match value {
            Value::Null => Ok(Value::Null),
            Value::List(values) => {
                let mut seen = HashMap::new();
                let mut sealed = Vec::with_capacity(values.len());
                for (at, value) in values.iter().enumerate() {
                    let before = self.way.enter_element(at, value, &mut seen);
                    sealed.push(self.value(value)?);
                    self.way.back(before, false);
                }
                Ok(Value::List(sealed))
            }
            Value::Map(pairs) => {
                let mut sealed = Vec::with_capacity(pairs.len());
                for (at, (name, value)) in pairs.iter().enumerate() {
                    let before = self.way.enter_pair(at, name, value);
                    sealed.push((name.clone(), self.value(value)?));
                    self.way.back(before, !value.is_comment());
                }
                Ok(Value::Map(sealed))
            }
            leaf => {
                let encrypted = self.rules.covers(&self.way.path.names);
                self.mac.take(leaf, encrypted);
                if encrypted { self.leaf(leaf) } else { Ok(leaf.clone()) }
            }
        }
    }

    fn leaf(&mut self, leaf: &Value) -> Result<Value, Error> {
        let sealed = with_bytes(leaf, |bytes, kind| {
            let known = self.memory.get_key_value(self.way.position.as_str());
            let known = known.filter(|(_, known)| known.kind == kind && known.plain.as_slice() == bytes);
            let (position, sealed) = match known {
                Some((position, known)) => (Arc::clone(position), Arc::clone(known)),
                None => {
                    let text = self.cipher.seal(bytes, kind, self.way.path.place())?;
                    (self.way.position.as_str().into(), Sealed::new(bytes, kind, text))
                }
            };
            let text = sealed.text.clone();
            self.learned.insert(position, sealed);
            Ok::<_, Error>(text)
        });
        let Some(text) = sealed.transpose()? else { return Ok(Value::Null) };
        Ok(if leaf.is_comment() { Value::Comment(Zeroizing::new(text)) } else { Value::text(text) })
    }
}

/// Where one is: the names, and beside them what tells elements of lists apart.
struct Way<'t> {
    path: Path<'t>,
    position: String,
    identify: Identify,
}

impl<'t> Way<'t> {
    fn new(identify: Identify) -> Self {
        Self { path: Path::default(), position: String::new(), identify }
    }

    /// Returns what [`Self::back`] takes.
    fn enter_element(&mut self, at: usize, value: &Value, seen: &mut HashMap<String, usize>) -> usize {
        let before = self.position.len();
        let identity = (self.identify)(&self.path.names, at, value);
        // Lengths keep one step from being taken for another.
        let _ = write!(self.position, "[{}:{identity}#", identity.len());
        let count = seen.entry(identity).or_default();
        let _ = write!(self.position, "{count}");
        *count += 1;
        before
    }

    fn enter_pair(&mut self, at: usize, name: &'t str, value: &Value) -> usize {
        let before = self.position.len();
        if value.is_comment() {
            let _ = write!(self.position, "#{at}");
        } else {
            self.path.enter(name);
            let _ = write!(self.position, ".{}:{name}", name.len());
        }
        before
    }

    fn back(&mut self, before: usize, named: bool) {
        self.position.truncate(before);
        if named {
            self.path.leave();
        }
    }
}

impl Sealed {
    fn new(plain: &[u8], kind: &'static str, text: String) -> Arc<Self> {
        Arc::new(Self { plain: Zeroizing::new(plain.to_vec()), kind, text })
    }
}

impl Memory {
    /// What a file has where, by its tree as it stands there and opened.
    pub fn of(sealed: Value, plain: &Value, identify: Identify) -> Self {
        let mut known = Known::default();
        learn(&mut known, sealed, plain, &mut Way::new(identify));
        Self(Arc::new(known))
    }
}

fn learn<'t>(known: &mut Known, sealed: Value, plain: &'t Value, way: &mut Way<'t>) {
    match (sealed, plain) {
        (Value::List(sealed), Value::List(plain)) => {
            let mut seen = HashMap::new();
            for (at, (sealed, plain)) in sealed.into_iter().zip(plain).enumerate() {
                let before = way.enter_element(at, plain, &mut seen);
                learn(known, sealed, plain, way);
                way.back(before, false);
            }
        }
        (Value::Map(sealed), Value::Map(plain)) => {
            for (at, ((_, sealed), (name, plain))) in sealed.into_iter().zip(plain).enumerate() {
                let before = way.enter_pair(at, name, plain);
                learn(known, sealed, plain, way);
                way.back(before, !plain.is_comment());
            }
        }
        (Value::Text(mut text) | Value::Comment(mut text), plain) if is_sealed(&text) => {
            let text = std::mem::take(&mut *text);
            if let Some(sealed) = with_bytes(plain, |bytes, kind| Sealed::new(bytes, kind, text)) {
                known.insert(way.position.as_str().into(), sealed);
            }
        }
        _ => {}
    }
}
