# Tailscale is installed on the host already. The key by which it joins is made for it alone, when it joins.
resource "windlass_tailnet_member" "web" {
  host     = var.web
  hostname = "web"
  tags     = ["tag:prod"]
  ssh      = true
}

# Other machines reach it by this address.
output "address" {
  value = windlass_tailnet_member.web.ipv4
}

variable "web" {
  description = "The connection to the host."
  type        = string
}
