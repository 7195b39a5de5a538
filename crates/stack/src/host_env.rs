//! The server's own `.env`: its values count, and it is only ever read.
//!
//! Any of them may be a secret. What would tell one, in a plan, a state or a label, is replaced by an
//! HMAC with the key that lies on the host; where there is none yet, only the apply knows it.

use std::collections::BTreeSet;

use compose::dotenv;
use secret::Secret;
use tree::sha256;

use crate::{desired::DesiredStack, record::Key, service::OPEN};

/// The mark of a file that is not there.
pub(crate) const ABSENT: &str = "absent";
/// The mark of a file for which there is no key yet.
const UNKEYED: &str = "unkeyed";
/// What a proof of the whole file is about.
const PURPOSE: &str = "host-env";

/// The server's own `.env`, as somebody has seen it.
#[derive(Clone, Debug, Default)]
pub struct HostEnv {
    mark: String,
    text: Option<Secret>,
    key: Option<Key>,
}

impl HostEnv {
    /// One of which nothing is known but its mark; an empty one is that of a file that nobody has
    /// looked at.
    pub fn marked(mark: impl Into<String>) -> Self {
        Self { mark: mark.into(), text: None, key: None }
    }

    /// One with this content, `None` where it is not there; `key` is that of the host.
    pub(crate) fn of(bytes: Option<&[u8]>, key: Option<&Key>) -> Self {
        let mark = match (bytes, key) {
            (None, _) => ABSENT.to_owned(),
            (Some(bytes), Some(key)) => mark(key, &sha256(bytes)),
            (Some(_), None) => UNKEYED.to_owned(),
        };
        let text = bytes.map(|bytes| Secret::new(String::from_utf8_lossy(bytes)));
        Self { mark, text, key: key.cloned() }
    }

    /// What tells one content from another without telling it.
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// Whether its content is known.
    pub fn is_seen(&self) -> bool {
        self.text.is_some() || self.mark == ABSENT
    }

    /// Whether its mark does not tell one content from another.
    pub(crate) fn is_unkeyed(&self) -> bool {
        self.mark == UNKEYED
    }

    /// Its text, where it is there.
    pub fn text(&self) -> Option<&str> {
        self.text.as_ref().map(Secret::expose)
    }

    /// Every value in it.
    pub(crate) fn values(&self) -> impl Iterator<Item = Secret> {
        values(self.text().unwrap_or_default())
    }

    /// The names of its variables.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        dotenv::statements(self.text().unwrap_or_default()).0.into_iter().map(|one| one.name).collect()
    }

    /// What stands for its text where a hash is made that is no secret: itself, and the secrets among
    /// `names` that it may take values from.
    pub(crate) fn stand_in<'n>(&self, names: impl Iterator<Item = &'n String>) -> Option<String> {
        let text = self.text()?;
        let named = names.filter(|name| text.contains(name.as_str()));
        Some(named.fold(self.mark.clone(), |all, name| format!("{all}\n{name}")))
    }

    /// Takes out of `desired` what would tell something of its values, which `services` may take.
    pub(crate) fn seal(&self, desired: &mut DesiredStack, services: &BTreeSet<String>) {
        let key = self.key.as_ref();
        let sealed = |purpose: &str, name: &str, hash: &mut String| {
            *hash = key.map_or(OPEN.to_owned(), |key| key.proof(&format!("{purpose}/{name}"), hash));
        };
        for (name, one) in desired.services.iter_mut().filter(|(name, _)| services.contains(*name)) {
            sealed("planned", name, &mut one.config_hash);
            sealed("environment", name, &mut one.environment_hash);
        }
        for (name, run) in desired.runs.iter_mut().filter(|(name, _)| services.contains(*name)) {
            sealed("run", name, &mut run.hash);
        }
        // Services with one image are built from one context.
        let own = desired.services.iter().map(|(name, one)| (name, &one.source));
        let own = own.chain(desired.runs.iter().map(|(name, run)| (name, &run.source)));
        let images: BTreeSet<String> = own
            .filter(|(name, _)| services.contains(*name))
            .map(|(_, source)| source.image.clone())
            .collect();
        let sources = desired.services.values_mut().map(|one| &mut one.source);
        for source in sources.chain(desired.runs.values_mut().map(|run| &mut run.source)) {
            if let Some(context) = source.context.as_mut().filter(|_| images.contains(&source.image)) {
                sealed("context", "", context);
            }
        }
    }
}

/// What tells the file with this hash from others.
pub(crate) fn mark(key: &Key, sha256: &str) -> String {
    key.proof(PURPOSE, sha256)
}

/// Every value of a dotenv text.
pub(crate) fn values(text: &str) -> impl Iterator<Item = Secret> {
    dotenv::written_values(text).map(Secret::new).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        image_source::ImageSource,
        service::{DesiredService, tests::desired},
    };

    fn env(text: &str, key: Option<&Key>) -> HostEnv {
        HostEnv::of(Some(text.as_bytes()), key)
    }

    #[test]
    fn a_mark_tells_contents_apart_and_none_of_them() {
        let key = Key::from_random([7; 32]);
        let (one, two) = (env("A=1\n", Some(&key)), env("A=2\n", Some(&key)));
        assert_ne!(one.mark(), two.mark());
        assert_eq!(one.mark(), mark(&key, &sha256(b"A=1\n")));
        assert!(!one.mark().contains(&sha256(b"A=1\n")));
        assert!(env("A=1", None).is_unkeyed() && env("A=1", None).is_seen());
        assert_eq!(HostEnv::of(None, Some(&key)).mark(), ABSENT);
        assert!(HostEnv::of(None, None).is_seen() && !HostEnv::marked(one.mark()).is_seen());
        assert!(!format!("{:?}", env("A=sesame", Some(&key))).contains("sesame"));
    }

    #[test]
    fn the_mark_stands_for_the_text_with_the_secrets_that_it_may_take() {
        let names = ["TOKEN".to_owned(), "OTHER".to_owned()];
        let env = env("URL=x://${TOKEN}@db\n", None);
        assert_eq!(env.stand_in(names.iter()).as_deref(), Some("unkeyed\nTOKEN"));
        assert_eq!(HostEnv::of(None, None).stand_in(names.iter()), None);
        assert_eq!(env.values().map(|one| one.expose().to_owned()).collect::<Vec<_>>(), ["x://${TOKEN}@db"]);
    }

    #[test]
    fn hashes_of_services_that_may_take_a_value_are_sealed() {
        let service = |image: &str| {
            let context = Some("context".to_owned());
            DesiredService {
                config_hash: "config".into(),
                environment_hash: "environment".into(),
                source: ImageSource { image: image.into(), context, ..ImageSource::default() },
                ..desired("config")
            }
        };
        let services = [("app", "own"), ("same", "own"), ("plain", "other")];
        let services: BTreeMap<_, _> = services.map(|(name, image)| (name.to_owned(), service(image))).into();
        let stack = DesiredStack { services, ..DesiredStack::default() };
        let taking = BTreeSet::from(["app".to_owned()]);
        let sealed = |env: &HostEnv| {
            let mut sealed = stack.clone();
            env.seal(&mut sealed, &taking);
            sealed.services
        };
        let key = Key::from_random([7; 32]);
        let known = sealed(&env("A=1", Some(&key)));
        assert_eq!(known["app"].config_hash, key.proof("planned/app", "config"));
        assert_eq!(known["app"].environment_hash, key.proof("environment/app", "environment"));
        assert_eq!(known["app"].source.context, Some(key.proof("context/", "context")));
        assert_eq!(known["same"].source.context, known["app"].source.context);
        assert_eq!(known["same"].config_hash, "config");
        assert_eq!(known["plain"], stack.services["plain"]);
        // Without a key, only the apply knows.
        let open = sealed(&env("A=1", None));
        assert_eq!((&*open["app"].config_hash, &*open["app"].environment_hash), (OPEN, OPEN));
    }
}
