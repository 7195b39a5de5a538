resource "windlass_tailnet_policy" "main" {
  policy = <<-EOT
    // Who may reach what.
    {
      "tagOwners": {
        "tag:prod":         ["autogroup:admin"],
        "tag:dr-drill":     ["autogroup:admin"],
        "tag:gha-deployer": ["autogroup:admin"],
      },
      "acls": [
        {"action": "accept", "src": ["autogroup:member"], "dst": ["tag:prod:443"]},
        {"action": "accept", "src": ["tag:gha-deployer"], "dst": ["tag:prod:22", "tag:dr-drill:22"]},
      ],
      // The server runs these before it takes the policy.
      "tests": [
        {"src": "tag:gha-deployer", "accept": ["tag:prod:22"], "deny": ["tag:prod:443"]},
      ],
    }
  EOT

  # A policy that locks out the job that deploys is refused.
  deployer {
    tag = "tag:gha-deployer"
    to  = ["tag:prod", "tag:dr-drill"]
  }
}
