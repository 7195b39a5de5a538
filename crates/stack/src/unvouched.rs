//! Services that no record of ours vouches for: of an imported stack, or of an apply that was cut off.
//!
//! Compose's label on their containers hashes real values, secrets included, and whoever has the hash of a
//! short secret can find it. So a state never gets the label, but an HMAC of it, by a key that stays on
//! the host. A plan that asks the host anyway makes the same HMAC of the hash that the files want:
//! where both are the same, the container is what the files want, and stays. Our own labels on it count
//! as well and somebody else's container has none; so the hash without them is as good, as long as the
//! shipped files that they stand for are on the host as they are here.

use std::collections::{BTreeMap, BTreeSet};

use compose::ReadyState;
use remote::{Command, Executor, Input, run_checked};

use crate::{
    changes::Change,
    containers::by_service,
    desired::DesiredStack,
    error::Error,
    host_state::HostState,
    record::{Key, Record},
    service::{CHANGED, DesiredService, ObservedService, PlannedService},
};
use docker::engine::Container;

/// The word for what runs and has no health check in the files.
const RUNNING: &str = ReadyState::Running.word();
/// What the id of an image begins with.
const ID: &str = "sha256:";
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
    if found.key.is_some() || !has_unvouched(record, containers) {
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

/// Whether there are containers of services that the record does not know.
pub(crate) fn has_unvouched(record: Option<&Record>, containers: &[Container]) -> bool {
    by_service(containers).keys().any(|name| !is_vouched(record, name))
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

/// Notes of each service by which HMACs, by one of `keys`, a container is known again that is what the
/// files want. `bare` are the hashes without our labels: what somebody has started by hand has none, and
/// to get them is no reason to replace it.
pub(crate) fn make_known(
    services: &mut BTreeMap<String, DesiredService>,
    bare: &BTreeMap<String, String>,
    keys: &[Key],
) {
    for (name, service) in services {
        service.known_as = keys.iter().map(|key| sealed(key, name, &service.config_hash)).collect();
        let bare = bare.get(name);
        service.known_bare_as =
            bare.into_iter().flat_map(|hash| keys.iter().map(|key| sealed(key, name, hash))).collect();
    }
}

/// `observed` with what `desired` wants in the place of what nobody knows of services that nothing vouches
/// for, where their containers are what the files want. One without our labels is not if it uses files of
/// `differing`, which may be others on the host.
pub(crate) fn recognised(
    observed: &BTreeMap<String, ObservedService>,
    desired: &DesiredStack,
    differing: &BTreeSet<String>,
) -> BTreeMap<String, ObservedService> {
    let mut all = observed.clone();
    for (name, service) in &mut all {
        let Some(wanted) = desired.services.get(name) else { continue };
        let is_bare =
            || wanted.known_bare_as.contains(&service.config_hash) && wanted.files.is_disjoint(differing);
        // The daemon names an image by its id once the reference stands for another one: to Compose, that is
        // another container.
        let has_moved = service.image.starts_with(ID);
        if has_moved || (!wanted.known_as.contains(&service.config_hash) && !is_bare()) {
            continue;
        }
        service.config_hash.clone_from(&wanted.config_hash);
        service.environment_hash.clone_from(&wanted.environment_hash);
        service.files_hash.clone_from(&wanted.files_hash);
        // A health check that the image brings is no promise of the files, which only they tell.
        let runs = service.status == ReadyState::Healthy.word() && wanted.ready.word() == RUNNING;
        if runs || wanted.ready == ReadyState::Ignored {
            wanted.ready.word().clone_into(&mut service.status);
        }
    }
    all
}

/// Lets what is known of `observed` stand in the plan of what stays, though `recognised` tells more: the
/// next read knows what the record says, if there is one by then.
pub(crate) fn keep_unvouched(
    planned: &mut BTreeMap<String, PlannedService>,
    observed: &BTreeMap<String, ObservedService>,
    recognised: &BTreeMap<String, ObservedService>,
) {
    let keep = |planned: &mut Option<String>, before: &str, known: &str| {
        if before != known && planned.as_deref() == Some(known) {
            *planned = Some(before.to_owned());
        }
    };
    for (name, service) in planned {
        let (Some(before), Some(known)) = (observed.get(name), recognised.get(name)) else { continue };
        if service.containers.as_ref() != Some(&before.containers) || before == known {
            continue;
        }
        keep(&mut service.config_hash, &before.config_hash, &known.config_hash);
        keep(&mut service.environment_hash, &before.environment_hash, &known.environment_hash);
        if service.files_hash == known.files_hash {
            service.files_hash.clone_from(&before.files_hash);
        }
        if service.status == known.status {
            service.status.clone_from(&before.status);
        }
    }
}

/// What is there of services that no record vouches for, as an apply knows it: of those whose containers
/// are what `desired` wants, all of it. The others stay as they are in `live`.
pub(crate) fn recognised_live(
    live: BTreeMap<String, ObservedService>,
    (record, key): (Option<&Record>, Option<&Key>),
    desired: &DesiredStack,
    differing: &BTreeSet<String>,
) -> BTreeMap<String, ObservedService> {
    let mut sealed = live.clone();
    seal(&mut sealed, record, key);
    let known = recognised(&sealed, desired, differing);
    let pick = |(name, service): (String, ObservedService)| {
        let known = known.get(&name).filter(|known| sealed.get(&name) != Some(*known));
        let service = known.cloned().unwrap_or(service);
        (name, service)
    };
    live.into_iter().map(pick).collect()
}

/// The services that stay as they are and whose containers have none of the labels that we would give them:
/// they get none now, because another label is another container.
pub(crate) fn unlabelled(
    desired: &DesiredStack,
    changes: &BTreeMap<String, Change>,
    containers: &[Container],
) -> BTreeSet<String> {
    let live = by_service(containers);
    let is_bare = |(name, service): &(&String, &DesiredService)| {
        let stays = !matches!(changes.get(*name), Some(Change::Create | Change::Recreate(_)) | None);
        let mut labels = service.labels.keys().chain(service.secret_labels.keys()).peekable();
        let own = live.get(*name).map(Vec::as_slice).unwrap_or_default();
        stays
            && !own.is_empty()
            && labels.peek().is_some()
            && labels.all(|label| own.iter().all(|one| one.label(label).is_none()))
    };
    desired.services.iter().filter(is_bare).map(|(name, _)| name.clone()).collect()
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

    /// What becomes of `live` by files that want `one`, which may use the file `conf`.
    fn plan_of(
        observed: &BTreeMap<String, ObservedService>,
        (one, bare): (DesiredService, &str),
        keys: &[Key],
        differing: &[&str],
    ) -> PlannedService {
        let mut services = BTreeMap::from([("app".to_owned(), one)]);
        make_known(&mut services, &BTreeMap::from([("app".to_owned(), bare.to_owned())]), keys);
        let desired = DesiredStack { digest: "d".into(), services, ..DesiredStack::default() };
        let images = BTreeMap::from([("app:1".to_owned(), "sha256:1".to_owned())]);
        let facts = crate::image_facts::ImageFacts::default();
        let differing = differing.iter().map(|path| (*path).to_owned()).collect();
        let known = Known {
            observed,
            images: &images,
            image_facts: &facts,
            compose: "2.26.1",
            differing: &differing,
            applied: true,
        };
        plan(&desired, known, Orphans::Remove, PullPolicy::Missing).services.remove("app").unwrap()
    }

    fn sealed_live() -> BTreeMap<String, ObservedService> {
        let mut observed = BTreeMap::from([("app".to_owned(), live("c"))]);
        seal(&mut observed, None, Some(&key(1)));
        observed
    }

    #[test]
    fn what_the_files_want_is_known_again_by_the_key() {
        let observed = sealed_live();
        let plan_of = |hash: &str, keys: &[Key]| plan_of(&observed, (desired(hash), "x"), keys, &[]);
        // Nothing of it is another value than before: it is no change.
        assert_eq!(plan_of("c", &[key(2), key(1)]), PlannedService::from(&observed["app"]));
        let replaced = plan_of("other", &[key(1)]);
        assert_eq!((replaced.containers, replaced.config_hash.as_deref()), (None, Some("other")));
        assert_eq!(plan_of("c", &[key(2)]).containers, None, "another key proves nothing");
        let mut moved = observed.clone();
        moved.get_mut("app").unwrap().image = "sha256:1".into();
        assert_eq!(super::tests::plan_of(&moved, (desired("c"), "x"), &[key(1)], &[]).containers, None);
    }

    #[test]
    fn labels_of_ours_that_it_never_had_are_no_reason_to_replace_it() {
        let observed = sealed_live();
        let wanted = || DesiredService {
            files: BTreeSet::from(["conf".to_owned()]),
            files_hash: "f".into(),
            ..desired("labelled")
        };
        let plan_of = |differing: &[&str]| plan_of(&observed, (wanted(), "c"), &[key(1)], differing);
        assert_eq!(plan_of(&["other"]), PlannedService::from(&observed["app"]));
        let replaced = plan_of(&["conf"]);
        assert_eq!((replaced.containers, replaced.files_hash.as_str()), (None, "f"));
    }

    #[test]
    fn what_is_not_well_is_told_whoever_started_it() {
        let with = |status: &str, ready: ReadyState| {
            let mut observed = sealed_live();
            observed.get_mut("app").unwrap().status = status.into();
            plan_of(&observed, (DesiredService { ready, ..desired("c") }, "x"), &[key(1)], &[]).status
        };
        assert_eq!(with("healthy", ReadyState::Running), "healthy", "the image has a check of its own");
        assert_eq!(with("stopped", ReadyState::Running), "running");
        assert_eq!(with("starting", ReadyState::Healthy), "healthy");
        assert_eq!(with("stopped", ReadyState::Ignored), "stopped");
    }

    #[test]
    fn an_apply_knows_again_what_its_plan_did() {
        let mut services = BTreeMap::from([("app".to_owned(), desired("labelled"))]);
        make_known(&mut services, &BTreeMap::from([("app".to_owned(), "c".to_owned())]), &[key(1)]);
        let stack = DesiredStack { services, ..DesiredStack::default() };
        let all = BTreeMap::from([("app".to_owned(), live("c")), ("two".to_owned(), live("raw"))]);
        let known = recognised_live(all, (None, Some(&key(1))), &stack, &BTreeSet::new());
        assert_eq!((&*known["app"].config_hash, &*known["two"].config_hash), ("labelled", "raw"));
    }

    #[test]
    fn only_who_stays_and_has_no_label_gets_none() {
        let labels = BTreeMap::from([(compose::LABEL_FILES.to_owned(), "f".to_owned())]);
        let services = ["bare", "labelled", "replaced", "new"]
            .map(|name| (name.to_owned(), DesiredService { labels: labels.clone(), ..desired("c") }));
        let mut services = BTreeMap::from(services);
        services.insert("plain".to_owned(), desired("c"));
        let stack = DesiredStack { services, ..DesiredStack::default() };
        let container = |service: &str, files: Option<&str>| Container {
            id: service.into(),
            name: service.into(),
            image: "app:1".into(),
            image_id: "sha256:1".into(),
            created: 0,
            state: docker::engine::State::Running,
            status: docker::engine::StatusText::default(),
            labels: [(crate::containers::LABEL_SERVICE, Some(service)), (compose::LABEL_FILES, files)]
                .into_iter()
                .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
                .collect(),
            ports: vec![],
            networks: BTreeSet::new(),
        };
        let containers = [
            container("bare", None),
            container("labelled", Some("f")),
            container("replaced", None),
            container("plain", None),
        ];
        let changes = [
            ("bare", Change::Scale { from: 1, to: 2 }),
            ("labelled", Change::Keep),
            ("replaced", Change::Recreate(BTreeSet::new())),
            ("plain", Change::Keep),
            ("new", Change::Create),
        ];
        let changes = changes.map(|(name, change)| (name.to_owned(), change)).into();
        assert_eq!(unlabelled(&stack, &changes, &containers), BTreeSet::from(["bare".to_owned()]));
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
