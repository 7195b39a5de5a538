# Headscale's configuration has `dns.extra_records_path: /etc/headscale/records.json`.
resource "windlass_tailnet_dns_records" "admin" {
  host = var.vpn
  path = "/etc/headscale/records.json"

  record {
    name  = "grafana.example.org"
    type  = "A"
    value = "100.64.0.2"
  }
}

variable "vpn" {
  description = "The connection to the host of Headscale."
  type        = string
}
