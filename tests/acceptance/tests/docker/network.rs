//! The whole life of a network.

use lab::Lab;

use crate::place::Place;

const ADDRESS: &str = "windlass_docker_network.test";
const SUBNET: &str = "subnet {\n    cidr = \"10.231.7.0/24\"\n    ip_range = \"10.231.7.128/25\"\n  }\n";

#[test]
fn a_network_lives() {
    let lab = Lab::current().unwrap();
    let place = Place::new(&lab);
    made_and_replaced(&place);
    changed_behind_our_back(&place);
    imported(&place);
    kept_while_in_use(&place);
    place.space.destroy().expect_success();
    assert!(!place.has(&place.host, "network"));
}

fn made_and_replaced(place: &Place<'_>) {
    place.configure("network", "");
    let change = place.space.expect_change(ADDRESS, &["create"]);
    assert_eq!(change.unknown["subnets"], true, "{change:#?}");
    place.apply();
    let state = place.space.state(ADDRESS);
    assert_eq!(state["id"], place.docker(&["network", "inspect", "-f", "{{.Id}}", &place.name]));
    assert!(state["subnets"][0]["cidr"].as_str().unwrap().contains('/'), "Docker has chosen: {state:#}");

    // Ranges that the network does not have, labels and options replace it.
    place.configure("network", &format!("labels = {{ owner = \"ann\" }}\n  internal = true\n  {SUBNET}"));
    let change = place.space.expect_change(ADDRESS, &["delete", "create"]);
    assert_eq!(change.unknown["id"], true);
    place.apply();
    let format = "{{.Internal}} {{.Labels.owner}} {{(index .IPAM.Config 0).IPRange}}";
    let seen = place.docker(&["network", "inspect", "-f", format, &place.name]);
    assert_eq!(seen, "true ann 10.231.7.128/25");
}

fn changed_behind_our_back(place: &Place<'_>) {
    place.docker(&["network", "rm", &place.name]);
    place.space.expect_change(ADDRESS, &["create"]);
    // Somebody makes it anew, and differently.
    place.docker(&["network", "create", "--internal", "--label", "owner=bob", &place.name]);
    let change = place.space.expect_change(ADDRESS, &["delete", "create"]);
    assert_eq!(
        (&change.before["labels"]["owner"], &change.after["labels"]["owner"]),
        (&"bob".into(), &"ann".into())
    );
    place.apply();
}

fn imported(place: &Place<'_>) {
    place.space.run(&["state", "rm", ADDRESS]).expect_success();
    let error = place.space.apply().expect_error();
    error.says("Could not create docker network").says("already").says(&place.import_id());
    let id = place.docker(&["network", "inspect", "-f", "{{.Id}}", &place.name]);
    place.space.import(ADDRESS, &place.import_id()).expect_success();
    // The ranges that the configuration asks for are there: nothing is replaced for them.
    place.space.expect_change(ADDRESS, &["update"]);
    place.apply();
    assert_eq!(place.docker(&["network", "inspect", "-f", "{{.Id}}", &place.name]), id);
}

fn kept_while_in_use(place: &Place<'_>) {
    let container = place.start_container(&["--network", &place.name]);
    let in_use = |run: acceptance_tests::Run, state: &str| {
        let error = run.expect_error();
        error.says("Could not destroy docker network").says(&format!("{container} ({state})"));
        error.says("The network is still there.").says("create_before_destroy");
    };
    in_use(place.space.destroy(), "running");
    place.docker(&["stop", "--time", "0", &container]);
    in_use(place.space.destroy(), "stopped");
    assert!(place.has(&place.host, "network"));
    place.space.expect_no_changes();
    place.docker(&["rm", &container]);
    // One that was never started counts too: without its network it could not be.
    place.create_container(&["--network", &place.name]);
    in_use(place.space.destroy(), "created");
    place.docker(&["rm", &container]);
}
