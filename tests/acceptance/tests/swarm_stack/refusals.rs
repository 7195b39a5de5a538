//! What is found before anything is changed.

use lab::Lab;

use crate::swarm::{DEPLOY, Swarm};

#[test]
fn what_a_swarm_cannot_do_is_refused_by_the_plan() {
    let lab = Lab::current().unwrap();
    let swarm = Swarm::new(&lab);
    let file = |more: &str| {
        ["services:\n".to_owned(), swarm.service("api", "exec sleep 1000000", &format!("{more}{DEPLOY}"))]
            .concat()
    };
    swarm.stack(
        &file("    privileged: true\n    volumes: [./data:/data]\n    ports: [\"127.0.0.1:80:80\"]\n"),
        "",
    );
    let error = swarm.workspace.plan().expect_error();
    error
        .says("`privileged`: a task never gets these rights")
        .says("mounts \"./data\"")
        .says("`ports.host_ip`")
        .says("`ignore_keys`");
    let soft = "    privileged: true\n    container_name: x\n    depends_on: []\n";
    swarm.stack(&file(soft), "ignore_keys = [\"api.privileged\"]");
    let plan = swarm.workspace.plan().expect_success();
    plan.expect_warning("leaves out a part of swarm stack").says("api: container_name, privileged");

    // What the files call external has to be there.
    let external = format!("{}secrets: {{ gone: {{ external: true }} }}\n", file("    secrets: [gone]\n"));
    swarm.stack(&external, "");
    swarm.workspace.apply().expect_error().says("secret \"gone\"").says("Nothing was changed.");
    assert!(swarm.listed("service").is_empty() && swarm.listed("network").is_empty());
    assert_eq!(swarm.records(), [""; 0]);
}
