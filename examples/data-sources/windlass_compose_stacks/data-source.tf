data "windlass_compose_stacks" "all" {
  host = "ssh://root@203.0.113.7?host_key=ssh-ed25519:SHA256:-DiY3wvvV6TuJJhbpZisF_zLDA0zPMSvHdkr4UvCOqU"
}

# What runs there and is not managed by Windlass.
output "strangers" {
  value = [for name, stack in data.windlass_compose_stacks.all.stacks : name if !stack.managed]
}
