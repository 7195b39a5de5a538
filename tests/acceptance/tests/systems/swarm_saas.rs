//! `examples/systems/swarm-saas` on two hosts, one of them a manager: applied, changed and destroyed; and
//! the module that it stands on.

use std::fs;

use acceptance_tests::{Fixture, copy_example, test_module};
use lab::{Host, Lab, Variant};
use serde_json::json;

const STACK: &str = "windlass_swarm_stack.saas";
/// Where the edge listens.
const PORT: u16 = 18080;

/// Takes a host out of any swarm, with all that ran there.
fn left_of_swarms(_name: &str) -> String {
    "docker swarm leave --force; docker ps -aq --filter label=com.docker.swarm.service.id | xargs -r docker rm -f; \
     docker volume rm saas_data; true"
        .to_owned()
}

struct System<'a> {
    fixture: Fixture<'a>,
    hosts: [Host; 2],
}

impl<'a> System<'a> {
    fn new(lab: &'a Lab) -> Self {
        let hosts = [Variant::Root, Variant::Deploy].map(|variant| lab.host(variant).unwrap().clone());
        let mut fixture = Fixture::on(lab, &hosts[0], left_of_swarms);
        fixture.also_on(&hosts[1]);
        let workspace = &fixture.workspace;
        // It has its own.
        fs::remove_file(workspace.path().join("provider.tf")).unwrap();
        copy_example("swarm-saas", workspace);
        Self { fixture, hosts }
    }

    fn choose(&mut self, release: &str, passwords: &str) {
        let server = |name: &str, host: &Host, tier: &str| json!({"name": name, "address": host.address, "user": host.user, "host_key": host.host_key, "tier": tier});
        let image = |name: &str| self.fixture.image(name).to_owned();
        let variables = json!({
            "servers": [server("m1", &self.hosts[0], "app"), server("data", &self.hosts[1], "stateful")],
            "manager_count": 1,
            "private_key_file": self.hosts[0].private_key_file,
            "release": release,
            "images": {"edge": image("nginx"), "api": image("busybox"), "db": image("postgres")},
            "edge_port": PORT,
            "secrets_version": passwords,
        });
        let workspace = &mut self.fixture.workspace;
        workspace.write("terraform.tfvars.json", &variables.to_string());
        workspace.env("TF_VAR_owner_password", "owner-of-all");
        workspace.env("TF_VAR_writer_password", &format!("writer-{passwords}"));
        workspace.env("TF_VAR_reader_password", &format!("reader-{passwords}"));
    }

    /// What the edge says of the release.
    #[track_caller]
    fn release(&self) -> String {
        self.fixture.shell(&format!("curl -fsS http://127.0.0.1:{PORT}/release")).trim().to_owned()
    }

    /// How many orders the database has.
    #[track_caller]
    fn orders(&self) -> u64 {
        let line = "docker exec \"$(docker ps -q --filter label=com.docker.swarm.service.name=saas_db)\" psql -U postgres \
                    -tAc 'select count(*) from orders'";
        self.fixture.lab.exec_ok(&self.hosts[1], &["sh", "-c", line]).unwrap().trim().parse().unwrap()
    }

    /// The version of a service's object, which every update makes another one.
    fn version(&self, service: &str) -> String {
        self.fixture.root_runs(&["docker", "service", "inspect", service, "--format", "{{.Version.Index}}"])
    }
}

#[test]
fn a_product_on_a_swarm_is_applied_changed_and_destroyed() {
    let lab = Lab::current().unwrap();
    let mut system = System::new(&lab);
    system.choose("r1", "1");
    system.fixture.workspace.converge();
    assert_eq!(system.release(), "r1");
    assert_eq!(system.fixture.workspace.state(STACK)["services"]["api"]["replicas"], 2);

    // Another release is another api, and nothing else.
    let edge = system.version("saas_edge");
    system.choose("r2", "1");
    system.fixture.workspace.converge();
    assert_eq!(system.release(), "r2");
    assert_eq!(system.version("saas_edge"), edge);

    // Other passwords reach the database and those who use it, and its data stays.
    let before = system.orders();
    system.choose("r2", "2");
    system.fixture.workspace.converge();
    assert!(before > 0 && system.orders() >= before);
    assert_eq!(system.release(), "r2");
    system.fixture.workspace.destroy().expect_success();
}

#[test]
fn the_module_keeps_what_its_own_tests_say() {
    test_module("swarm");
}
