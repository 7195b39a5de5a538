resource "windlass_host" "node" {
  address  = "203.0.113.7"
  host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
}

variable "cloud_token" {
  type      = string
  ephemeral = true
}

# Volumes of a cloud, for Compose files and stacks of a swarm: `driver: cloud-volumes`.
resource "windlass_docker_plugin" "volumes" {
  host      = windlass_host.node.connection
  reference = "registry.example.org/cloud-volumes:1.4.0"
  alias     = "cloud-volumes"

  grant = {
    network      = ["host"]
    mount        = ["/dev"]
    capabilities = ["CAP_SYS_ADMIN"]
  }

  settings            = { loglevel = "info" }
  settings_wo         = { apikey = var.cloud_token }
  settings_wo_version = "1"
}
