locals {
  image = provider::windlass::image_reference("nginx:1.27")
}

# docker.io, library/nginx, 1.27
output "parts" {
  value = [local.image.registry, local.image.repository, local.image.tag]
}

# docker.io/library/nginx:1.27
output "canonical" {
  value = local.image.canonical
}
