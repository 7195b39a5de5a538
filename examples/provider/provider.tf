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
}

variable "registry_token" {
  type      = string
  sensitive = true
  ephemeral = true
}
