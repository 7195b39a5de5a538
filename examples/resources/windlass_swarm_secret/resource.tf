variable "database_password" {
  type      = string
  ephemeral = true
}

resource "windlass_host" "manager" {
  address  = "203.0.113.7"
  host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
}

resource "windlass_swarm" "main" {
  managers = [windlass_host.manager.connection]
}

resource "windlass_swarm_secret" "database" {
  managers        = windlass_swarm.main.managers
  name            = "database-password"
  data_wo         = var.database_password
  data_wo_version = "2026-11"

  depends_on = [windlass_swarm.main]
}

# Two stacks share it. With another version both get an update, and the old one goes with the last of them.
resource "windlass_swarm_stack" "app" {
  for_each = toset(["api", "reports"])

  managers = windlass_swarm.main.managers
  name     = each.key

  config = [yamlencode({
    services = { app = { image = "registry.example.org/shop/${each.key}:1.4", secrets = ["database"] } }
    secrets  = { database = { external = true, name = windlass_swarm_secret.database.full_name } }
  })]
}
