# For cloud-init: the key is in the state. One machine joins by it, and then it is worthless.
resource "windlass_tailnet_key" "web" {
  description = "web first boot"
  tags        = ["tag:prod"]
  expiry      = "1h"
}

# For machines that come and go; made anew a week before it is over.
resource "windlass_tailnet_key" "runners" {
  description  = "runners"
  tags         = ["tag:gha-deployer"]
  reusable     = true
  ephemeral    = true
  expiry       = "720h"
  renew_before = "168h"
}
