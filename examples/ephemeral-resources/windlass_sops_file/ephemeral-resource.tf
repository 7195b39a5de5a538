# Encrypted in the repository by `sops encrypt`; what is in it is in no plan and no state.
ephemeral "windlass_sops_file" "prod" {
  source_file = "${path.module}/prod.sops.yaml"
}

# No key is needed: a change of the encrypted file is a change of the version.
data "windlass_sops_metadata" "prod" {
  source_file = "${path.module}/prod.sops.yaml"
}

resource "windlass_file" "token" {
  host               = "ssh://deploy@web.example.org"
  path               = "/etc/app/token"
  mode               = "0600"
  content_wo         = ephemeral.windlass_sops_file.prod.value.app.token
  content_wo_version = data.windlass_sops_metadata.prod.sha256
}
