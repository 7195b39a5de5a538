output "addresses" {
  description = "The IPv4 addresses of the servers in the tailnet, by name."
  value       = { for name, member in windlass_tailnet_member.this : name => member.ipv4 }
}

output "names" {
  description = "The names of the servers in MagicDNS, in full; null where the tailnet has none."
  value       = { for name, member in windlass_tailnet_member.this : name => member.name }
}

output "policy" {
  description = "The policy, as JSON; null where it is another configuration's."
  value       = var.manage_policy ? jsonencode(local.policy) : null
}
