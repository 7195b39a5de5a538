resource "windlass_host" "web" {
  address  = "203.0.113.7"
  host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
}

# Destroying this leaves the volume and its data on the host.
resource "windlass_docker_volume" "corpus" {
  host   = windlass_host.web.connection
  name   = "corpus"
  labels = { owner = "archive" }
}

resource "windlass_docker_volume" "cache" {
  host              = windlass_host.web.connection
  name              = "cache"
  remove_on_destroy = true
  options           = { type = "tmpfs", device = "tmpfs", o = "size=64m" }
}
