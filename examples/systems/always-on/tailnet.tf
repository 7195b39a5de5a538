# The tailnet around the server: who reaches it, and that it is a machine there. Without `tailnet` nothing
# of it is made. Who we are to Tailscale, or to a Headscale, is in the environment (TAILSCALE_* or
# HEADSCALE_*).

variable "tailnet" {
  type = object({
    admins       = list(string)
    deploys_as   = optional(list(string), [])
    serve        = optional(bool, true)
    login_server = optional(string)
  })
  default     = null
  description = "The people who reach every server, whom CI logs in as over Tailscale SSH (nobody: the server's own sshd lets it in), and whether the viewer is at https://<server>.<tailnet>.ts.net/."
}

locals {
  # A drill is a workspace of its own. It joins as what it is, and leaves the policy to the default one.
  is_drill = var.workspace != "default"
  tailnet  = var.tailnet == null ? [] : [var.tailnet]
}

module "tailnet" {
  source   = "../../../terraform/modules/tailnet"
  for_each = { for tailnet in local.tailnet : "this" => tailnet }

  manage_policy = !local.is_drill
  admins        = each.value.admins
  tags          = ["tag:prod", "tag:dr-drill"]
  # Headscale refuses a test of a tag that no machine has yet.
  policy_tests = each.value.serve
  deployer     = { tag = "tag:gha-deployer", users = each.value.deploys_as }

  hosts = [{
    name         = local.is_drill ? "always-on-${var.workspace}" : "always-on"
    connection   = windlass_host.server.connection
    tags         = [local.is_drill ? "tag:dr-drill" : "tag:prod"]
    login_server = each.value.login_server
  }]
}

# Headscale has no certificates: `serve = false` there.
resource "windlass_tailscale_serve" "viewer" {
  for_each = { for tailnet in local.tailnet : "this" => tailnet if tailnet.serve }

  host = windlass_host.server.connection

  handler {
    listen   = 443
    protocol = "https"
    target   = "http://${var.viewer_bind}:${var.viewer_port}"
  }

  depends_on = [module.tailnet, windlass_compose_stack.always_on]
}
