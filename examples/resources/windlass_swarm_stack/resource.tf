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

resource "windlass_swarm_stack" "shop" {
  managers = windlass_swarm.main.managers
  name     = "shop"

  config = [yamlencode({
    services = {
      api = {
        image   = "registry.example.org/shop/api:1.4"
        secrets = ["password"]
        configs = [{ source = "settings", target = "/etc/shop.toml" }]
        ports   = ["8080:80"]
        deploy = {
          replicas      = 2
          update_config = { order = "start-first", failure_action = "rollback" }
        }
      }
      db = {
        image   = "postgres:17"
        volumes = ["data:/var/lib/postgresql/data"]
        deploy  = { placement = { constraints = ["node.labels.tier == stateful"] } }
      }
    }
    volumes = { data = {} }
    secrets = { password = { environment = "PASSWORD" } }
    configs = { settings = { content = "currency = \"EUR\"\n" } }
  })]

  job {
    name    = "migrate"
    service = "api"
    command = ["shop", "migrate"]
    needs   = ["db"]
  }

  probe {
    url = "http://127.0.0.1:8080/health"
  }

  require {
    pinned_images = "tag"
  }

  secrets_wo         = { PASSWORD = var.database_password }
  secrets_wo_version = "2026-11"

  depends_on = [windlass_swarm.main]
}
