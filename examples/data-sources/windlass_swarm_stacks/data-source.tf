data "windlass_swarm_stacks" "previews" {
  managers = ["ssh://root@203.0.113.7"]
  labels   = { environment = "preview" }
}

output "previews" {
  value = { for name, stack in data.windlass_swarm_stacks.previews.stacks : name => stack.converged }
}
