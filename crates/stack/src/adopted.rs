//! A project that somebody has started by hand: from which files, and whether these still say what
//! runs.
//!
//! Compose writes on every container where the project's files were. Whether they are the same as
//! then, and whether they were all that was (variables of a shell are not in them), tells the hash of
//! each service: only where it is the one on the containers, the files are a way back to what runs.

use std::collections::BTreeSet;

use compose::layout::ENV_FILE;
use docker::engine::Container;

use crate::{
    containers::is_of_service,
    observe::observe,
    overview::{LABEL_CONFIG_FILES, LABEL_WORKING_DIR},
    record::Record,
    service::CHANGED,
};

/// Label of a container: the files that `--env-file` named, separated by commas.
const LABEL_ENV_FILE: &str = "com.docker.compose.project.environment_file";
/// What stands for no file of values at all.
pub const NO_VALUES: &str = "/dev/null";

/// Where a project was started from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdoptedProject {
    /// Its directory on the host.
    pub directory: String,
    /// Its Compose files, relative to that.
    pub files: Vec<String>,
}

/// Why there is no way back to what runs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum NotRestorable {
    /// The containers name several directories or lists of files.
    #[error("its containers were not all started from the same files")]
    Several,
    /// Not every file is in the project's directory, the first one right in it.
    #[error("it was not started from files in its own directory, but from {0:?}")]
    Elsewhere(String),
    /// Values came from other files than `.env`.
    #[error("it was started with `--env-file {0}`")]
    OtherValues(String),
    /// A service that the files do not have.
    #[error("its files have no service {0} (any more)")]
    NoService(String),
    /// The containers of a service are not what the files say.
    #[error(
        "its files, without the variables of the shell that it was started from, do not say what service {0} runs"
    )]
    OtherConfiguration(String),
    /// A service has been scaled by hand.
    #[error("service {service} has {found} containers, and its files say {wanted}")]
    OtherScale {
        service: String,
        /// How many it has.
        found: u32,
        /// How many the files want.
        wanted: u32,
    },
    /// What runs is no good state.
    #[error("service {service} was not well before: {status}")]
    Unwell {
        service: String,
        /// What it was instead.
        status: String,
    },
}

impl AdoptedProject {
    /// Where the project of these containers was started from.
    ///
    /// # Errors
    /// [`NotRestorable`] where they do not tell, or name files that are not simply in its directory.
    pub fn of(containers: &[Container]) -> Result<Self, NotRestorable> {
        let own = || containers.iter().filter(|one| is_of_service(one));
        let label = |name: &'static str| -> Result<&str, NotRestorable> {
            let values: BTreeSet<&str> = own().map(|one| one.label(name).unwrap_or_default()).collect();
            let mut values = values.into_iter();
            match (values.next(), values.next()) {
                (Some(value), None) => Ok(value),
                _ => Err(NotRestorable::Several),
            }
        };
        let (directory, list) = (label(LABEL_WORKING_DIR)?, label(LABEL_CONFIG_FILES)?);
        let elsewhere = || NotRestorable::Elsewhere(list.to_owned());
        if directory.len() < 2 || !directory.starts_with('/') {
            return Err(elsewhere());
        }
        let relative = |file: &str| Some(file.strip_prefix(directory)?.strip_prefix('/')?.to_owned());
        let files: Option<Vec<String>> = list.split(',').map(relative).collect();
        let files = files.filter(|files| files.first().is_some_and(|first| !first.contains('/')));
        let files = files.ok_or_else(elsewhere)?;
        let plain = [String::new(), NO_VALUES.to_owned(), format!("{directory}/{ENV_FILE}")];
        for one in own() {
            let values = one.label(LABEL_ENV_FILE).unwrap_or_default();
            if !plain.iter().any(|plain| plain == values) {
                return Err(NotRestorable::OtherValues(values.to_owned()));
            }
        }
        Ok(Self { directory: directory.to_owned(), files })
    }
}

/// Fails unless the containers are what `record` says, and well. What its proofs say does not count.
///
/// # Errors
/// The first thing that is otherwise.
pub fn compare(record: &Record, containers: &[Container]) -> Result<(), NotRestorable> {
    for (service, live) in observe(containers, Some(record), None, None) {
        let Some(recorded) = record.services.get(&service) else {
            return Err(NotRestorable::NoService(service));
        };
        if live.config_hash == CHANGED {
            return Err(NotRestorable::OtherConfiguration(service));
        }
        if live.replicas != recorded.replicas {
            let (found, wanted) = (live.replicas, recorded.replicas);
            return Err(NotRestorable::OtherScale { service, found, wanted });
        }
        if live.status != recorded.ready.word() {
            return Err(NotRestorable::Unwell { service, status: live.status });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        containers::{LABEL_CONFIG_HASH, LABEL_SERVICE},
        record::RecordedService,
    };
    use compose::ReadyState;
    use docker::engine::{State, StatusText};

    fn container(service: &str, labels: &[(&str, &str)]) -> Container {
        let own = [(LABEL_SERVICE, service), (LABEL_CONFIG_HASH, "c")];
        let labels = own.iter().chain(labels).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Container {
            id: service.into(),
            name: format!("web-{service}-1"),
            image: "app:1".into(),
            image_id: "sha256:1".into(),
            created: 0,
            state: State::Running,
            status: StatusText::default(),
            labels: labels.collect(),
            ports: vec![],
            networks: Default::default(),
        }
    }

    fn from(files: &str) -> Result<AdoptedProject, NotRestorable> {
        AdoptedProject::of(&[container(
            "app",
            &[(LABEL_WORKING_DIR, "/srv/web"), (LABEL_CONFIG_FILES, files)],
        )])
    }

    #[test]
    fn files_in_the_directory_are_an_origin() {
        let files = vec!["compose.yaml".to_owned(), "more/prod.yaml".to_owned()];
        let origin = AdoptedProject { directory: "/srv/web".into(), files };
        assert_eq!(from("/srv/web/compose.yaml,/srv/web/more/prod.yaml"), Ok(origin));
    }

    #[test]
    fn files_elsewhere_and_other_values_are_none() {
        for files in ["-", "compose.yaml", "/srv/web2/compose.yaml", "/srv/web/deploy/compose.yaml", ""] {
            assert_eq!(from(files), Err(NotRestorable::Elsewhere(files.to_owned())));
        }
        assert_eq!(AdoptedProject::of(&[]), Err(NotRestorable::Several));
        let place = [(LABEL_WORKING_DIR, "/srv/web"), (LABEL_CONFIG_FILES, "/srv/web/compose.yaml")];
        let with = |values| {
            AdoptedProject::of(&[container("a", &[&place[..], &[(LABEL_ENV_FILE, values)]].concat())])
        };
        assert!(with("/srv/web/.env").is_ok() && with(NO_VALUES).is_ok());
        assert_eq!(with("/srv/web/prod.env"), Err(NotRestorable::OtherValues("/srv/web/prod.env".into())));
        let several =
            [container("a", &place), container("b", &[(LABEL_WORKING_DIR, "/srv/other"), place[1]])];
        assert_eq!(AdoptedProject::of(&several), Err(NotRestorable::Several));
    }

    #[test]
    fn containers_are_compared_by_compose_s_own_hash() {
        let mut record = Record::new("web", "2.26.1");
        let recorded = RecordedService {
            image: "app:1".into(),
            config_hash: "c".into(),
            environment_hash: "e".into(),
            files_hash: None,
            files_label: None,
            files: BTreeSet::new(),
            reloads: false,
            ready: ReadyState::Running,
            replicas: 1,
            unmanaged: false,
            proof: None,
            shares: BTreeMap::new(),
            networks: Default::default(),
        };
        record.services.insert("app".into(), recorded.clone());
        let app = || container("app", &[]);
        let stopped = Container { state: State::Paused, ..app() };
        let more = Container { id: "2".into(), name: "web-app-2".into(), ..app() };
        let unwell = NotRestorable::Unwell { service: "app".into(), status: "paused".into() };
        let scaled = NotRestorable::OtherScale { service: "app".into(), found: 2, wanted: 1 };
        assert_eq!(compare(&record, &[app()]), Ok(()));
        assert_eq!(compare(&record, &[stopped]), Err(unwell));
        assert_eq!(compare(&record, &[app(), more]), Err(scaled));
        assert_eq!(
            compare(&record, &[app(), container("x", &[])]),
            Err(NotRestorable::NoService("x".into()))
        );
        record.services.insert("app".into(), RecordedService { config_hash: "d".into(), ..recorded });
        assert_eq!(compare(&record, &[app()]), Err(NotRestorable::OtherConfiguration("app".into())));
    }
}
