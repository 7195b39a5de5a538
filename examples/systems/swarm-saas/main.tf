# A product on several servers: a quorum of managers that serve it, a worker that has its data, one
# apply. README.md goes through it.

terraform {
  required_providers {
    windlass = { source = "windlass/windlass" }
  }
}

provider "windlass" {
  ssh {
    private_key_file = var.private_key_file
  }
}

resource "windlass_host" "server" {
  for_each = { for server in var.servers : server.name => server }

  address  = each.value.address
  user     = each.value.user
  host_key = each.value.host_key
}

module "swarm" {
  source = "../../../terraform/modules/swarm"

  manager_count = var.manager_count
  hosts = [
    for server in var.servers :
    { name = server.name, connection = windlass_host.server[server.name].connection, tier = server.tier }
  ]
}

resource "windlass_swarm_stack" "saas" {
  managers   = module.swarm.managers
  name       = "saas"
  source_dir = "${path.module}/app"

  environment = {
    RELEASE    = var.release
    EDGE_IMAGE = var.images.edge
    API_IMAGE  = var.images.api
    DB_IMAGE   = var.images.db
    EDGE_PORT  = tostring(var.edge_port)
  }

  # A service that uses several gets all of them in one update: no task has one of yesterday and one of today.
  secrets_wo = {
    OWNER_PASSWORD  = var.owner_password
    WRITER_PASSWORD = var.writer_password
    READER_PASSWORD = var.reader_password
  }
  secrets_wo_version = var.secrets_version

  # The database first, then its tables, then everything that uses them; once for each change.
  job {
    name    = "migrate"
    service = "migrate"
    needs   = ["db"]
  }

  probe {
    url         = "http://127.0.0.1:${var.edge_port}/release"
    expect_body = var.release
  }

  require {
    memory_limits = true
  }
}

output "services" {
  description = "What runs, by service."
  value       = { for name, service in windlass_swarm_stack.saas.services : name => service.image }
}
