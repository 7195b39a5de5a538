//! Stacks that share a network and a volume, one after the other.

use acceptance_tests::hcl;
use lab::Lab;

use crate::object::DockerObject;

/// The first stack is healthy a moment after it runs; the second ends at once unless it is.
const STACKS: &str = r#"
resource "windlass_docker_network" "shared" {
  host = local.host
  name = local.name
}

resource "windlass_docker_volume" "shared" {
  host              = local.host
  name              = local.name
  remove_on_destroy = true
}

locals {
  shared = {
    networks = { net = { name = windlass_docker_network.shared.name, external = true } }
    volumes  = { data = { name = windlass_docker_volume.shared.name, external = true } }
  }
  common = {
    image             = local.image
    networks          = ["net"]
    volumes           = ["data:/data"]
    stop_grace_period = "0s"
  }
}

resource "windlass_compose_stack" "first" {
  host = local.host
  name = "${local.name}-first"
  config = [yamlencode(merge(local.shared, {
    services = {
      store = merge(local.common, {
        command     = ["sh", "-c", "sleep 2; echo ready >/data/ready; exec httpd -f -p 8080 -h /data"]
        healthcheck = { test = ["CMD", "wget", "-qO-", "http://127.0.0.1:8080/ready"], interval = "1s", retries = 30 }
      })
    }
  }))]
}

resource "windlass_compose_stack" "second" {
  host = local.host
  name = "${local.name}-second"
  config = [yamlencode(merge(local.shared, {
    services = {
      app = merge(local.common, {
        command = ["sh", "-c", "test -e /data/ready && wget -qO- http://store:8080/ready && exec sleep infinity"]
      })
    }
  }))]
  depends_on = [windlass_compose_stack.first]
}
"#;

#[test]
fn stacks_share_a_network_and_a_volume_and_wait_for_each_other() {
    let lab = Lab::current().unwrap();
    let object = DockerObject::new(&lab);
    let locals = format!(
        "locals {{\n  host = {}\n  name = {}\n  image = {}\n}}\n",
        hcl::quoted(&hcl::connection(&object.host)),
        hcl::quoted(&object.name),
        hcl::quoted(lab.image("busybox").unwrap())
    );
    object.workspace.write("main.tf", &(locals + STACKS));
    object.workspace.converge();
    // It would not run if the first had not been healthy, or shared neither name nor file.
    let second = format!("{}-second-app-1", object.name);
    assert_eq!(object.docker(&["inspect", "-f", "{{.State.Running}}", &second]), "true");
    assert_eq!(object.docker(&["logs", &second]), "ready");

    // Neither network nor volume can go before the stacks, and the volume's data is ours to lose.
    object.workspace.destroy().expect_success();
    for kind in ["network", "volume"] {
        assert!(!object.has(&object.host, kind), "{kind}");
    }
    assert_eq!(object.docker(&["ps", "-aq", "--filter", &format!("name=^{}", object.name)]), "");
}
