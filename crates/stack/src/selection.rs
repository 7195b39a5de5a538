//! What a user chooses about the services of a project beside its files: which of them are started,
//! and what each is waited for to be.
//!
//! A service that is not started is left alone: it is validated and its image is pulled, but no
//! container of it is ever made, started, stopped or removed by us, because the product itself runs
//! it (by `docker compose run`, say). Of Compose's calls, only `up --no-deps` with the names of the
//! others does that (seen with 2.26.1 and 5.5.1): without `--no-deps` it also starts, and recreates,
//! what they depend on. Compose 2.26 then hashes them without their dependencies on what is left
//! alone, so that [`Resolved::without_unmanaged`](compose::Resolved::without_unmanaged) takes these
//! out before a prediction is made.

use std::collections::{BTreeMap, BTreeSet};

use compose::{Config, ReadyState};

use crate::service::DesiredService;

/// What a service is waited for to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// Its health check says that it is well.
    Healthy,
    /// It runs; its health check is not asked.
    Running,
    /// It has ended with 0.
    Completed,
    /// Nothing: it may be whatever it is.
    Ignore,
}

impl WaitFor {
    /// The words for it.
    pub const WORDS: [&str; 4] = ["healthy", "running", "completed", "ignore"];

    /// What a word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "healthy" => Self::Healthy,
            "running" => Self::Running,
            "completed" => Self::Completed,
            "ignore" => Self::Ignore,
            _ => return None,
        })
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Ignore => "ignore",
        }
    }

    fn ready(self) -> ReadyState {
        match self {
            Self::Healthy => ReadyState::Healthy,
            Self::Running => ReadyState::Up,
            Self::Completed => ReadyState::Completed,
            Self::Ignore => ReadyState::Ignored,
        }
    }
}

/// What is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The services that are started; `None` for all.
    pub start: Option<BTreeSet<String>>,
    /// What services are waited for to be, where it is not what their own files say.
    pub wait: BTreeMap<String, WaitFor>,
}

/// Something chosen that does not fit the files.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the fields that have no comment are what their names say")]
pub enum SelectionError {
    /// No service to be started has this name.
    StartsUnknown {
        service: String,
        /// The services that there are.
        known: BTreeSet<String>,
    },
    /// The service to be started is switched off by its profiles.
    StartsInactive { service: String },
    /// A service that is started cannot do without one that is not.
    NeedsUnmanaged {
        /// The one that is started.
        service: String,
        /// The one that is not.
        needed: String,
    },
    /// No service to be waited for has this name.
    WaitsForUnknown {
        service: String,
        /// The services that there are.
        known: BTreeSet<String>,
    },
    /// A service shall be healthy, and nothing tells whether it is.
    NoHealthCheck { service: String },
}

impl Selection {
    /// The texts that it is made of, for a digest; none where nothing is chosen.
    pub(crate) fn words(&self) -> Vec<&str> {
        if self.is_default() {
            return Vec::new();
        }
        let start = self.start.iter().flatten().map(String::as_str);
        let wait = self.wait.iter().flat_map(|(name, wait)| [name.as_str(), wait.word()]);
        let chosen = if self.start.is_some() { "start_services" } else { "all services" };
        [chosen].into_iter().chain(start).chain(["wait_for"]).chain(wait).collect()
    }

    /// Whether nothing is chosen.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The services of the project that are left alone.
    pub fn unmanaged(&self, config: &Config) -> BTreeSet<String> {
        let Some(start) = &self.start else { return BTreeSet::new() };
        config.services.keys().filter(|name| !start.contains(*name)).cloned().collect()
    }

    /// Everything that does not fit the project. `inactive` are its services that are switched off;
    /// to choose what they are waited for is no mistake.
    pub fn errors(&self, config: &Config, inactive: &BTreeSet<String>) -> Vec<SelectionError> {
        let services = &config.services;
        let known = || services.keys().cloned().collect();
        let mut errors = Vec::new();
        for service in self.start.iter().flatten().filter(|name| !services.contains_key(*name)) {
            let service = service.clone();
            errors.push(if inactive.contains(&service) {
                SelectionError::StartsInactive { service }
            } else {
                SelectionError::StartsUnknown { service, known: known() }
            });
        }
        let alone = self.unmanaged(config);
        for (service, one) in services.iter().filter(|(name, _)| !alone.contains(*name)) {
            let needs =
                one.depends_on.keys().filter(|name| alone.contains(*name) && !one.optional.contains(*name));
            errors.extend(needs.map(|needed| SelectionError::NeedsUnmanaged {
                service: service.clone(),
                needed: needed.clone(),
            }));
        }
        for (service, wait) in &self.wait {
            match services.get(service) {
                None if inactive.contains(service) => {}
                None => {
                    errors.push(SelectionError::WaitsForUnknown { service: service.clone(), known: known() })
                }
                Some(one) if *wait == WaitFor::Healthy && !one.health_check => {
                    errors.push(SelectionError::NoHealthCheck { service: service.clone() });
                }
                Some(_) => {}
            }
        }
        errors
    }

    /// Makes what the files want what is chosen.
    pub fn apply_to(&self, wanted: &mut BTreeMap<String, DesiredService>) {
        for (name, one) in wanted {
            if self.start.as_ref().is_some_and(|start| !start.contains(name)) {
                one.unmanaged = true;
                one.ready = ReadyState::Idle;
                one.replicas = 0;
                one.shares.clear();
            } else if let Some(wait) = self.wait.get(name).filter(|_| one.replicas > 0) {
                one.ready = wait.ready();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::tests::desired;

    const DOCUMENT: &str = r#"{"name": "p", "services": {
        "app": {"image": "a", "healthcheck": {"test": ["CMD", "true"]},
                "depends_on": {"db": {"condition": "service_started", "required": true},
                               "extra": {"condition": "service_started", "required": false}}},
        "db": {"image": "b"}, "extra": {"image": "c"}, "none": {"image": "d", "scale": 0}
    }}"#;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn starting(names: &[&str]) -> Selection {
        Selection { start: Some(set(names)), ..Selection::default() }
    }

    fn waiting(service: &str, wait: WaitFor) -> Selection {
        Selection { wait: BTreeMap::from([(service.to_owned(), wait)]), ..Selection::default() }
    }

    fn errors(choice: &Selection) -> Vec<SelectionError> {
        choice.errors(&Config::parse(DOCUMENT.as_bytes()).unwrap(), &set(&["off"]))
    }

    #[test]
    fn words_are_what_they_stand_for() {
        for word in WaitFor::WORDS {
            assert_eq!(WaitFor::parse(word).unwrap().word(), word);
        }
        assert_eq!(WaitFor::parse("well"), None);
    }

    #[test]
    fn optional_dependencies_may_be_left_alone() {
        assert_eq!(errors(&starting(&["app", "db"])), []);
        assert_eq!(errors(&starting(&[])), []);
        let needs = SelectionError::NeedsUnmanaged { service: "app".into(), needed: "db".into() };
        assert_eq!(errors(&starting(&["app", "extra"])), [needs]);
    }

    #[test]
    fn names_of_no_service_are_told_apart_from_switched_off_ones() {
        let known = set(&["app", "db", "extra", "none"]);
        let unknown = SelectionError::StartsUnknown { service: "dbb".into(), known: known.clone() };
        assert_eq!(errors(&starting(&["dbb"])), [unknown]);
        assert_eq!(errors(&starting(&["off"])), [SelectionError::StartsInactive { service: "off".into() }]);
        assert_eq!(errors(&waiting("off", WaitFor::Running)), []);
        let unknown = SelectionError::WaitsForUnknown { service: "dbb".into(), known };
        assert_eq!(errors(&waiting("dbb", WaitFor::Running)), [unknown]);
    }

    #[test]
    fn health_needs_a_check() {
        assert_eq!(errors(&waiting("app", WaitFor::Healthy)), []);
        let missing = SelectionError::NoHealthCheck { service: "db".into() };
        assert_eq!(errors(&waiting("db", WaitFor::Healthy)), [missing]);
    }

    #[test]
    fn what_is_left_alone_has_no_containers_of_ours() {
        let one = |replicas, ready| DesiredService { ready, replicas, shares: set(&["x"]), ..desired("c") };
        let mut wanted = BTreeMap::from([
            ("a".to_owned(), one(2, ReadyState::Healthy)),
            ("b".to_owned(), one(1, ReadyState::Running)),
            ("none".to_owned(), one(0, ReadyState::Idle)),
        ]);
        let wait = ["a", "b", "none"].map(|name| (name.to_owned(), WaitFor::Ignore)).into();
        Selection { start: Some(set(&["b", "none"])), wait }.apply_to(&mut wanted);
        assert!(wanted["a"].unmanaged && wanted["a"].shares.is_empty());
        assert_eq!((wanted["a"].replicas, wanted["a"].ready), (0, ReadyState::Idle));
        assert_eq!((wanted["b"].replicas, wanted["b"].ready), (1, ReadyState::Ignored));
        assert_eq!((wanted["none"].unmanaged, wanted["none"].ready), (false, ReadyState::Idle));
    }

    #[test]
    fn nothing_chosen_and_nothing_started_are_two_things() {
        assert_eq!(starting(&[]).words(), ["start_services", "wait_for"]);
        assert!(Selection::default().words().is_empty());
    }

    #[test]
    fn every_selection_has_words_of_its_own() {
        let all = [
            starting(&["a"]),
            starting(&["a", "b"]),
            Selection { start: Some(set(&["a"])), ..waiting("b", WaitFor::Ignore) },
            waiting("b", WaitFor::Ignore),
            waiting("b", WaitFor::Running),
        ];
        let words: BTreeSet<String> = all.iter().map(|one| one.words().join(" ")).collect();
        assert_eq!(words.len(), all.len());
    }
}
