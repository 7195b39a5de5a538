//! The whole life of a network.

use lab::Lab;

use crate::object::DockerObject;

const ADDRESS: &str = "windlass_docker_network.test";
const SUBNET: &str = "subnet {\n    cidr = \"10.231.7.0/24\"\n    ip_range = \"10.231.7.128/25\"\n  }\n";

#[test]
fn a_network_lives() {
    let lab = Lab::current().unwrap();
    let object = DockerObject::new(&lab);
    made_and_replaced(&object);
    changed_behind_our_back(&object);
    imported(&object);
    kept_while_in_use(&object);
    assert!(!object.has(&object.host, "network"));
}

fn made_and_replaced(object: &DockerObject<'_>) {
    object.configure("network", "");
    let change = object.workspace.expect_change(ADDRESS, &["create"]);
    assert_eq!(change.unknown["subnets"], true, "{change:#?}");
    object.workspace.converge_as_planned();
    let state = object.workspace.state(ADDRESS);
    assert_eq!(state["id"], object.docker(&["network", "inspect", "-f", "{{.Id}}", &object.name]));
    assert!(state["subnets"][0]["cidr"].as_str().unwrap().contains('/'), "Docker has chosen: {state:#}");

    // Ranges that the network does not have, labels and options replace it.
    object.configure("network", &format!("labels = {{ owner = \"ann\" }}\n  internal = true\n  {SUBNET}"));
    let change = object.workspace.expect_change(ADDRESS, &["delete", "create"]);
    assert_eq!(change.unknown["id"], true);
    object.workspace.converge_as_planned();
    let format = "{{.Internal}} {{.Labels.owner}} {{(index .IPAM.Config 0).IPRange}}";
    let seen = object.docker(&["network", "inspect", "-f", format, &object.name]);
    assert_eq!(seen, "true ann 10.231.7.128/25");
}

fn changed_behind_our_back(object: &DockerObject<'_>) {
    object.docker(&["network", "rm", &object.name]);
    object.workspace.expect_change(ADDRESS, &["create"]);
    // Somebody makes it anew, and differently.
    object.docker(&["network", "create", "--internal", "--label", "owner=bob", &object.name]);
    let change = object.workspace.expect_change(ADDRESS, &["delete", "create"]);
    assert_eq!(
        (&change.before["labels"]["owner"], &change.after["labels"]["owner"]),
        (&"bob".into(), &"ann".into())
    );
    object.workspace.converge_as_planned();
}

fn imported(object: &DockerObject<'_>) {
    object.workspace.run(&["state", "rm", ADDRESS]).expect_success();
    let told = object.workspace.plan().expect_success();
    told.expect_warning("Could not create docker network").says("as things are").says(&object.import_id());
    let error = object.workspace.apply().expect_error();
    error.says("Could not create docker network").says("already").says(&object.import_id());
    let id = object.docker(&["network", "inspect", "-f", "{{.Id}}", &object.name]);
    object.workspace.import(ADDRESS, &object.import_id()).expect_success();
    // The ranges that the configuration asks for are there: nothing is replaced for them.
    object.workspace.expect_change(ADDRESS, &["update"]);
    object.workspace.converge_as_planned();
    assert_eq!(object.docker(&["network", "inspect", "-f", "{{.Id}}", &object.name]), id);
}

fn kept_while_in_use(object: &DockerObject<'_>) {
    let container = object.start_container(&["--network", &object.name]);
    let in_use = |run: acceptance_tests::Run, state: &str| {
        let error = run.expect_error();
        error.says("Could not destroy docker network").says(&format!("{container} ({state})"));
        error.says("The network is still there.").says("create_before_destroy");
    };
    in_use(object.workspace.destroy(), "running");
    object.docker(&["stop", "--time", "0", &container]);
    in_use(object.workspace.destroy(), "stopped");
    assert!(object.has(&object.host, "network"));
    object.workspace.expect_no_changes();
    object.docker(&["rm", &container]);
    // One that was never started counts too: without its network it could not be.
    object.create_container(&["--network", &object.name]);
    in_use(object.workspace.destroy(), "created");
    object.docker(&["rm", &container]);
    // A swarm removes what it has ended, a moment later.
    object.ended_task(&["--network", &object.name]);
    object.workspace.destroy().expect_success();
}
