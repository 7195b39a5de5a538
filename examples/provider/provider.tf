terraform {
  required_providers {
    windlass = {
      source = "windlass/windlass"
    }
  }
}

# The block without a name is the default; what it leaves out comes from WINDLASS_SSH_* variables.
provider "windlass" {
  ssh {
    user             = "deploy"
    private_key_file = "~/.ssh/id_ed25519"
  }

  ssh {
    name = "backup-hosts"
    user = "backup"
  }

  registry {
    address  = "ghcr.io"
    username = "example"
    password = var.registry_token
  }

  # Tailscale; the secret comes from TAILSCALE_OAUTH_CLIENT_SECRET.
  tailnet {
    oauth_client_id = "kAbCdEfGhI"
  }

  # A Headscale of one's own needs no key, only the host that it runs on.
  tailnet {
    name      = "own"
    control   = "headscale"
    host      = "ssh://root@vpn.example.org"
    container = "headscale"
  }

  # Without this block, the key of encrypted files is where SOPS looks for it.
  sops {
    age_key_file = "~/keys/prod.txt"
  }

  # Where snapshots of corpora go: `store = "offsite"`.
  store {
    name              = "offsite"
    url               = "s3://example-backups/prod"
    endpoint          = "https://s3.example.net"
    access_key_id     = "backup"
    secret_access_key = var.backup_key
  }
}

variable "registry_token" {
  type      = string
  sensitive = true
  ephemeral = true
}

variable "backup_key" {
  type      = string
  sensitive = true
  ephemeral = true
}
