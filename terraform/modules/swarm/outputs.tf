output "id" {
  description = "The id of the swarm."
  value       = windlass_swarm.this.id
}

output "managers" {
  description = "Connections to the managers, for stacks: known once every node has joined."
  value       = windlass_swarm.this.managers
  depends_on  = [windlass_swarm_node.this]
}

output "nodes" {
  description = "The ids of the nodes, by the names of their servers."
  value       = { for name, node in windlass_swarm_node.this : name => node.id }
}
