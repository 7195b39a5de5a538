# The data of the product: a snapshot of the corpus before each release, and a workspace `drill` in which the newest
# one comes back on another server. Without `backups` nothing of it is made.

variable "backups" {
  type = object({
    store      = string
    copies     = optional(list(string), [])
    encrypt_to = optional(list(string), [])
  })
  default     = null
  description = "Where snapshots of the corpus live: URLs, or names of `store` blocks of the provider; and for whom they are encrypted."
}

module "corpus" {
  source   = "../../../terraform/modules/corpus"
  for_each = { for backups in var.backups == null ? [] : [var.backups] : "this" => backups }

  host       = windlass_host.server.connection
  name       = "always-on"
  path       = var.corpus_dir
  store      = each.value.store
  copies     = each.value.copies
  encrypt_to = each.value.encrypt_to
  release    = var.release
  drill      = local.is_drill
  stack      = { name = "always-on", services = ["api"] }
}

output "time_to_recovery_seconds" {
  description = "In a drill: how long it took until the corpus was in its place."
  value       = one([for corpus in module.corpus : corpus.time_to_recovery_seconds])
}
