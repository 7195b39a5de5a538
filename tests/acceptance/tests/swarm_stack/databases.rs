//! A database that runs in a swarm is dumped where it runs.

use std::fs;

use acceptance_tests::hcl;
use lab::{Host, Lab};

use crate::swarm::Swarm;

/// A Postgres on one node.
fn compose(swarm: &Swarm<'_>, node: &str) -> String {
    format!(
        "services:\n  db:\n    image: {}\n    environment: {{ POSTGRES_PASSWORD: unused, POSTGRES_DB: shop }}\n    \
         stop_grace_period: 0s\n    healthcheck: {{ test: [CMD, pg_isready, -h, 127.0.0.1], interval: 1s }}\n    deploy:\n      \
         endpoint_mode: dnsrr\n      placement: {{ constraints: [\"node.hostname == {node}\"] }}\n",
        swarm.image("postgres")
    )
}

#[test]
fn a_database_is_dumped_on_its_node_and_the_error_names_that() {
    let lab = Lab::current().unwrap();
    let swarm = Swarm::new(&lab);
    let [first, second] = swarm.hosts();
    let node = swarm.docker(second, &["info", "--format", "{{.Name}}"]);
    swarm.stack(&compose(&swarm, &node), "");
    let store = swarm.workspace.path().canonicalize().unwrap().join("store");
    fs::create_dir(&store).unwrap();
    let back_up = |host: &Host, service: &str| {
        let text = format!(
            "resource \"windlass_corpus_backup\" \"shop\" {{\n  host = {}\n  name = \"shop\"\n  store = {}\n  \
             depends_on = [windlass_swarm_stack.test]\n  postgres {{\n    stack = {}\n    service = \"{service}\"\n    \
             database = \"shop\"\n  }}\n}}\n",
            hcl::quoted(&hcl::connection(host)),
            hcl::quoted(&format!("file://{}", store.display())),
            hcl::quoted(&swarm.name),
        );
        swarm.workspace.write("backup.tf", &text);
    };
    back_up(first, "db");
    let failed = swarm.workspace.apply().expect_error();
    failed.says(&format!("on node \"{node}\"")).says("no new snapshot");
    // A service that nobody has is nowhere.
    back_up(first, "other");
    swarm.workspace.apply().expect_error().says("no database \"shop\"");
    back_up(second, "db");
    swarm.workspace.converge();
    assert_eq!(fs::read_dir(&store).unwrap().count(), 1);
}
