//! Whose it is what is there already, and the files that nobody of ours has put there.
//!
//! A name entitles nobody: two states may use one, `create_before_destroy` makes the new one before
//! the old one has gone, and an apply that was cut off leaves something behind. Each stack has an id
//! of its own instead, on the host and with whoever recorded it.

use std::collections::BTreeSet;

use docker::engine::Container;

use crate::{
    containers::is_of_service,
    error::Error,
    host::Host,
    host_state::{HostState, Shipped},
    overview,
    spec::StackSpec,
};

/// What stands in the place of the id of a stack that was let go: it is nobody's.
pub(crate) const ABANDONED: &str = "abandoned";

/// Checks that nothing is in the place of a stack that is to be made: neither a project of its name
/// nor another stack in its directory. What an apply has left that never came to its end, what was
/// abandoned, and what has the id `instance` itself, is no obstacle.
///
/// # Errors
/// [`Error::AlreadyExists`] and [`Error::DirectoryTaken`].
pub fn check_vacant(
    name: &str,
    directory: &str,
    instance: Option<&str>,
    state: &HostState,
    containers: &[Container],
) -> Result<(), Error> {
    if instance.is_some() && state.instance.as_deref() == instance {
        return Ok(());
    }
    let project = state.record.as_ref().map(|record| record.project.as_str());
    if let Some(project) = project.filter(|project| *project != name) {
        return Err(Error::DirectoryTaken { directory: directory.to_owned(), project: project.to_owned() });
    }
    let abandoned = state.instance.as_deref() == Some(ABANDONED);
    let leftover = state.is_ours() && (abandoned || state.is_leftover(name));
    let foreign = |container: &&Container| {
        is_of_service(container)
            && (!leftover || overview::directory(container).as_deref() != Some(directory))
    };
    let in_place = state.is_ours() && !leftover;
    if in_place || containers.iter().any(|container| foreign(&container)) {
        let made_by_windlass = in_place || overview::overview(containers).managed;
        return Err(Error::AlreadyExists { containers: containers.to_vec(), made_by_windlass });
    }
    Ok(())
}

/// Checks that `directory` is no symbolic link: whoever can change one decides where the files go.
///
/// # Errors
/// [`Error::Linked`].
pub fn check_no_link(directory: &str, host: &Host, state: &HostState) -> Result<(), Error> {
    let Some(target) = state.link.clone() else { return Ok(()) };
    Err(Error::Linked { directory: directory.to_owned(), host: host.name().to_owned(), target })
}

/// The files that a stack brings to `directory` and that are there already although no manifest of
/// ours names them, relative to that; a directory in the place of one of them counts.
///
/// # Errors
/// When the host cannot be asked.
pub async fn files_in_the_way(
    host: &Host,
    spec: &StackSpec,
    directory: &str,
    state: &HostState,
) -> Result<Vec<String>, Error> {
    let wanted = spec.source.files.keys().chain(spec.secret_files.keys()).cloned();
    let mut paths: BTreeSet<String> = wanted.chain([spec.layout(directory).values_path()]).collect();
    // What is there in the place of a seed stays.
    let known = state.manifest.iter().flat_map(|manifest| manifest.files.keys()).chain(&spec.source.seeds);
    let known = known.chain(state.sent.iter().flat_map(|sent| &sent.seeds));
    for path in known.chain(state.sent.iter().flat_map(Shipped::secret_paths)) {
        paths.remove(path);
    }
    if paths.is_empty() || state.vacant {
        return Ok(Vec::new());
    }
    let places: Vec<String> = paths.iter().map(|path| format!("{directory}/{path}")).collect();
    let found = host.files().kinds(&places).await?;
    Ok(paths.into_iter().filter(|path| found.contains_key(&format!("{directory}/{path}"))).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use docker::engine::{State, StatusText};
    use tree::Manifest;

    use super::*;
    use crate::{containers::LABEL_SERVICE, overview::LABEL_WORKING_DIR, record::Record};

    fn container(directory: &str) -> Container {
        let labels = [(LABEL_SERVICE, "app"), (LABEL_WORKING_DIR, directory)];
        Container {
            id: "1".into(),
            name: "web-app-1".into(),
            image: "app:1".into(),
            image_id: "sha256:1".into(),
            created: 0,
            state: State::Running,
            status: StatusText::default(),
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            ports: vec![],
            networks: Default::default(),
        }
    }

    fn state(unfinished: bool, complete: bool, instance: &str) -> HostState {
        HostState {
            manifest: Some(Manifest { files: BTreeMap::new() }),
            record: Some(Record { unfinished, complete, ..Record::new("web", "2.26.1") }),
            instance: Some(instance.to_owned()).filter(|id| !id.is_empty()),
            ..HostState::default()
        }
    }

    fn check(own: Option<&str>, state: &HostState, places: &[&str]) -> Result<(), Error> {
        let containers: Vec<Container> = places.iter().map(|place| container(place)).collect();
        check_vacant("web", "/srv/web", own, state, &containers)
    }

    #[test]
    fn only_leftovers_and_what_is_its_own_or_nobody_s_is_no_obstacle() {
        let here = ["/srv/web"];
        assert!(check(None, &HostState::default(), &[]).is_ok());
        assert!(check(None, &state(true, false, "a"), &here).is_ok());
        assert!(check(Some("a"), &state(false, true, "a"), &here).is_ok());
        assert!(check(None, &state(false, true, ABANDONED), &here).is_ok());
        let sent = HostState { record: None, ..state(true, false, "a") };
        assert!(check(None, &sent, &[]).is_ok());
    }

    #[test]
    fn what_somebody_has_is_in_the_way() {
        let here = ["/srv/web"];
        let taken = |state: &HostState, places: &[&str]| match check(Some("b"), state, places) {
            Err(Error::AlreadyExists { made_by_windlass, .. }) => Some(made_by_windlass),
            _ => None,
        };
        assert_eq!(taken(&state(false, true, "a"), &here), Some(true));
        // Nothing runs of it now, and a later apply of it was cut off.
        assert_eq!(taken(&state(true, true, "a"), &[]), Some(true));
        // It was made by a Windlass that gave no ids.
        assert_eq!(taken(&state(false, false, ""), &here), Some(true));
        // Somebody typed it, here or elsewhere.
        assert_eq!(taken(&HostState::default(), &here), Some(false));
        assert_eq!(taken(&state(true, false, "a"), &["/srv/other"]), Some(false));
    }

    #[test]
    fn a_directory_belongs_to_one_stack() {
        let other = HostState { record: Some(Record::new("blog", "2.26.1")), ..state(false, true, "a") };
        assert!(matches!(check(None, &other, &[]), Err(Error::DirectoryTaken { .. })));
    }
}
