//! What an apply must pass on its way: jobs, probes, and what is required of services.

use lab::Lab;

use crate::swarm::{DEPLOY, STACK, Swarm};

/// What the job does: it has the networks, the secrets and the volumes of its service.
const MIGRATE: &str =
    "echo \"$$(wget -q -O- http://api/page) $$(cat /run/secrets/token) $$WHO\" >> /runs/log";

/// A service with a page, another one, and one that only jobs run.
fn compose(swarm: &Swarm<'_>, tag: &str) -> String {
    let other = format!("    environment: {{ TAG: {tag} }}\n{DEPLOY}");
    let migrate = "    profiles: [jobs]\n    secrets: [token]\n    volumes: [runs:/runs]\n    environment: { WHO: nobody }\n";
    [
        "services:\n".to_owned(),
        swarm.service("api", "echo page > /page; exec httpd -f -p 80", DEPLOY),
        swarm.service("other", "exec sleep 1000000", &other),
        swarm.service("migrate", MIGRATE, migrate),
        "volumes: { runs: {} }\nsecrets: { token: { environment: TOKEN } }\n".to_owned(),
    ]
    .concat()
}

/// The secret, and the blocks `more`.
fn blocks(more: &str) -> String {
    format!("secrets_wo = {{ TOKEN = \"tok\" }}\n  secrets_wo_version = \"1\"\n  {more}")
}

/// The job, with more attributes.
fn job(more: &str) -> String {
    format!(
        "job {{\n    name = \"migrate\"\n    service = \"migrate\"\n    needs = [\"api\"]\n    {more}\n  }}"
    )
}

/// A job of one command.
fn failing(when: &str) -> String {
    format!(
        "job {{\n    name = \"fails\"\n    service = \"migrate\"\n    when = {when:?}\n    \
         command = [\"sh\", \"-c\", \"echo no such table; exit 4\"]\n  }}"
    )
}

/// What the job has written, on whichever node it ran.
fn runs(swarm: &Swarm<'_>) -> Vec<String> {
    let volume = format!("{}_runs", swarm.name);
    let line = format!(
        "cat \"$(docker volume inspect --format '{{{{.Mountpoint}}}}' {volume})/log\" 2>/dev/null; true"
    );
    let on = |host| swarm.lab.exec_ok(host, &["sh", "-c", &line]).unwrap();
    swarm.hosts().iter().flat_map(|host| on(host).lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// The variable of the other service, as the swarm has it.
fn tag(swarm: &Swarm<'_>) -> String {
    let service = format!("{}_other", swarm.name);
    swarm.asks(&["service", "inspect", &service, "--format", "{{json .Spec.TaskTemplate.ContainerSpec.Env}}"])
}

#[test]
fn jobs_run_once_for_each_change_and_gates_take_the_stack_back() {
    let lab = Lab::current().unwrap();
    let swarm = Swarm::new(&lab);
    let set = |tag: &str, more: &str| swarm.stack(&compose(&swarm, tag), &blocks(more));
    let services = [format!("{}_api", swarm.name), format!("{}_other", swarm.name)];
    set("one", &job(""));
    swarm.workspace.converge();
    assert_eq!(runs(&swarm), ["page tok nobody"]);
    assert_eq!(swarm.listed("service"), services, "the service of a job goes with it");

    // Exactly one execution for each change, whichever services it is about.
    set("two", &job(""));
    let before = swarm.versions();
    swarm.workspace.converge();
    assert_eq!(runs(&swarm).len(), 2);
    assert_eq!(before[&services[0]], swarm.versions()[&services[0]], "what a job needs is left as it is");
    // How long it may take is no change of what it does; its variables are.
    set("two", &job("timeout = \"5m\""));
    swarm.workspace.converge();
    assert_eq!(runs(&swarm).len(), 2);
    set("two", &job("environment = { WHO = \"$me\" }"));
    swarm.workspace.converge();
    let all = runs(&swarm);
    assert!(all.len() == 3 && all.contains(&"page tok $me".to_owned()), "{all:?}");

    // One that fails before the services leaves them alone, and is due again.
    let good = job("environment = { WHO = \"$me\" }");
    let before = swarm.versions();
    set("three", &format!("{good}\n  {}", failing("before")));
    let error = swarm.workspace.apply().expect_error();
    error
        .says("Job \"fails\", a run of service migrate on")
        .says("ended with status 4")
        .says("no such table");
    error.says("It runs before the services are changed");
    assert_eq!(before, swarm.versions());
    assert_eq!(swarm.listed("service"), services);
    swarm.workspace.expect_change(STACK, &["update"]);

    // One that fails after them takes them back.
    set("three", &failing("after"));
    let error = swarm.workspace.apply().expect_error();
    error.says("ended with status 4").says("which had all become well").says("It was rolled back");
    assert_eq!(tag(&swarm), "[\"TAG=two\"]");

    // As does a probe that is not answered.
    set("three", "probe {\n    tcp = \"127.0.0.1:9\"\n    timeout = \"2s\"\n  }");
    let error = swarm.workspace.apply().expect_error();
    error.says("The probe of tcp 127.0.0.1:9").says("did not pass").says("It was rolled back");
    assert_eq!(tag(&swarm), "[\"TAG=two\"]");

    // What does not keep to what is required is no plan, services that only jobs run among it.
    let before = swarm.versions();
    set("two", &format!("{good}\n  require {{\n    memory_limits = true\n  }}"));
    let error = swarm.workspace.plan().expect_error();
    error
        .says("3 services do not keep to what is required")
        .says("services.migrate.deploy.resources.limits.memory is not set (memory_limits)");
    // Nor is a job that needs what is not started.
    set("two", &good.replace("[\"api\"]", "[\"db\"]"));
    swarm.workspace.plan().expect_error().says("Job \"migrate\" needs db");
    assert_eq!(before, swarm.versions());

    set("two", &good);
    swarm.workspace.expect_no_changes();
    assert_eq!(runs(&swarm).len(), 4, "one more before the job that failed");
    swarm.workspace.destroy().expect_success();
    assert!(swarm.listed("service").is_empty());
}
