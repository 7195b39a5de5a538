resource "windlass_corpus_backup" "this" {
  count = var.drill ? 0 : 1

  host       = var.host
  name       = var.name
  path       = var.path
  store      = var.store
  copies     = var.copies
  encrypt_to = var.encrypt_to
  max_age    = var.max_age
  triggers   = { release = var.release }
  verify     = "restore"
  if_missing = "skip" # before the first release there is nothing

  retention {
    last   = var.retention.last
    daily  = var.retention.daily
    weekly = var.retention.weekly
  }

  dynamic "quiesce" {
    for_each = var.stack == null ? [] : [var.stack]

    content {
      stack    = quiesce.value.name
      services = quiesce.value.services
    }
  }
}

resource "windlass_corpus_restore" "this" {
  count = var.drill ? 1 : 0

  host   = var.host
  name   = var.name
  path   = var.path
  store  = var.store
  copies = var.copies
}
