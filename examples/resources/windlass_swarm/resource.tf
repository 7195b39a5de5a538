resource "windlass_host" "manager" {
  address  = "203.0.113.7"
  host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
}

# One manager; name three to survive the loss of one.
resource "windlass_swarm" "main" {
  managers       = [windlass_host.manager.connection]
  advertise_addr = "10.0.0.7" # of the private network between the servers

  task_history_limit  = 3
  cert_expiry         = "720h"
  rotate_worker_token = "2026-11" # another text: a new token
}
