# What `tailscale serve` needs for HTTPS. Every other setting stays as it is.
resource "windlass_tailnet_settings" "main" {
  https_enabled = true
}
