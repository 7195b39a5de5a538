//! Another machine for the same network and volume.

use acceptance_tests::hcl;
use lab::{Lab, Variant};

use crate::object::DockerObject;

#[test]
fn a_network_moves_and_a_volume_leaves_its_data() {
    let lab = Lab::current().unwrap();
    for (kind, stays) in [("network", false), ("volume", true)] {
        let mut object = DockerObject::new(&lab);
        let other = lab.host(Variant::Deploy).unwrap();
        object.also_on(other);
        let address = format!("windlass_docker_{kind}.test");
        object.configure(kind, "");
        object.workspace.converge();

        // Another way to the same machine touches nothing: known_hosts has the key here.
        let id = |host| object.docker_on(host, &[kind, "inspect", "-f", "{{json .}}", &object.name]);
        let before = id(&object.host);
        let route = format!("ssh://root@{}", object.host.address);
        let kind_of_resource = format!("windlass_docker_{kind}");
        let text = hcl::resource_block(&kind_of_resource, "test", &hcl::quoted(&route), &object.name, "");
        object.workspace.write("main.tf", &text);
        object.workspace.expect_change(&address, &["update"]);
        object.workspace.converge();
        assert_eq!(id(&object.host), before);

        object.configure_on(other, kind, "");
        object.workspace.expect_change(&address, &["update"]);
        let run = object.workspace.apply().expect_success();
        if stays {
            run.expect_warning("was kept on the machine it was on");
        }
        object.workspace.expect_no_changes();
        assert!(object.has(other, kind));
        assert_eq!(object.has(&object.host, kind), stays);
        object.workspace.destroy().expect_success();
        assert_eq!(object.has(other, kind), stays);
    }
}
