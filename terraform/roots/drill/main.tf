# A drill: the product on another server, from nothing and from a backup. `windlass drill run` applies it, looks at it
# and destroys it whatever came of it; its state is its own, so it reaches nothing of production.

terraform {
  # `windlass run` serves the state, encrypted in git.
  backend "http" {}

  required_providers {
    windlass = { source = "windlass/windlass" }
  }
}

provider "windlass" {
  ssh {
    user             = var.user
    private_key_file = var.private_key_file
  }
}

resource "windlass_host" "server" {
  address  = var.address
  host_key = var.host_key
}

module "product" {
  source = "../../modules/product"

  host         = windlass_host.server.connection
  name         = "always-on"
  source_dir   = "${path.module}/../app"
  files        = ["compose.yaml"]
  restore_from = var.restore_from
  corpora      = { corpus = "/srv/always-on/corpus" }
  probes       = { "http://127.0.0.1:8080/" = "Always on" }

  environment = {
    RELEASE    = var.release
    CORPUS_DIR = "/srv/always-on/corpus"
  }
}

output "connection" {
  description = "The server, for the probes and commands of the drill."
  value       = windlass_host.server.connection
}

output "restored" {
  description = "What came back from the store."
  value       = module.product.restored
}
