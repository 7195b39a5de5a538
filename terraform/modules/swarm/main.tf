locals {
  # More than there are is refused below, in words.
  managers = slice(var.hosts, 0, min(var.manager_count, length(var.hosts)))
  roles    = { for index, host in var.hosts : host.name => index < var.manager_count ? "manager" : "worker" }
}

resource "windlass_swarm" "this" {
  managers = local.managers[*].connection

  lifecycle {
    precondition {
      condition     = var.manager_count <= length(var.hosts)
      error_message = "There are fewer servers in hosts than managers in manager_count."
    }
  }
}

# The first one is in the swarm already, and is adopted.
resource "windlass_swarm_node" "this" {
  for_each = { for host in var.hosts : host.name => host }

  swarm         = windlass_swarm.this.id
  managers      = windlass_swarm.this.managers
  host          = each.value.connection
  role          = local.roles[each.key]
  labels        = merge({ tier = each.value.tier }, lookup(var.labels, each.value.tier, {}))
  drain_timeout = var.drain_timeout
}
