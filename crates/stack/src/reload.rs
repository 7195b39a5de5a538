//! Files that running containers take in by a command of their own, instead of being recreated.

use std::collections::{BTreeMap, BTreeSet};

use compose::Resolved;

use crate::{
    changes::Change,
    service::{DesiredService, ObservedService, Reload},
};

/// A command by which services take in changed files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReloadSpec {
    /// The services; none is in two of these.
    pub services: BTreeSet<String>,
    /// The files, relative to the stack's directory.
    pub files: BTreeSet<String>,
    /// The words of the command, which is run in every container of the services.
    pub command: Vec<String>,
}

/// Why a reload could never have an effect. `reload` is its number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum ReloadError {
    /// There is no service of that name, or it is not started.
    UnknownService { reload: usize, service: String, started: Vec<String> },
    /// The service uses none of the files.
    NotUsed { reload: usize, service: String },
    /// The service mounts a file by itself: a container goes on to see the file that was there when it
    /// was started, because a new one takes the place of the old.
    MountedAlone { reload: usize, service: String, path: String },
}

/// Service to the files that it takes in by a command.
pub(crate) fn reloaded_files(specs: &[ReloadSpec]) -> BTreeMap<String, BTreeSet<String>> {
    let services = specs.iter().flat_map(|one| one.services.iter().map(move |name| (name, &one.files)));
    services.map(|(name, files)| (name.clone(), files.clone())).collect()
}

/// Tells the services how they take in files. `root` is the stack's directory.
///
/// # Errors
/// All that could never have an effect.
pub(crate) fn apply_to(
    services: &mut BTreeMap<String, DesiredService>,
    specs: &[ReloadSpec],
    resolved: &Resolved,
    root: &str,
) -> Result<(), Vec<ReloadError>> {
    let started: Vec<String> =
        services.iter().filter(|(_, one)| !one.unmanaged).map(|(name, _)| name.clone()).collect();
    let mut errors = Vec::new();
    for (reload, spec) in specs.iter().enumerate() {
        for name in &spec.services {
            let service = name.clone();
            let Some(one) = services.get_mut(name).filter(|one| !one.unmanaged) else {
                errors.push(ReloadError::UnknownService { reload, service, started: started.clone() });
                continue;
            };
            let files: BTreeSet<String> = one.files.intersection(&spec.files).cloned().collect();
            let sources = resolved.config.services.get(name).map(|service| &service.sources);
            let alone = |path: &&String| sources.is_some_and(|all| all.contains(&format!("{root}/{path}")));
            if files.is_empty() {
                errors.push(ReloadError::NotUsed { reload, service });
            } else if let Some(path) = files.iter().find(alone) {
                errors.push(ReloadError::MountedAlone { reload, service, path: path.clone() });
            } else {
                one.reload = Some(Reload { files, command: spec.command.clone() });
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// The services whose containers have to take in changed files: they stay, and have been made for,
/// or have last taken in, other ones.
pub(crate) fn due(
    changes: &BTreeMap<String, Change>,
    observed: &BTreeMap<String, ObservedService>,
    desired: &BTreeMap<String, DesiredService>,
) -> BTreeSet<String> {
    let is_due = |(name, one): &(&String, &DesiredService)| {
        let stays = !matches!(changes.get(*name), None | Some(Change::Create | Change::Recreate(_)));
        let others = observed.get(*name).is_some_and(|seen| seen.files_hash != one.files_hash);
        one.reload.is_some() && one.replicas > 0 && stays && others
    };
    desired.iter().filter(is_due).map(|(name, _)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use compose::Config;

    use super::*;
    use crate::service::tests::desired;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn resolved() -> Resolved {
        let document = br#"{"name":"web","services":{
            "app":{"image":"a","volumes":[{"type":"bind","source":"/srv/web/conf","target":"/conf"}]},
            "db":{"image":"b","volumes":[{"type":"bind","source":"/srv/web/db.conf","target":"/db.conf"}]}}}"#;
        Resolved::plain(Config::parse(document).unwrap())
    }

    fn services() -> BTreeMap<String, DesiredService> {
        let with = |files: &[&str]| DesiredService { files: set(files), ..desired("c") };
        let off = DesiredService { unmanaged: true, ..with(&["conf/a"]) };
        [("app", with(&["conf/a", "conf/b"])), ("db", with(&["db.conf"])), ("off", off)]
            .map(|(name, one)| (name.to_owned(), one))
            .into()
    }

    fn spec(services: &[&str], files: &[&str]) -> ReloadSpec {
        ReloadSpec { services: set(services), files: set(files), command: vec!["reload".into()] }
    }

    #[test]
    fn a_service_is_told_its_own_files() {
        let mut services = services();
        apply_to(&mut services, &[spec(&["app"], &["conf/a", "x"])], &resolved(), "/srv/web").unwrap();
        let reload = services["app"].reload.as_ref().unwrap();
        assert_eq!((&reload.files, &reload.command[..]), (&set(&["conf/a"]), &["reload".to_owned()][..]));
        assert!(services["db"].reload.is_none());
    }

    #[test]
    fn what_can_have_no_effect_is_refused() {
        let specs = [spec(&["app"], &["x"]), spec(&["db", "off"], &["db.conf"])];
        let errors = apply_to(&mut services(), &specs, &resolved(), "/srv/web").unwrap_err();
        let started = vec!["app".to_owned(), "db".to_owned()];
        assert_eq!(
            errors,
            [
                ReloadError::NotUsed { reload: 0, service: "app".into() },
                ReloadError::MountedAlone { reload: 1, service: "db".into(), path: "db.conf".into() },
                ReloadError::UnknownService { reload: 1, service: "off".into(), started },
            ]
        );
    }

    #[test]
    fn containers_that_stay_and_have_other_files_are_due() {
        let reload = Some(Reload { files: set(&["conf/a"]), command: vec!["reload".into()] });
        let wanted = DesiredService { reload, files_hash: "new".into(), ..desired("c") };
        let all = BTreeMap::from([("app".to_owned(), wanted.clone())]);
        let due = |change: Change, files: &str, wanted: &BTreeMap<String, DesiredService>| {
            let seen = ObservedService { files_hash: files.into(), ..ObservedService::default() };
            let observed = BTreeMap::from([("app".to_owned(), seen)]);
            !super::due(&BTreeMap::from([("app".to_owned(), change)]), &observed, wanted).is_empty()
        };
        assert!(due(Change::Reload, "old", &all) && due(Change::Repair, "old", &all));
        assert!(!due(Change::Keep, "new", &all));
        assert!(!due(Change::Recreate(BTreeSet::new()), "old", &all) && !due(Change::Create, "old", &all));
        let without = BTreeMap::from([("app".to_owned(), DesiredService { reload: None, ..wanted })]);
        assert!(!due(Change::Keep, "old", &without));
    }
}
