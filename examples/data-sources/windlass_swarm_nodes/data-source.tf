data "windlass_swarm_nodes" "main" {
  managers = ["ssh://root@203.0.113.7"]
}

output "stateful" {
  value = [for node in data.windlass_swarm_nodes.main.nodes : node.address if lookup(node.labels, "tier", "") == "stateful"]
}
