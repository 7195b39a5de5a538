# No key is needed: who can read it, and a version that changes with the file.
data "windlass_sops_metadata" "prod" {
  source_file = "${path.module}/prod.sops.yaml"
}

output "readers" {
  value = data.windlass_sops_metadata.prod.recipients
}
