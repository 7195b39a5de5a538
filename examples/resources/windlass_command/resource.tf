# A user of the system: made once, seen at every plan, made again when somebody removes it.
resource "windlass_command" "app_user" {
  host          = windlass_host.web.connection
  create        = ["useradd", "--system", "app"]
  read          = ["id", "-u", "app"]
  gone_statuses = [1]
  destroy       = ["userdel", "app"]
}

# A firewall rule set, loaded again whenever the file changes.
resource "windlass_command" "firewall" {
  host     = windlass_host.web.connection
  create   = ["nft", "--file", "/etc/nftables.conf"]
  update   = ["nft", "--file", "/etc/nftables.conf"]
  triggers = { rules = windlass_file.rules.content_hash }
}

resource "windlass_file" "rules" {
  host    = windlass_host.web.connection
  path    = "/etc/nftables.conf"
  content = "flush ruleset\n"
}

# A secret goes in by stdin, and what comes out is hidden in what the CLI shows.
resource "windlass_command" "invite" {
  host             = windlass_host.web.connection
  create           = ["/usr/local/bin/invite", "--password-stdin"]
  stdin_wo         = var.admin_password
  stdin_wo_version = "1"
  sensitive        = true
}

variable "admin_password" {
  type      = string
  ephemeral = true
}

resource "windlass_host" "web" {
  address  = "web.example.org"
  host_key = "ssh-ed25519:SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
}
