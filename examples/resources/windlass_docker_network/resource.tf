resource "windlass_host" "web" {
  address  = "203.0.113.7"
  host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
}

resource "windlass_docker_network" "edge" {
  host = windlass_host.web.connection
  name = "edge"

  subnet {
    cidr     = "10.20.0.0/24"
    ip_range = "10.20.0.128/25"
  }
}

# A stack that joins it. Referring to the resource makes it wait for the network, and go before it.
resource "windlass_compose_stack" "proxy" {
  host = windlass_host.web.connection
  name = "proxy"
  config = [yamlencode({
    services = {
      proxy = { image = "caddy:2.10", networks = ["edge"] }
    }
    networks = {
      edge = { name = windlass_docker_network.edge.name, external = true }
    }
  })]
}
