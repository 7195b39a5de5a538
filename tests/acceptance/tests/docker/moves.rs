//! Another machine for the same network and volume.

use acceptance_tests::hcl;
use lab::{Lab, Variant};

use crate::place::Place;

#[test]
fn a_network_moves_and_a_volume_leaves_its_data() {
    let lab = Lab::current().unwrap();
    for (kind, stays) in [("network", false), ("volume", true)] {
        let place = Place::new(&lab);
        let address = format!("windlass_docker_{kind}.test");
        place.configure(kind, "");
        place.apply();

        // Another way to the same machine touches nothing: known_hosts has the key here.
        let id = |host| place.docker_on(host, &[kind, "inspect", "-f", "{{json .}}", &place.name]);
        let before = id(&place.host);
        let route = format!("ssh://root@{}", place.host.address);
        let text = format!(
            "resource \"windlass_docker_{kind}\" \"test\" {{\n  host = {}\n  name = {}\n}}\n",
            hcl::quoted(&route),
            hcl::quoted(&place.name)
        );
        place.space.write("main.tf", &text);
        place.space.expect_change(&address, &["update"]);
        place.apply();
        assert_eq!(id(&place.host), before);

        let other = lab.host(Variant::Deploy).unwrap();
        place.configure_on(other, kind, "");
        place.space.expect_change(&address, &["update"]);
        let run = place.space.apply().expect_success();
        if stays {
            run.expect_warning("was kept on the machine it was on");
        }
        place.space.expect_no_changes();
        assert!(place.has(other, kind));
        assert_eq!(place.has(&place.host, kind), stays);
        place.space.destroy().expect_success();
        assert_eq!(place.has(other, kind), stays);
    }
}
