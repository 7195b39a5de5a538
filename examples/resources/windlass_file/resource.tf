resource "windlass_file" "motd" {
  host    = windlass_host.web.connection
  path    = "/etc/motd"
  content = "Managed by Windlass: changes made by hand are undone.\n"
}

# A secret: in neither plan nor state. Another version writes it again.
resource "windlass_file" "token" {
  host               = windlass_host.web.connection
  path               = "/etc/app/token"
  content_wo         = var.token
  content_wo_version = "1"
  mode               = "0600"
  directory_mode     = "0700"
}

variable "token" {
  type      = string
  ephemeral = true
}

resource "windlass_host" "web" {
  address  = "web.example.org"
  host_key = "ssh-ed25519:SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
}
