resource "windlass_host" "manager" {
  address  = "203.0.113.7"
  host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
}

resource "windlass_swarm" "main" {
  managers = [windlass_host.manager.connection]
}

resource "windlass_swarm_config" "proxy" {
  managers = windlass_swarm.main.managers
  name     = "proxy"
  data     = "server { listen 80; }\n"
  labels   = { owner = "platform" }

  depends_on = [windlass_swarm.main]
}

resource "windlass_swarm_stack" "edge" {
  managers = windlass_swarm.main.managers
  name     = "edge"

  config = [yamlencode({
    services = {
      proxy = {
        image   = "nginx:1.29"
        configs = [{ source = "proxy", target = "/etc/nginx/conf.d/default.conf" }]
      }
    }
    configs = { proxy = { external = true, name = windlass_swarm_config.proxy.full_name } }
  })]
}
