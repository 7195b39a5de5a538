data "windlass_swarm" "main" {
  managers = ["ssh://root@203.0.113.7", "ssh://root@203.0.113.8"]
}

# A machine more for a swarm that somebody else has made.
resource "windlass_host" "worker" {
  address = "203.0.113.21"
}

resource "windlass_swarm_node" "worker" {
  swarm    = data.windlass_swarm.main.id
  managers = data.windlass_swarm.main.managers
  host     = windlass_host.worker.connection
}
