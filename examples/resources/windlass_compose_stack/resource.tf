resource "windlass_host" "web" {
  address  = "web.example.org"
  user     = "deploy"
  host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
}

variable "database_password" {
  type      = string
  ephemeral = true
}

variable "tls_key" {
  type      = string
  ephemeral = true
}

# Everything in ./shop is shipped to the host: compose.yaml, the files that it mounts, its env files.
resource "windlass_compose_stack" "shop" {
  host       = windlass_host.web.connection
  name       = "shop"
  source_dir = "${path.module}/shop"

  # What ${…} in compose.yaml means.
  environment = {
    TAG = "1.4.2"
  }
  secrets_wo = {
    DATABASE_PASSWORD = var.database_password
  }
  secrets_wo_version = "1"

  # For `secrets: { tls_key: { file: ./secrets/tls.key } }` in compose.yaml.
  secret_files_wo = {
    "secrets/tls.key" = var.tls_key
  }
  secret_files_wo_version = "1"

  # What every service must keep to: checked by the plan, named by service and path.
  require {
    pinned_images      = "tag"
    healthchecks       = true
    memory_limits      = true
    no_privileged      = true
    host_ports_allowed = ["80", "443", "443/udp", "127.0.0.1:8080"]
    env_template       = ".env.example"
  }

  # Before the new version starts, with the database up and healthy.
  job {
    name    = "migrate"
    service = "app"
    command = ["bin/migrate", "--all"]
    needs   = ["db"]
    timeout = "5m"
  }

  # The apply is good once the host can reach it.
  probe {
    url         = "http://127.0.0.1:8080/health"
    expect_body = "ok"
  }

  # Another Caddyfile recreates no container; `./caddy` is mounted, not the file by itself.
  reload {
    files    = ["caddy/*"]
    services = ["proxy"]
    command  = ["caddy", "reload", "--config", "/etc/caddy/Caddyfile"]
  }
}

# A stack whose importer is run by the viewer, as one-shots: it is shipped, checked and pulled, but not started.
resource "windlass_compose_stack" "library" {
  host       = windlass_host.web.connection
  name       = "library"
  source_dir = "${path.module}/library"

  start_services = ["viewer", "index", "warm-up"]
  wait_for = {
    warm-up = "completed"
    index   = "running"
  }

  # The whole server is thrown away with it.
  on_destroy = "abandon"
}
