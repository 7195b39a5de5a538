//! A state of OpenTofu or Terraform, as far as the companion knows it.

use sha2::{Digest, Sha256};
use sops::{Format, Value, compact};
use zeroize::Zeroizing;

use super::{DIGEST, DRILL, Error, Layout};

/// A state of format 4.
#[derive(Clone)]
pub struct State {
    text: Zeroizing<String>,
    /// `None` where SOPS cannot keep a number of it.
    tree: Option<Value>,
    serial: i64,
    lineage: String,
    digest: String,
}

/// What of every state has to be readable, whatever else is in it.
#[derive(serde::Deserialize)]
struct Head {
    version: i64,
    serial: i64,
    lineage: String,
}

/// What a state has.
#[derive(serde::Deserialize)]
struct Resources {
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(serde::Deserialize)]
struct Resource {
    mode: String,
    module: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    #[serde(default)]
    instances: Vec<Instance>,
}

#[derive(serde::Deserialize)]
struct Instance {
    index_key: Option<serde_json::Value>,
}

impl Resource {
    fn addresses(&self) -> impl Iterator<Item = String> {
        let module = self.module.iter().map(|module| format!("{module}.")).collect::<String>();
        let name = format!("{module}{}.{}", self.kind, self.name);
        self.instances.iter().map(move |instance| match &instance.index_key {
            Some(key) => format!("{name}[{key}]"),
            None => name.clone(),
        })
    }
}

impl State {
    /// Reads a state.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match Format::Json.read_plain(text) {
            Ok(tree) => Self::of(tree),
            Err(sops::Error::Number) => Self::with_numbers(text),
            Err(error) => Err(Error::NotState(error.to_string())),
        }
    }

    /// The state of a tree.
    ///
    /// # Errors
    /// When it is none.
    pub fn of(tree: Value) -> Result<Self, Error> {
        let whole = |name: &str| match tree.get(name) {
            Some(Value::Int(number)) => Ok(*number),
            _ => Err(Error::NotState(format!("it has no number `{name}`"))),
        };
        known(whole("version")?)?;
        let serial = whole("serial")?;
        let lineage = tree.get("lineage").and_then(Value::as_text).map(str::to_owned);
        let lineage = lineage.ok_or_else(|| Error::NotState("it has no text `lineage`".into()))?;
        let text = compact(&tree);
        Ok(Self { serial, lineage, digest: digest(&text), text, tree: Some(tree) })
    }

    /// A state that is kept as a text, because of its numbers.
    fn with_numbers(text: &str) -> Result<Self, Error> {
        let head: Head = serde_json::from_str(text).map_err(|error| Error::NotState(error.to_string()))?;
        known(head.version)?;
        let text = Zeroizing::new(text.to_owned());
        Ok(Self { serial: head.serial, lineage: head.lineage, digest: digest(&text), text, tree: None })
    }

    /// How often it was changed.
    pub const fn serial(&self) -> i64 {
        self.serial
    }

    /// Which infrastructure it is of.
    pub fn lineage(&self) -> &str {
        &self.lineage
    }

    /// As JSON.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of all of it.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Calls with what its file has in it, of a `drill` with its lineage. The tree is lent and not copied: a
    /// state may be large.
    pub fn laid_out<T>(&mut self, layout: Layout, drill: Option<&str>, call: impl FnOnce(&Value) -> T) -> T {
        let drill = drill.map(|lineage| (DRILL.into(), Value::text(lineage)));
        match (layout, self.tree.take()) {
            (Layout::Structured, Some(Value::Map(mut pairs))) => {
                pairs.push((DIGEST.into(), Value::text(self.digest.as_str())));
                pairs.extend(drill);
                let mut tree = Value::Map(pairs);
                let done = call(&tree);
                tree.take(DIGEST);
                tree.take(DRILL);
                self.tree = Some(tree);
                done
            }
            (_, tree) => {
                self.tree = tree;
                let data = ("data".into(), Value::Text(self.text.clone()));
                call(&Value::Map([data].into_iter().chain(drill).collect()))
            }
        }
    }

    /// Whether SOPS can keep all of its numbers.
    pub const fn fits_sops(&self) -> bool {
        self.tree.is_some()
    }

    /// One that has nothing in it yet.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn empty(lineage: &str) -> Result<Self, Error> {
        let state = serde_json::json!({
            "version": 4, "terraform_version": "", "serial": 1, "lineage": lineage, "outputs": {}, "resources": [],
        });
        Self::parse(&state.to_string())
    }

    /// The addresses of what is to be destroyed at its end: what it has, without what was only read. It knows them
    /// also where SOPS cannot keep a number.
    ///
    /// # Errors
    /// When its resources are not as format 4 has them.
    pub fn made(&self) -> Result<Vec<String>, Error> {
        let head: Resources =
            serde_json::from_str(&self.text).map_err(|error| Error::NotState(error.to_string()))?;
        let managed = head.resources.iter().filter(|resource| resource.mode == "managed");
        Ok(managed.flat_map(Resource::addresses).collect())
    }

    /// The addresses of what it has, one for each instance.
    pub fn addresses(&self) -> Vec<String> {
        let resources = self.tree.as_ref().and_then(|tree| tree.get("resources"));
        elements(resources).iter().flat_map(addresses).collect()
    }
}

fn known(version: i64) -> Result<(), Error> {
    if version == 4 {
        Ok(())
    } else {
        Err(Error::NotState(format!("its format is {version}, and 4 is known here")))
    }
}

fn digest(text: &str) -> String {
    secret::hex(&Sha256::digest(text))
}

fn elements(value: Option<&Value>) -> &[Value] {
    if let Some(Value::List(values)) = value { values } else { &[] }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_text()
}

fn index(instance: &Value) -> String {
    match instance.get("index_key") {
        Some(Value::Int(number)) => format!("[{number}]"),
        Some(Value::Text(name)) => format!("[{:?}]", name.as_str()),
        _ => String::new(),
    }
}

/// `module.a.data.type.name`
fn resource(resource: &Value) -> Option<String> {
    let (kind, name) = (text(resource, "type")?, text(resource, "name")?);
    let module = text(resource, "module").map(|module| format!("{module}.")).unwrap_or_default();
    let data = if text(resource, "mode") == Some("data") { "data." } else { "" };
    Some(format!("{module}{data}{kind}.{name}"))
}

fn addresses(of: &Value) -> Vec<String> {
    let Some(name) = resource(of) else { return Vec::new() };
    elements(of.get("instances")).iter().map(|instance| format!("{name}{}", index(instance))).collect()
}

/// What elements of a state's lists are known by: resources by their address, instances by their
/// index, everything else by its number. So what is not touched keeps its ciphertext when something
/// before it comes or goes.
pub fn identity(path: &[&str], at: usize, value: &Value) -> String {
    let known = match path {
        ["resources"] => resource(value),
        ["resources", "instances"] => {
            let deposed = text(value, "deposed").unwrap_or_default();
            Some(format!("{}/{deposed}", index(value)))
        }
        _ => None,
    };
    known.unwrap_or_else(|| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = r#"{"version":4,"serial":3,"lineage":"l","outputs":{},"resources":[{"module":"module.a","mode":"managed","type":"t","name":"n","instances":[{"index_key":"x"},{"index_key":1}]},{"mode":"data","type":"d","name":"m","instances":[{}]}]}"#;

    #[test]
    fn a_state_is_read_and_lists_what_it_has() {
        let state = State::parse(STATE).unwrap();
        assert_eq!((state.serial(), state.lineage(), state.text()), (3, "l", STATE));
        assert_eq!(state.addresses(), ["module.a.t.n[\"x\"]", "module.a.t.n[1]", "data.d.m"]);
        assert_eq!(state.made().unwrap(), ["module.a.t.n[\"x\"]", "module.a.t.n[1]"]);
        let large = STATE.replace("\"outputs\":{}", "\"outputs\":{\"n\":18446744073709551615}");
        let large = State::parse(&large).unwrap();
        assert_eq!((large.fits_sops(), large.made().unwrap()), (false, state.made().unwrap()));
    }

    #[test]
    fn an_empty_one_is_a_state() {
        let state = State::empty("l").unwrap();
        assert_eq!((state.serial(), state.lineage(), state.made().unwrap().len()), (1, "l", 0));
    }

    #[test]
    fn a_number_that_sops_cannot_keep_makes_it_a_text() {
        let text = r#"{"version":4,"serial":1,"lineage":"l","x":18446744073709551615}"#;
        let state = State::parse(text).unwrap();
        assert_eq!((state.fits_sops(), state.text(), state.serial()), (false, text, 1));
    }

    #[test]
    fn what_is_no_state_is_told() {
        for (text, problem) in [
            ("{}", "it is not a state: it has no number `version`"),
            (
                r#"{"version":3,"serial":1,"lineage":"l"}"#,
                "it is not a state: its format is 3, and 4 is known here",
            ),
            ("x", "it is not a state: the file is not JSON: not a value in line 1"),
        ] {
            assert_eq!(State::parse(text).err().unwrap().to_string(), problem);
        }
    }

    #[test]
    fn the_digest_sees_what_the_mac_of_sops_does_not() {
        let one =
            State::parse(r#"{"version":4,"serial":1,"lineage":"l","a":[{"b":1,"c":1},{"b":1}]}"#).unwrap();
        let other =
            State::parse(r#"{"version":4,"serial":1,"lineage":"l","a":[{"b":1},{"c":1,"b":1}]}"#).unwrap();
        assert_ne!(one.digest(), other.digest());
    }
}
