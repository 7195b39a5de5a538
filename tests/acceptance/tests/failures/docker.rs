//! Hosts on which Docker is not as it should be.

use lab::{Host, Lab, Variant};

use crate::story::expect_story;
use acceptance_tests::{STACK, Stack};

const PLUGIN: &str = "/usr/libexec/docker/cli-plugins/docker-compose";

#[test]
fn docker_that_is_missing_or_stopped_is_told_and_nothing_is_lost() {
    let lab = Lab::current().unwrap();
    let host = lab.add_host(Variant::Deploy).unwrap();
    let (old, new) = (Stack::on(&lab, &host), Stack::on(&lab, &host));
    old.configure_one_service();
    new.configure_one_service();
    old.workspace.apply().expect_success();
    let (state, title) = (old.workspace.state(STACK), new.could_not("start"));
    let read = old.could_not("read");
    let destroy = old.could_not("destroy");
    let unchanged = "Nothing was changed.";

    let away = format!("{PLUGIN}.away");
    old.root_runs(&["mv", PLUGIN, &away]);
    let parts = ["ocker compose is not installed on deploy@", "docker-compose-plugin", unchanged];
    expect_story(&new.workspace.apply(), &title, &parts);
    expect_story(&old.workspace.plan(), &read, &parts);
    old.root_runs(&["mv", &away, PLUGIN]);

    lab.stop_docker(&host).unwrap();
    let parts = ["o docker daemon answers at /var/run/docker.sock", "systemctl start docker", unchanged];
    expect_story(&new.workspace.apply(), &title, &parts);
    expect_story(&old.workspace.plan(), &read, &parts);
    let run = old.workspace.run(&["destroy", "-refresh=false", "-auto-approve", "-json"]);
    expect_story(&run, &destroy, &["still there", "start docker"]);

    old.root_runs(&["mv", "/usr/bin/docker", "/usr/bin/docker.away"]);
    let parts = ["ocker is not installed on deploy@", "Install Docker Engine", unchanged];
    expect_story(&new.workspace.apply(), &title, &parts);
    expect_story(&old.workspace.plan(), &read, &parts);
    old.root_runs(&["mv", "/usr/bin/docker.away", "/usr/bin/docker"]);

    assert_eq!(old.workspace.state(STACK), state);
    lab.start_docker(&host).unwrap();
    assert_ne!(
        old.workspace.expect_change(STACK, &["update"]).before["services"]["app"]["status"],
        "running"
    );
    old.workspace.converge();
    new.workspace.apply().expect_success();
}

#[test]
fn a_socket_that_is_not_permitted_names_the_ways_out() {
    let lab = Lab::current().unwrap();
    let sudo = lab.host(Variant::Sudo).unwrap();
    // The user has sudo and the connection does not say so.
    let plain = Host { variant: Variant::Root, ..sudo.clone() };
    let without = Stack::on(&lab, &plain);
    without.configure_one_service();
    let parts = ["o permission for the docker socket", "group docker", "sudo=1", "Nothing was changed."];
    expect_story(&without.workspace.plan(), &without.could_not("plan"), &parts);

    // The other way round.
    let deploy = lab.host(Variant::Deploy).unwrap();
    let wrong = Host { variant: Variant::Sudo, ..deploy.clone() };
    let with = Stack::on(&lab, &wrong);
    with.configure_one_service();
    let title = with.could_not("plan");
    expect_story(&with.workspace.plan(), &title, &["sudo did not run", "NOPASSWD", "Nothing was changed."]);
}
