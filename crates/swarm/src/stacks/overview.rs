//! Every stack that a swarm has, whoever deployed it.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models::ServiceUpdateStatusStateEnum as UpdateState;
use docker::Engine;

use crate::spec::ApiService as Service;

use super::{
    StackError,
    api::Api,
    live::{JOB, LiveService, RUNNING},
    record::Record,
    translate::LABEL_STACK,
};

/// What stands for a service that is on its way to what it is to be.
pub const CONVERGING: &str = "converging";
/// What labels begin with that are not the user's.
const NOT_OF_USERS: [&str; 2] = ["com.docker.", super::files::OURS];

/// A stack of a swarm.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StackOverview {
    /// How each service is: [`RUNNING`], [`JOB`] when all is well, [`CONVERGING`], or why its last
    /// update stands still.
    pub services: BTreeMap<String, String>,
    /// The labels that all services have, without those of Docker and of ours.
    pub labels: BTreeMap<String, String>,
    /// When the first of its services was made, in RFC 3339.
    pub created_at: String,
    /// When the last of them was changed.
    pub updated_at: String,
    /// Whether Windlass made it.
    pub managed: bool,
}

impl StackOverview {
    /// Whether all services are what they are to be.
    pub fn is_converged(&self) -> bool {
        self.services.values().all(|status| status == RUNNING || status == JOB)
    }
}

/// The stacks of the swarm of the manager `engine`, by name.
///
/// # Errors
/// When it does not tell.
pub async fn overview(engine: &Engine) -> Result<BTreeMap<String, StackOverview>, StackError> {
    let api = Api::of(engine.clone());
    let (services, managed) = tokio::join!(api.services(None), Record::stacks(&api));
    Ok(stacks(services?, &managed?))
}

/// Those that are of a stack, by its name.
pub(super) fn by_stack(services: Vec<Service>) -> BTreeMap<String, Vec<Service>> {
    let mut all: BTreeMap<String, Vec<Service>> = BTreeMap::new();
    for service in services {
        let labels = service.spec.as_ref().and_then(|spec| spec.labels.as_ref());
        if let Some(stack) = labels.and_then(|labels| labels.get(LABEL_STACK)).cloned() {
            all.entry(stack).or_default().push(service);
        }
    }
    all
}

fn stacks(services: Vec<Service>, managed: &BTreeSet<String>) -> BTreeMap<String, StackOverview> {
    let one = |(name, services): (String, Vec<Service>)| {
        let managed = managed.contains(&name);
        (name.clone(), StackOverview { managed, ..stack(&name, services) })
    };
    by_stack(services).into_iter().map(one).collect()
}

fn stack(name: &str, services: Vec<Service>) -> StackOverview {
    let labels = services.iter().map(labels_of).reduce(|mut shared, labels| {
        shared.retain(|label, value| labels.get(label) == Some(value));
        shared
    });
    StackOverview {
        labels: labels.unwrap_or_default(),
        created_at: services
            .iter()
            .filter_map(|service| service.created_at.clone())
            .min()
            .unwrap_or_default(),
        updated_at: services
            .iter()
            .filter_map(|service| service.updated_at.clone())
            .max()
            .unwrap_or_default(),
        services: services
            .into_iter()
            .map(|service| {
                let (name, live) = LiveService::named(name, service);
                (name, status(&live).to_owned())
            })
            .collect(),
        managed: false,
    }
}

fn labels_of(service: &Service) -> BTreeMap<String, String> {
    let labels = service.spec.as_ref().and_then(|spec| spec.labels.clone()).unwrap_or_default();
    let of_users = |label: &String| NOT_OF_USERS.iter().all(|begin| !label.starts_with(begin));
    labels.into_iter().filter(|(label, _)| of_users(label)).collect()
}

fn status(live: &LiveService) -> &'static str {
    if let Some((word, _)) = live.paused() {
        return word;
    }
    let counts = live.service.service_status.clone().unwrap_or_default();
    let (running, desired, completed) = (counts.running_tasks, counts.desired_tasks, counts.completed_tasks);
    if live.mode().is_job() {
        let wanted = live.replicas().unwrap_or(1);
        let done = running.unwrap_or(0) == 0 && completed.unwrap_or(0) >= wanted;
        return if done { JOB } else { CONVERGING };
    }
    let moves = matches!(live.update_state(), Some(UpdateState::UPDATING | UpdateState::ROLLBACK_STARTED));
    if moves || running < desired { CONVERGING } else { RUNNING }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(
        name: &str,
        labels: &serde_json::Value,
        mode: &serde_json::Value,
        counts: [u64; 3],
    ) -> Service {
        let [running, desired, completed] = counts;
        serde_json::from_value(json!({
            "CreatedAt": format!("2026-11-0{}T00:00:00Z", name.len() % 9 + 1),
            "UpdatedAt": "2026-11-28T00:00:00Z",
            "Spec": {"Name": name, "Labels": labels, "Mode": mode},
            "ServiceStatus": {"RunningTasks": running, "DesiredTasks": desired, "CompletedTasks": completed},
        }))
        .unwrap()
    }

    #[test]
    fn services_are_told_by_their_stacks() {
        let labels = |tier: &str| json!({LABEL_STACK: "web", "pr": "7", "tier": tier, "windlass.image": "x"});
        let replicated = json!({"Replicated": {"Replicas": 2}});
        let job = json!({"ReplicatedJob": {"TotalCompletions": 1}});
        let services = vec![
            service("web_api", &labels("a"), &replicated, [2, 2, 0]),
            service("web_migrate", &labels("b"), &job, [0, 0, 1]),
            service("alone", &json!({}), &replicated, [2, 2, 0]),
        ];
        let found = stacks(services, &BTreeSet::from(["web".to_owned()]));
        assert_eq!(found.keys().collect::<Vec<_>>(), ["web"]);
        let web = &found["web"];
        assert_eq!(web.labels, BTreeMap::from([("pr".to_owned(), "7".to_owned())]));
        assert!(web.managed && web.is_converged(), "{web:?}");
        assert_eq!(web.services["migrate"], JOB);
        assert!(web.created_at < web.updated_at);
    }

    #[test]
    fn what_is_not_there_yet_is_no_good() {
        let labels = json!({LABEL_STACK: "web"});
        let job = json!({"ReplicatedJob": {"TotalCompletions": 2}});
        for (mode, counts) in [
            (json!({"Replicated": {"Replicas": 2}}), [1, 2, 0]),
            (json!({"Global": {}}), [0, 1, 0]),
            (job.clone(), [0, 0, 1]),
            (job, [1, 2, 2]),
        ] {
            let found = stacks(vec![service("web_x", &labels, &mode, counts)], &BTreeSet::new());
            assert_eq!(found["web"].services["x"], CONVERGING, "{mode} {counts:?}");
            assert!(!found["web"].is_converged() && !found["web"].managed);
        }
    }
}
