# A stack that somebody started by hand.
data "windlass_compose_stack" "legacy" {
  host = "ssh://root@203.0.113.7?host_key=ssh-ed25519:SHA256:-DiY3wvvV6TuJJhbpZisF_zLDA0zPMSvHdkr4UvCOqU"
  name = "legacy"
}

output "where" {
  value = data.windlass_compose_stack.legacy.directory
}

output "unwell" {
  value = [
    for name, service in data.windlass_compose_stack.legacy.services : name
    if !contains(["running", "healthy", "completed"], service.status)
  ]
}
