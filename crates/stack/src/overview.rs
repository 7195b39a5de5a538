//! What runs on a host, told by its containers alone: whoever started it, with or without files.
//!
//! Compose writes on every container which project and service it is of, where the project's files
//! are, and what its service waits for. That is all that is used here, so one list of containers
//! tells everything; what only the files know (a service without containers) is not seen.

use std::collections::BTreeMap;

use compose::layout::OURS;
use docker::engine::{Container, LABEL_PROJECT};

use crate::{observe::observe, service::ObservedService};

/// Label of a container: the Compose files of its project, absolute, separated by commas.
pub const LABEL_CONFIG_FILES: &str = "com.docker.compose.project.config_files";
/// Label of a container: the directory of its project.
pub const LABEL_WORKING_DIR: &str = "com.docker.compose.project.working_dir";

/// A Compose project as its containers tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Its directory on the host; empty where no container tells.
    pub directory: String,
    /// Its Compose files; those of a project that was piped into Compose are not there.
    pub config_files: Vec<String>,
    /// Whether Windlass made it.
    pub managed: bool,
    /// Its services that have containers.
    pub services: BTreeMap<String, ObservedService>,
}

/// Every project among `containers`, by name.
pub fn projects(containers: &[Container]) -> BTreeMap<String, Overview> {
    let mut projects: BTreeMap<&str, Vec<Container>> = BTreeMap::new();
    for container in containers {
        if let Some(project) = container.label(LABEL_PROJECT) {
            projects.entry(project).or_default().push(container.clone());
        }
    }
    projects.into_iter().map(|(name, containers)| (name.to_owned(), overview(&containers))).collect()
}

/// One project, of its own containers.
pub fn overview(containers: &[Container]) -> Overview {
    let files = containers.iter().filter_map(|one| one.label(LABEL_CONFIG_FILES)).next().unwrap_or_default();
    let files: Vec<&str> = files.split(',').filter(|file| file.starts_with('/')).collect();
    Overview {
        directory: containers.iter().find_map(directory).unwrap_or_default(),
        managed: files.iter().any(|file| is_ours(file)),
        config_files: files.into_iter().filter(|file| !is_ours(file)).map(str::to_owned).collect(),
        services: observe(containers, None, None, None),
    }
}

/// Where the container's project is: the folder of our override file, or what Compose wrote.
pub fn directory(container: &Container) -> Option<String> {
    let files = container.label(LABEL_CONFIG_FILES).unwrap_or_default();
    let ours =
        files.split(',').find(|file| is_ours(file)).and_then(|file| file.strip_suffix(&override_file()));
    let directory = ours.or_else(|| container.label(LABEL_WORKING_DIR))?;
    Some(directory.to_owned()).filter(|directory| directory.len() > 1 && directory.starts_with('/'))
}

/// Whether we have made the container.
pub(crate) fn is_managed(container: &Container) -> bool {
    container.label(LABEL_CONFIG_FILES).unwrap_or_default().split(',').any(is_ours)
}

fn override_file() -> String {
    format!("/{OURS}/override.json")
}

fn is_ours(file: &str) -> bool {
    file.ends_with(&override_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::containers::{LABEL_DEPENDS_ON, LABEL_SERVICE};
    use compose::LABEL_JOB;
    use docker::engine::{State, StatusText};

    fn container(project: &str, service: &str, status: &str, more: &[(&str, &str)]) -> Container {
        let labels = [(LABEL_PROJECT, project), (LABEL_SERVICE, service)];
        let labels = labels.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Container {
            id: format!("{project}{service}"),
            name: format!("{project}-{service}-1"),
            image: "app:1".into(),
            image_id: "sha256:1".into(),
            created: 0,
            state: if status.starts_with("Up") { State::Running } else { State::Exited },
            status: StatusText::parse(status),
            labels: labels.collect(),
            ports: Vec::new(),
            networks: Default::default(),
        }
    }

    #[test]
    fn projects_are_reported_by_their_containers() {
        let ours = [
            (LABEL_CONFIG_FILES, "/srv/shop/compose.yaml,/srv/shop/.windlass/override.json"),
            (LABEL_WORKING_DIR, "/srv/shop"),
            (LABEL_DEPENDS_ON, "migrate:service_completed_successfully:false,db:service_healthy:true"),
        ];
        let containers = [
            container("shop", "app", "Up 5 seconds (healthy)", &ours),
            container("shop", "migrate", "Exited (0) 5 seconds ago", &[]),
            container("shop", "db", "Exited (0) 5 seconds ago", &[]),
            container("shop", "once", "Exited (0) 1 second ago", &[(LABEL_JOB, "true")]),
            container(
                "hand",
                "web",
                "Up 2 hours",
                &[(LABEL_CONFIG_FILES, "-"), (LABEL_WORKING_DIR, "/root")],
            ),
            container("hand", "job", "Exited (3) 2 hours ago", &[(crate::containers::LABEL_ONE_OFF, "True")]),
        ];
        let found = projects(&containers);
        let shop = &found["shop"];
        assert!(shop.managed);
        assert_eq!(
            (shop.directory.as_str(), &shop.config_files[..]),
            ("/srv/shop", &["/srv/shop/compose.yaml".to_owned()][..])
        );
        let status: Vec<_> =
            shop.services.iter().map(|(name, service)| (name.as_str(), service.status.as_str())).collect();
        assert_eq!(
            status,
            [("app", "healthy"), ("db", "stopped"), ("migrate", "completed"), ("once", "completed")]
        );
        let hand = &found["hand"];
        assert!(!hand.managed && hand.config_files.is_empty());
        assert_eq!((hand.directory.as_str(), hand.services.len()), ("/root", 1));
        assert_eq!(projects(&[]), BTreeMap::new());
    }
}
