//! Services that no record of ours vouches for: of an imported stack, or of an apply that was cut off.
//!
//! Compose's label on their containers hashes real values, secrets included, and whoever has the hash of a
//! short secret can find it. So a state never gets the label, but an HMAC of it, by a key that stays on
//! the host. A plan that asks the host anyway makes the same HMAC of the hash that the files want:
//! where both are the same, the container is what the files want, and stays.

use std::collections::BTreeMap;

use remote::{Command, Executor, Input, run_checked};

use crate::{
    containers::by_service,
    desired::DesiredStack,
    error::Error,
    host_state::HostState,
    record::{Key, Record},
    service::{CHANGED, ObservedService, PlannedService},
};
use docker::engine::Container;

/// What an HMAC in the place of a hash begins with.
const SEALED: &str = "hmac:";

/// Prints the key of who logs in. There is one from now on: the first of those who come at the same time
/// leaves its own, which is stdin.
const KEY: &str = r#"
umask 077
mkdir -p -- "${HOME:?}/.windlass" && cd -- "$HOME/.windlass" || exit
if [ ! -s key ]; then
  cat >"key.$$" || exit
  ln -- "key.$$" key 2>/dev/null || [ -s key ] || mv -f -- "key.$$" key || exit
  rm -f -- "key.$$"
fi
cat -- key
"#;

/// The key of who logs in on the host, for what has no key of its own there: `~/.windlass/key`.
///
/// # Errors
/// When it can neither be read nor made.
pub async fn login_key(executor: &dyn Executor) -> Result<Key, Error> {
    let new = remote::proof::new_key()?;
    let command = Command::new(["sh", "-c", KEY, "windlass-key"]);
    let output = run_checked(executor, &command, Input::bytes(new.to_text().expose().to_owned())).await?;
    Key::parse(&output.stdout_text()).map_err(|source| {
        let what = format!("the key in ~/.windlass/key on {}", executor.name());
        docker::Error::Parse { what, source: source.into() }.into()
    })
}

/// The key for what no record vouches for, if there is such: the stack's own, or that of who logs in.
/// Where there is none to be had, it is only known that nothing vouches.
pub async fn key_for_unvouched(
    executor: &dyn Executor,
    found: &HostState,
    containers: &[Container],
) -> Option<Key> {
    let record = found.record.as_ref();
    if found.key.is_some() || by_service(containers).keys().all(|name| is_vouched(record, name)) {
        return found.key.clone();
    }
    match login_key(executor).await {
        Ok(key) => Some(key),
        Err(error) => {
            tracing::warn!(host = executor.name(), ?error, "no key for services that nothing vouches for");
            None
        }
    }
}

fn is_vouched(record: Option<&Record>, name: &str) -> bool {
    record.is_some_and(|record| record.names().any(|ours| ours == name))
}

/// Puts HMACs by `key` in the place of what would tell something of secrets.
pub fn seal(services: &mut BTreeMap<String, ObservedService>, record: Option<&Record>, key: Option<&Key>) {
    for (name, service) in services.iter_mut().filter(|(name, _)| !is_vouched(record, name)) {
        if service.config_hash.is_empty() || service.config_hash == CHANGED {
            continue;
        }
        service.config_hash = key.map_or(CHANGED.to_owned(), |key| sealed(key, name, &service.config_hash));
    }
}

fn sealed(key: &Key, name: &str, hash: &str) -> String {
    format!("{SEALED}{}", key.proof(&format!("unvouched/{name}"), hash))
}

/// Whether one of `services` has an HMAC, so that only who has the key can plan.
pub fn is_sealed<'s>(mut services: impl Iterator<Item = &'s ObservedService>) -> bool {
    services.any(|service| service.config_hash.starts_with(SEALED))
}

/// `observed` with the hashes that `desired` wants where HMACs by one of `keys` prove them.
pub(crate) fn unsealed(
    observed: &BTreeMap<String, ObservedService>,
    desired: &DesiredStack,
    keys: &[Key],
) -> BTreeMap<String, ObservedService> {
    let mut all = observed.clone();
    for (name, service) in &mut all {
        let Some(wanted) = desired.services.get(name).map(|wanted| &wanted.config_hash) else { continue };
        if keys.iter().any(|key| sealed(key, name, wanted) == service.config_hash) {
            service.config_hash.clone_from(wanted);
        }
    }
    all
}

/// Lets HMACs stand in the plan of what stays: the next read knows what the record says.
pub(crate) fn keep_sealed(
    planned: &mut BTreeMap<String, PlannedService>,
    observed: &BTreeMap<String, ObservedService>,
    unsealed: &BTreeMap<String, ObservedService>,
) {
    for (name, service) in planned {
        let (Some(before), Some(now)) = (observed.get(name), unsealed.get(name)) else { continue };
        let stays = service.containers.as_ref() == Some(&before.containers);
        if stays
            && before.config_hash != now.config_hash
            && service.config_hash.as_ref() == Some(&now.config_hash)
        {
            service.config_hash = Some(before.config_hash.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use remote::conformance::Tools;

    use super::*;
    use crate::{
        options::{Orphans, PullPolicy},
        plan::{Known, plan},
        service::tests::desired,
    };

    fn live(hash: &str) -> ObservedService {
        ObservedService {
            image: "app:1".into(),
            image_id: "sha256:1".into(),
            config_hash: hash.into(),
            status: "running".into(),
            replicas: 1,
            containers: vec!["web-app-1".into()],
            ..ObservedService::default()
        }
    }

    fn key(byte: u8) -> Key {
        Key::from_random([byte; 32])
    }

    #[test]
    fn a_label_that_nothing_vouches_for_is_not_told() {
        let mut services = BTreeMap::from([
            ("app".to_owned(), live("label")),
            ("two".to_owned(), live(CHANGED)),
            ("ours".to_owned(), live("planned")),
        ]);
        let mut record = Record::new("web", "2.26.1");
        let wanted = BTreeMap::from([("ours".to_owned(), desired("planned"))]);
        record.services = crate::record::record("web", "2.26.1", &wanted, &[], &key(1)).services;
        let mut without = services.clone();
        seal(&mut services, Some(&record), Some(&key(1)));
        assert!(services["app"].config_hash.starts_with("hmac:") && is_sealed(services.values()));
        assert_eq!((&*services["two"].config_hash, &*services["ours"].config_hash), (CHANGED, "planned"));
        seal(&mut without, None, None);
        assert!(without.values().all(|service| service.config_hash == CHANGED));
    }

    #[test]
    fn what_the_files_want_is_known_again_by_the_key() {
        let mut observed = BTreeMap::from([("app".to_owned(), live("c"))]);
        seal(&mut observed, None, Some(&key(1)));
        let plan_of = |hash: &str, keys: &[Key]| {
            let services = BTreeMap::from([("app".to_owned(), desired(hash))]);
            let desired = DesiredStack { digest: "d".into(), services, ..DesiredStack::default() };
            let images = BTreeMap::from([("app:1".to_owned(), "sha256:1".to_owned())]);
            let facts = crate::image_facts::ImageFacts::default();
            let known = Known {
                observed: &observed,
                images: &images,
                image_facts: &facts,
                compose: "2.26.1",
                keys,
                applied: true,
            };
            plan(&desired, known, Orphans::Remove, PullPolicy::Missing).services.remove("app").unwrap()
        };
        let stays = plan_of("c", &[key(2), key(1)]);
        assert_eq!(stays.containers, Some(vec!["web-app-1".to_owned()]));
        assert_eq!(stays.config_hash.as_ref(), Some(&observed["app"].config_hash));
        let replaced = plan_of("other", &[key(1)]);
        assert_eq!((replaced.containers, replaced.config_hash.as_deref()), (None, Some("other")));
        assert_eq!(plan_of("c", &[key(2)]).containers, None, "another key proves nothing");
    }

    #[test]
    fn the_first_key_of_a_login_stays() {
        for tools in Tools::all() {
            let home = tempfile::tempdir().unwrap();
            let ask = |input: &str| tools.run(&format!("HOME=$1\n{KEY}"), &[home.path()], input.as_bytes());
            assert_eq!(ask("first"), (true, "first".to_owned()), "{tools:?}");
            assert_eq!(ask("second"), (true, "first".to_owned()), "{tools:?}");
            let folder = home.path().join(".windlass");
            let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&folder), mode(&folder.join("key"))), (0o700, 0o600), "{tools:?}");
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        }
    }
}
