variable "package_token" {
  type      = string
  ephemeral = true
}

# Built on the host, from what is shipped. The token is there for one step and ends in no layer:
#
#   services: { portal: { build: { context: ., secrets: [token] } } }
#   secrets:  { token: { environment: PACKAGE_TOKEN } }
#
#   RUN --mount=type=secret,id=token fetch-packages --token-file /run/secrets/token
resource "windlass_compose_stack" "portal" {
  host       = windlass_host.web.connection
  name       = "portal"
  source_dir = "${path.module}/portal"

  build       = true
  keep_images = 3
  secrets_wo = {
    PACKAGE_TOKEN = var.package_token
  }
  secrets_wo_version = "1"

  # The profile of `tools` is switched off: it is built with the others, and nothing but jobs runs it.
  job {
    name    = "warm-up"
    service = "tools"
    command = ["bin/warm-up", "--quiet"]
    when    = "after"
    run_on  = "apply"
  }

  probe {
    tcp     = "127.0.0.1:8090"
    timeout = "2m"
  }

  # What a failed apply has reached stays, for somebody to look at. By default the last good one comes back.
  on_failure = "keep"
}
