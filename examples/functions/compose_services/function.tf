locals {
  compose  = <<-EOT
    services:
      web:
        image: nginx:1.27
      worker:
        image: ghcr.io/example/worker:2.1
        profiles: [jobs]
  EOT
  services = provider::windlass::compose_services(local.compose)
}

# { web = "nginx:1.27", worker = "ghcr.io/example/worker:2.1" }
output "images" {
  value = { for name, service in local.services : name => service.image }
}
