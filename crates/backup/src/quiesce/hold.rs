//! What is held for the time of a copy, and in which order it goes on. Pure.

use std::collections::{BTreeMap, BTreeSet};

use docker::engine::{Container, State};
use stack::containers::{LABEL_ONE_OFF, LABEL_SERVICE, is_of_service};

use super::Mode;

/// Label of a container: the services that its own needs, by Compose, as `name:condition:restart`.
const LABEL_DEPENDS_ON: &str = "com.docker.compose.depends_on";

/// The restart policy that a stop by hand ends for good, also over a start of the machine.
const UNLESS_STOPPED: &str = "unless-stopped";

/// A container that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) how: Mode,
    /// What restarts it.
    pub(super) policy: String,
    /// How many steps of `depends_on` are below it.
    depth: usize,
}

impl Held {
    /// Whether Docker would not start it again with the machine, once it is stopped.
    pub(super) fn needs_policy(&self) -> bool {
        self.how == Mode::Stop && self.policy == UNLESS_STOPPED
    }
}

/// The containers of a project that run and are held, in the order in which they start: those of `services`, or of all
/// where none is named, and those of `docker compose run`, which are paused in any case: what is stopped of these is
/// not what goes on.
pub(super) fn held(containers: &[Container], services: &BTreeSet<String>, mode: Mode) -> Vec<Held> {
    let needs = needs(containers);
    let is_meant = |one: &&Container| {
        let is_named = one.label(LABEL_SERVICE).is_some_and(|name| services.contains(name));
        let is_ours = is_of_service(one) || one.label(LABEL_ONE_OFF) == Some("True");
        is_ours && one.state == State::Running && (services.is_empty() || is_named)
    };
    let one = |one: &Container| Held {
        id: one.id.clone(),
        name: one.name.clone(),
        how: if is_of_service(one) { mode } else { Mode::Pause },
        policy: String::new(),
        depth: depth(one.label(LABEL_SERVICE).unwrap_or_default(), &needs, needs.len()),
    };
    let mut held: Vec<Held> = containers.iter().filter(is_meant).map(one).collect();
    held.sort_by(|a, b| (a.depth, &a.name).cmp(&(b.depth, &b.name)));
    held
}

/// The services of `wanted` that have no container, where the project has any.
pub(super) fn missing<'w>(containers: &[Container], wanted: &'w BTreeSet<String>) -> Vec<&'w str> {
    let there: BTreeSet<&str> = containers.iter().filter_map(|one| one.label(LABEL_SERVICE)).collect();
    if there.is_empty() {
        return Vec::new();
    }
    wanted.iter().map(String::as_str).filter(|name| !there.contains(name)).collect()
}

/// The ids in groups that are stopped one after another: what needs others goes before these.
pub(super) fn groups_to_stop(held: &[Held]) -> Vec<Vec<&str>> {
    let mut groups: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for one in held.iter().filter(|one| one.how == Mode::Stop) {
        groups.entry(one.depth).or_default().push(&one.id);
    }
    groups.into_values().rev().collect()
}

/// What has to be done so that all goes on, a line each.
pub(super) fn list(held: &[Held]) -> String {
    let mut lines = String::new();
    for one in held {
        match one.how {
            Mode::Pause => lines += &format!("unpause {}\n", one.id),
            Mode::Stop => lines += &format!("start {}\n", one.id),
        }
        if one.needs_policy() {
            lines += &format!("policy {} {}\n", one.id, one.policy);
        }
    }
    lines
}

/// Which services each service needs.
fn needs(containers: &[Container]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut needs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for one in containers {
        let Some(service) = one.label(LABEL_SERVICE) else { continue };
        let names = one.label(LABEL_DEPENDS_ON).unwrap_or_default().split(',');
        let names = names.filter_map(|need| need.split(':').next()).filter(|name| !name.is_empty());
        needs.entry(service).or_default().extend(names);
    }
    needs
}

fn depth(service: &str, needs: &BTreeMap<&str, BTreeSet<&str>>, most: usize) -> usize {
    // Compose refuses circles; labels of containers of two times may have one.
    let Some(left) = most.checked_sub(1) else { return 0 };
    let below = needs.get(service).into_iter().flatten();
    below.map(|need| depth(need, needs, left) + 1).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use docker::engine::StatusText;

    use super::*;

    fn container(service: &str, needs: &str, state: State) -> Container {
        let labels = [(LABEL_SERVICE, service), (LABEL_DEPENDS_ON, needs)];
        Container {
            id: format!("id-{service}"),
            name: format!("shop-{service}-1"),
            image: String::new(),
            image_id: String::new(),
            created: 0,
            state,
            status: StatusText::parse(""),
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            ports: Vec::new(),
            networks: BTreeSet::new(),
        }
    }

    fn project() -> Vec<Container> {
        let mut job = container("job", "db:service_healthy:false", State::Running);
        job.labels.insert(LABEL_ONE_OFF.to_owned(), "True".to_owned());
        vec![
            container("web", "api:service_started:false", State::Running),
            container("api", "db:service_healthy:true,cache:service_started:false", State::Running),
            container("db", "", State::Running),
            container("cache", "", State::Exited),
            job,
        ]
    }

    fn ids(held: &[Held]) -> Vec<&str> {
        held.iter().map(|one| one.id.as_str()).collect()
    }

    #[test]
    fn what_runs_is_held_and_starts_after_what_it_needs() {
        let all = held(&project(), &BTreeSet::new(), Mode::Stop);
        assert_eq!(ids(&all), ["id-db", "id-api", "id-job", "id-web"]);
        assert_eq!(groups_to_stop(&all), [vec!["id-web"], vec!["id-api"], vec!["id-db"]]);
        assert_eq!(list(&all), "start id-db\nstart id-api\nunpause id-job\nstart id-web\n");
        let two = held(&project(), &["web", "cache"].map(str::to_owned).into(), Mode::Pause);
        assert_eq!(list(&two), "unpause id-web\n");
    }

    #[test]
    fn a_service_that_is_not_there_is_told_once_the_project_is() {
        let wanted = ["api", "wbe"].map(str::to_owned).into();
        assert_eq!(missing(&project(), &wanted), ["wbe"]);
        assert!(missing(&[], &wanted).is_empty());
    }

    #[test]
    fn only_a_stop_that_would_be_for_good_needs_another_policy() {
        let mut all = held(&project(), &["db".to_owned()].into(), Mode::Stop);
        all[0].policy = "always".to_owned();
        assert!(!all[0].needs_policy());
        all[0].policy = UNLESS_STOPPED.to_owned();
        assert_eq!(list(&all), "start id-db\npolicy id-db unless-stopped\n");
        all[0].how = Mode::Pause;
        assert!(!all[0].needs_policy());
    }

    #[test]
    fn a_circle_of_needs_ends() {
        let circle = [container("a", "b:x:y", State::Running), container("b", "a:x:y", State::Running)];
        assert_eq!(held(&circle, &BTreeSet::new(), Mode::Stop).len(), 2);
    }
}
