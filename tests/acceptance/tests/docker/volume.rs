//! The whole life of a volume.

use lab::Lab;

use crate::object::DockerObject;

const ADDRESS: &str = "windlass_docker_volume.test";

#[test]
fn a_volume_lives_and_its_data_longer() {
    let lab = Lab::current().unwrap();
    let object = DockerObject::new(&lab);
    made_and_kept(&object, &lab);
    adopted_again(&object, &lab);
    removed_where_the_state_says_so(&object);
}

fn data(object: &DockerObject<'_>) -> String {
    format!("{}/file", object.docker(&["volume", "inspect", "-f", "{{.Mountpoint}}", &object.name]))
}

fn made_and_kept(object: &DockerObject<'_>, lab: &Lab) {
    object.configure("volume", "labels = { owner = \"ann\" }");
    object.workspace.expect_change(ADDRESS, &["create"]);
    object.workspace.converge_as_planned();
    let path = data(object);
    assert_eq!(format!("{}/file", object.workspace.state(ADDRESS)["mountpoint"].as_str().unwrap()), path);
    lab.exec_ok(&object.host, &["touch", &path]).unwrap();

    // What Docker cannot change would cost the data.
    object.configure("volume", "labels = { owner = \"bob\" }");
    let error = object.workspace.plan().expect_error();
    error
        .says("Docker cannot change `labels` of a volume")
        .says("Nothing was changed.")
        .says("remove_on_destroy");

    object.configure("volume", "labels = { owner = \"ann\" }");
    let run = object.workspace.destroy().expect_success();
    run.expect_warning("was kept");
    lab.exec_ok(&object.host, &["test", "-e", &path]).unwrap();
}

fn adopted_again(object: &DockerObject<'_>, lab: &Lab) {
    let told = object.workspace.plan().expect_success();
    told.expect_warning("Could not create docker volume").says("as things are").says(&object.import_id());
    let error = object.workspace.apply().expect_error();
    error.says("Could not create docker volume").says("already").says(&object.import_id());
    object.workspace.import(ADDRESS, &object.import_id()).expect_success();
    object.workspace.expect_no_changes();
    lab.exec_ok(&object.host, &["test", "-e", &data(object)]).unwrap();
}

fn removed_where_the_state_says_so(object: &DockerObject<'_>) {
    object.configure("volume", "labels = { owner = \"ann\" }\n  remove_on_destroy = true");
    object.workspace.expect_change(ADDRESS, &["update"]);
    object.workspace.converge_as_planned();
    object.configure("volume", "labels = { owner = \"bob\" }\n  remove_on_destroy = true");
    object.workspace.expect_change(ADDRESS, &["delete", "create"]);
    object.workspace.converge_as_planned();

    // Removed by hand, and in the way of a container.
    object.docker(&["volume", "rm", &object.name]);
    object.workspace.expect_change(ADDRESS, &["create"]);
    object.workspace.converge_as_planned();
    let container = object.start_container(&["--volume", &format!("{}:/data", object.name)]);
    let error = object.workspace.destroy().expect_error();
    error.says("Could not destroy docker volume").says(&format!("{container} (running)")).says("still there");
    object.docker(&["rm", "--force", &container]);
    // A swarm removes what it has ended, a moment later.
    object.ended_task(&["--volume", &format!("{}:/data", object.name)]);
    object.workspace.destroy().expect_success();
    assert!(!object.has(&object.host, "volume"));
}
