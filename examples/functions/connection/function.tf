locals {
  # ssh://deploy@203.0.113.7:2222?host_key=ssh-ed25519:SHA256:…&sudo=1
  web = provider::windlass::connection("203.0.113.7", {
    user     = "deploy"
    port     = 2222
    host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    sudo     = true
  })

  # The same machine, with the socket of a rootless Docker.
  rootless = provider::windlass::connection(local.web, {
    docker = "/run/user/1000/docker.sock"
    sudo   = false
  })
}

resource "windlass_file" "motd" {
  host    = local.web
  path    = "/etc/motd"
  content = "managed\n"
}

output "rootless" {
  value = local.rootless
}
