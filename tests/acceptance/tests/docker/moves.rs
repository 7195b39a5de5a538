//! Another machine for the same network and volume.

use acceptance_tests::hcl;
use lab::{Lab, Variant};

use crate::object::DockerObject;

#[test]
fn a_network_moves_and_a_volume_leaves_its_data() {
    let lab = Lab::current().unwrap();
    // A flag about destroying is about destroying: a move leaves data where it is.
    let flag = "remove_on_destroy = true";
    for (kind, more, stays, stays_destroyed) in
        [("network", "", false, false), ("volume", "", true, true), ("volume", flag, true, false)]
    {
        let mut object = DockerObject::new(&lab);
        let other = lab.host(Variant::Deploy).unwrap();
        object.also_on(other);
        let address = format!("windlass_docker_{kind}.test");
        object.configure(kind, more);
        object.workspace.converge();

        // Another way to the same machine touches nothing: known_hosts has the key here.
        let id = |host| object.docker_on(host, &[kind, "inspect", "-f", "{{json .}}", &object.name]);
        let before = id(&object.host);
        let route = format!("ssh://root@{}", object.host.address);
        let kind_of_resource = format!("windlass_docker_{kind}");
        let text = hcl::resource_block(&kind_of_resource, "test", &hcl::quoted(&route), &object.name, more);
        object.workspace.write("main.tf", &text);
        object.workspace.expect_change(&address, &["update"]);
        object.workspace.converge_as_planned();
        assert_eq!(id(&object.host), before);

        object.configure_on(other, kind, more);
        object.workspace.expect_change(&address, &["update"]);
        if stays {
            object.workspace.plan().expect_warning("does not move with it");
        }
        let run = object.workspace.apply().expect_success();
        if stays {
            run.expect_warning("was kept on the machine it was on");
        }
        object.workspace.expect_no_changes();
        assert!(object.has(other, kind));
        assert_eq!(object.has(&object.host, kind), stays);
        object.workspace.destroy().expect_success();
        assert_eq!(object.has(other, kind), stays_destroyed);
    }
}
