# Names below internal.example.org are asked of a server in the tailnet. Other domains are somebody else's.
resource "windlass_tailnet_dns" "main" {
  magic_dns = true

  split_dns = {
    "internal.example.org" = ["100.64.0.1"]
  }
}
