//! The whole life of a volume.

use lab::Lab;

use crate::place::Place;

const ADDRESS: &str = "windlass_docker_volume.test";

#[test]
fn a_volume_lives_and_its_data_longer() {
    let lab = Lab::current().unwrap();
    let place = Place::new(&lab);
    made_and_kept(&place, &lab);
    adopted_again(&place, &lab);
    removed_where_the_state_says_so(&place);
}

fn data(place: &Place<'_>) -> String {
    format!("{}/file", place.docker(&["volume", "inspect", "-f", "{{.Mountpoint}}", &place.name]))
}

fn made_and_kept(place: &Place<'_>, lab: &Lab) {
    place.configure("volume", "labels = { owner = \"ann\" }");
    place.space.expect_change(ADDRESS, &["create"]);
    place.apply();
    let path = data(place);
    assert_eq!(format!("{}/file", place.space.state(ADDRESS)["mountpoint"].as_str().unwrap()), path);
    lab.exec_ok(&place.host, &["touch", &path]).unwrap();

    // What Docker cannot change would cost the data.
    place.configure("volume", "labels = { owner = \"bob\" }");
    let error = place.space.plan().expect_error();
    error
        .says("Docker cannot change `labels` of a volume")
        .says("Nothing was changed.")
        .says("remove_on_destroy");

    place.configure("volume", "labels = { owner = \"ann\" }");
    let run = place.space.destroy().expect_success();
    run.expect_warning("was kept");
    lab.exec_ok(&place.host, &["test", "-e", &path]).unwrap();
}

fn adopted_again(place: &Place<'_>, lab: &Lab) {
    let error = place.space.apply().expect_error();
    error.says("Could not create docker volume").says("already").says(&place.import_id());
    place.space.import(ADDRESS, &place.import_id()).expect_success();
    place.space.expect_no_changes();
    lab.exec_ok(&place.host, &["test", "-e", &data(place)]).unwrap();
}

fn removed_where_the_state_says_so(place: &Place<'_>) {
    place.configure("volume", "labels = { owner = \"ann\" }\n  remove_on_destroy = true");
    place.space.expect_change(ADDRESS, &["update"]);
    place.apply();
    place.configure("volume", "labels = { owner = \"bob\" }\n  remove_on_destroy = true");
    place.space.expect_change(ADDRESS, &["delete", "create"]);
    place.apply();

    // Removed by hand, and in the way of a container.
    place.docker(&["volume", "rm", &place.name]);
    place.space.expect_change(ADDRESS, &["create"]);
    place.apply();
    let container = place.start_container(&["--volume", &format!("{}:/data", place.name)]);
    let error = place.space.destroy().expect_error();
    error.says("Could not destroy docker volume").says(&format!("{container} (running)")).says("still there");
    place.docker(&["rm", "--force", &container]);
    place.space.destroy().expect_success();
    assert!(!place.has(&place.host, "volume"));
}
