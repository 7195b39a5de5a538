//! What a swarm is told of a job. Pure.

use std::collections::BTreeMap;

use compose::Job;
use serde_json::{Value, json};

use crate::stacks::{
    NewService,
    translate::{LABEL_RUN, LABEL_STACK},
};

/// The service by which `job` runs, a run of `service` of the stack `stack`; `random` makes its name one
/// that no other has.
pub(super) fn run_of(service: &NewService, job: &Job, stack: &str, random: &str) -> NewService {
    let mut run = service.clone();
    let spec = &mut run.spec;
    spec["Name"] = json!(format!("{stack}_run-{}", random.get(..8).unwrap_or(random)));
    spec["Labels"] = json!({LABEL_STACK: stack, LABEL_RUN: job.name});
    spec["Mode"] = json!({"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}});
    // Nobody asks it anything.
    spec["EndpointSpec"] = json!({"Mode": "dnsrr"});
    for key in ["UpdateConfig", "RollbackConfig"] {
        remove(spec, key);
    }
    let task = &mut spec["TaskTemplate"];
    task["RestartPolicy"] = json!({"Condition": "none"});
    for network in task["Networks"].as_array_mut().into_iter().flatten() {
        // By these names, others would find it in the place of the service.
        remove(network, "Aliases");
    }
    let container = &mut task["ContainerSpec"];
    container["Labels"][LABEL_RUN] = json!(job.name);
    // A swarm ends what its health check does not find well, and a job need not answer.
    container["HealthCheck"] = json!({"Test": ["NONE"]});
    if !job.command.is_empty() {
        container["Args"] = json!(job.command);
    }
    if !job.environment.is_empty() {
        container["Env"] = json!(environment(&container["Env"], &job.environment));
    }
    run
}

fn remove(value: &mut Value, key: &str) {
    if let Some(fields) = value.as_object_mut() {
        fields.remove(key);
    }
}

/// The variables of a service, and over them those of the job.
fn environment(service: &Value, job: &BTreeMap<String, String>) -> Vec<String> {
    let own = service.as_array().into_iter().flatten().filter_map(Value::as_str);
    let kept = own.filter(|one| !job.contains_key(one.split_once('=').map_or(*one, |(name, _)| name)));
    let job = job.iter().map(|(name, value)| format!("{name}={value}"));
    let mut all: Vec<String> = kept.map(str::to_owned).chain(job).collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use super::*;
    use crate::stacks::{ServiceMode, WantedService};

    fn service(spec: Value) -> NewService {
        let wanted = WantedService {
            image: "a:1".into(),
            mode: ServiceMode::Global,
            replicas: None,
            environment_hash: String::new(),
            files_hash: String::new(),
            config_hash: String::new(),
            ports: Vec::new(),
            health_check: false,
            facts: compose::policy::Facts::default(),
        };
        NewService { wanted, spec, networks: BTreeSet::new() }
    }

    fn job(command: &[&str], environment: &[(&str, &str)]) -> Job {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Job {
            name: "migrate".into(),
            service: "api".into(),
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            environment: environment.collect(),
            limit: Duration::from_secs(1),
        }
    }

    #[test]
    fn a_job_has_what_its_service_has_but_for_what_others_find_it_by() {
        let spec = json!({"Name": "web_api", "Labels": {"com.docker.stack.namespace": "web", "x": "y"},
            "Mode": {"Global": {}}, "EndpointSpec": {"Ports": [{"TargetPort": 80}]}, "UpdateConfig": {"Parallelism": 1},
            "TaskTemplate": {"RestartPolicy": {"Condition": "any"}, "Placement": {"Constraints": ["a"]},
                "Networks": [{"Target": "web_default", "Aliases": ["api"]}],
                "ContainerSpec": {"Image": "a:1", "Args": ["serve"], "Env": ["A=1", "B=2"], "Labels": {"l": "m"},
                    "HealthCheck": {"Test": ["CMD", "true"]}, "Secrets": [{"SecretName": "s"}]}}});
        let run =
            run_of(&service(spec), &job(&["migrate", "up"], &[("B", "$3"), ("C", "4")]), "web", "0123456789");
        assert_eq!(
            run.spec,
            json!({"Name": "web_run-01234567",
                "Labels": {"com.docker.stack.namespace": "web", "windlass.run": "migrate"},
                "Mode": {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}},
                "EndpointSpec": {"Mode": "dnsrr"},
                "TaskTemplate": {"RestartPolicy": {"Condition": "none"}, "Placement": {"Constraints": ["a"]},
                    "Networks": [{"Target": "web_default"}],
                    "ContainerSpec": {"Image": "a:1", "Args": ["migrate", "up"], "Env": ["A=1", "B=$3", "C=4"],
                        "Labels": {"l": "m", "windlass.run": "migrate"}, "HealthCheck": {"Test": ["NONE"]},
                        "Secrets": [{"SecretName": "s"}]}}})
        );
    }

    #[test]
    fn what_a_job_does_not_say_is_the_service_s_own() {
        let spec = json!({"TaskTemplate": {"ContainerSpec": {"Args": ["serve"], "Env": ["A=1"]}}});
        let run = run_of(&service(spec), &job(&[], &[]), "web", "0123456789");
        let container = &run.spec["TaskTemplate"]["ContainerSpec"];
        assert_eq!((&container["Args"], &container["Env"]), (&json!(["serve"]), &json!(["A=1"])));
    }
}
