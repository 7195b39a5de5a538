variable "managers" {
  type        = map(string)
  default     = { m1 = "203.0.113.7", m2 = "203.0.113.8", m3 = "203.0.113.9" }
  description = "Addresses of the managers, an odd number of them."
}

resource "windlass_host" "manager" {
  for_each = var.managers
  address  = each.value
}

resource "windlass_host" "data" {
  address = "203.0.113.20"
}

resource "windlass_swarm" "main" {
  managers = [for name in sort(keys(var.managers)) : windlass_host.manager[name].connection]
}

# The first of them is in the swarm already, and is adopted.
resource "windlass_swarm_node" "manager" {
  for_each = windlass_host.manager
  swarm    = windlass_swarm.main.id
  managers = windlass_swarm.main.managers
  host     = each.value.connection
  role     = "manager"
}

resource "windlass_swarm_node" "data" {
  swarm         = windlass_swarm.main.id
  managers      = windlass_swarm.main.managers
  host          = windlass_host.data.connection
  labels        = { tier = "stateful" } # placement.constraints: node.labels.tier == stateful
  drain_timeout = "10m"
}
