//! From the user's files to what a swarm is told, by the Compose of the manager that is asked.

use std::collections::{BTreeMap, BTreeSet};

use remote::files::random_name;
use secret::Secret;
use serde_json::{Value, json};
use stack::{Context, Host, StackSpec, resolve_project};
use tree::sha256;

use super::{Files, StackError, Wanted, translate, translate::map_texts};

/// Goes into every digest, so that another way to translate is another digest.
const DIGEST_FORMAT: &str = "2";

/// What the files want, and what was seen on the way.
#[derive(Debug)]
pub struct Resolved {
    /// What the files want.
    pub wanted: Wanted,
    /// The variables that services need and nothing sets: they are taken for empty.
    pub undefined: Vec<stack::Undefined>,
}

/// The directory that files of the stack `name` are resolved for. Distributions promise that there is
/// none: whatever is in it is beside the files on no node.
pub fn directory(name: &str) -> String {
    format!("/nonexistent/windlass/{name}")
}

/// A digest over all that decides what the files want.
pub fn digest(spec: &StackSpec, compose: &str, accepted: &BTreeSet<String>) -> String {
    let accepted = accepted.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let spec = spec.digest(&directory(&spec.name), compose);
    sha256(format!("{DIGEST_FORMAT} {spec} {accepted}").as_bytes())
}

/// What the files want, placeholders in the place of secrets.
///
/// # Errors
/// What is wrong with the files, and when the host cannot be asked.
pub async fn resolve(
    cx: &Context,
    host: &Host,
    spec: &StackSpec,
    accepted: &BTreeSet<String>,
) -> Result<Resolved, StackError> {
    let root = directory(&spec.name);
    let found = resolve_project(cx, host, spec, &root).await?;
    let (document, runs) = with_runs(found.document, found.runs);
    let wanted = translate(&Files::of(spec, &root, (&document, &runs), accepted))
        .map_err(|problems| StackError::Untranslatable { stack: spec.name.clone(), problems })?;
    Ok(Resolved { wanted, undefined: found.undefined })
}

/// The document with the services that only jobs run, and what they use of what it does not have; and
/// which they are.
fn with_runs(mut document: Value, runs: Option<(BTreeSet<String>, Value)>) -> (Value, BTreeSet<String>) {
    let Some((names, mut more)) = runs else { return (document, BTreeSet::new()) };
    for part in ["services", "networks", "volumes", "secrets", "configs"] {
        let Some(Value::Object(fields)) = more.get_mut(part).map(Value::take) else { continue };
        let counts = |(name, _): &(String, Value)| part != "services" || names.contains(name);
        let there = document.as_object_mut().map(|all| all.entry(part).or_insert(json!({})));
        if let Some(Value::Object(there)) = there {
            for (name, body) in fields.into_iter().filter(counts) {
                there.entry(name).or_insert(body);
            }
        }
    }
    (document, names)
}

/// As [`resolve`], with tokens for `secrets` in the place of their placeholders: a placeholder is a text
/// that files could have by chance.
///
/// # Errors
/// As [`resolve`].
pub async fn resolve_for_apply(
    cx: &Context,
    host: &Host,
    spec: &StackSpec,
    accepted: &BTreeSet<String>,
    secrets: &BTreeMap<String, Secret>,
) -> Result<(Wanted, Tokens), StackError> {
    let wanted = resolve(cx, host, spec, accepted).await?.wanted;
    if spec.placeholders.is_empty() {
        return Ok((wanted, Tokens::default()));
    }
    let random = random_name().map_err(stack::Error::from)?;
    let mut placeholders = BTreeMap::new();
    let mut tokens = Tokens::default();
    for (number, (name, placeholder)) in spec.placeholders.iter().enumerate() {
        // What follows the last such mark is a secret's version, which goes into names.
        let version = placeholder.expose().rsplit_once('#').map(|(_, version)| version).unwrap_or_default();
        let token = format!("windlass-{random}-{number}#{version}");
        let value = secrets.get(name).cloned().unwrap_or_else(|| Secret::new(""));
        tokens.0.push((token.clone(), value));
        placeholders.insert(name.clone(), Secret::new(token));
    }
    let with_tokens = StackSpec { placeholders, ..spec.clone() };
    let mut told = resolve(cx, host, &with_tokens, accepted).await?.wanted;
    for (name, service) in told.services.iter_mut().chain(&mut told.runs) {
        let Some(planned) = wanted.run_of(name) else { continue };
        service.wanted = planned.wanted.clone();
        // Hashes are over placeholders, so that they are the same in every apply.
        service.spec["Labels"] = planned.spec["Labels"].clone();
    }
    Ok((told, tokens))
}

/// Texts that stand for secrets, and these. No token begins like another one that is shorter.
#[derive(Clone, Debug, Default)]
pub struct Tokens(Vec<(String, Secret)>);

impl Tokens {
    /// `spec` with the secrets themselves.
    pub(super) fn fill(&self, spec: Value) -> Value {
        if self.0.is_empty() {
            return spec;
        }
        // A token that another one begins with comes after it.
        let all = self.0.iter().rev();
        map_texts(spec, &|text| {
            all.clone().fold(text.to_owned(), |text, (token, secret)| text.replace(token, secret.expose()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_jobs_run_comes_with_what_it_uses() {
        let document = json!({"services": {"api": {}}, "networks": {"default": {"name": "web_default"}}});
        let more = json!({"services": {"migrate": {"image": "m"}, "api": {"image": "other"}},
            "networks": {"default": {"name": "x"}}, "secrets": {"db": {"file": "./db"}}});
        let names = BTreeSet::from(["migrate".to_owned()]);
        let (all, runs) = with_runs(document.clone(), Some((names.clone(), more)));
        assert_eq!(runs, names);
        let wanted = json!({"services": {"api": {}, "migrate": {"image": "m"}},
            "networks": {"default": {"name": "web_default"}}, "secrets": {"db": {"file": "./db"}}});
        assert_eq!(all, wanted);
        assert_eq!(with_runs(document.clone(), None), (document, BTreeSet::new()));
    }

    #[test]
    fn secrets_take_the_place_of_their_tokens() {
        let tokens = Tokens(vec![
            ("t-1#a".to_owned(), Secret::new("one")),
            ("t-11#a".to_owned(), Secret::new("$two")),
        ]);
        let filled = tokens.fill(json!({"Env": ["A=x-t-1#a-t-11#a", "B=A#1"], "N": 1}));
        assert_eq!(filled, json!({"Env": ["A=x-one-$two", "B=A#1"], "N": 1}));
    }
}
