# The tailnet needs certificates for that.
resource "windlass_tailnet_settings" "this" {
  https_enabled = true
}

resource "windlass_tailscale_serve" "web" {
  host = var.web

  # https://web.example.ts.net/ for everybody whom the policy lets reach it.
  handler {
    listen   = 443
    protocol = "https"
    target   = "http://127.0.0.1:8080"
  }

  handler {
    listen         = 5432
    protocol       = "tcp"
    target         = "127.0.0.1:5432"
    proxy_protocol = 2
  }

  # One of the hosts behind https://api.example.ts.net/.
  handler {
    service  = "svc:api"
    listen   = 443
    protocol = "https"
    target   = "http://127.0.0.1:9000"
  }

  depends_on = [windlass_tailnet_settings.this]
}

variable "web" {
  description = "The connection to the host, which is in the tailnet."
  type        = string
}
