# A product on one server: its data, where they are to come back from a store, then the stack on them.

resource "windlass_corpus_restore" "this" {
  for_each = var.restore_from == null ? {} : var.corpora

  host  = var.host
  store = var.restore_from
  name  = each.key
  path  = each.value
}

resource "windlass_compose_stack" "this" {
  host              = var.host
  name              = var.name
  source_dir        = var.source_dir
  files             = var.files
  start_services    = var.start_services
  environment       = var.environment
  secrets_sops_file = var.secrets_sops_file

  dynamic "probe" {
    for_each = var.probes

    content {
      url         = probe.key
      expect_body = probe.value
      timeout     = "60s"
    }
  }

  require {
    pinned_images = "tag"
    healthchecks  = true
    no_privileged = true
  }

  # A product that starts on no data may make some.
  depends_on = [windlass_corpus_restore.this]
}
