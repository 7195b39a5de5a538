# A Compose stack of five services on one host: what `make demo` applies.

terraform {
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

resource "windlass_host" "web" {
  address  = var.address
  host_key = var.host_key
}

resource "windlass_compose_stack" "guestbook" {
  host       = windlass_host.web.connection
  name       = "guestbook"
  source_dir = "${path.module}/stack"

  environment = merge(var.images, {
    HTTP_PORT = tostring(var.http_port)
    GREETING  = var.greeting
  })

  secrets_wo         = { DATABASE_PASSWORD = var.database_password }
  secrets_wo_version = "1"
}

output "url" {
  value = "http://${windlass_host.web.address}:${var.http_port}/"
}

output "services" {
  value = { for name, service in windlass_compose_stack.guestbook.services : name => service.status }
}
