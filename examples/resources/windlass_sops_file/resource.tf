# In the repository, for two people and the machine that deploys; `sops decrypt` opens it.
resource "windlass_sops_file" "prod" {
  path               = "${path.module}/prod.sops.yaml"
  content_wo         = { db = { password = var.db_password, port = 5432 } }
  content_wo_version = "1"
  recipients = [
    "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN",
  ]
}

variable "db_password" {
  type      = string
  sensitive = true
  ephemeral = true
}
