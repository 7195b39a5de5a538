# What the module makes of its variables. No server is needed.

mock_provider "windlass" {}

variables {
  host       = "ssh://web"
  name       = "shop"
  source_dir = "app"
  corpora    = { uploads = "/srv/shop/uploads", documents = "/srv/shop/documents" }
  probes     = { "http://127.0.0.1:8080/" = "Shop" }
}

run "data_stay_as_they_are_unless_a_store_is_named" {
  command = plan

  assert {
    condition     = length(windlass_corpus_restore.this) == 0
    error_message = "Data are restored that nobody asked for."
  }

  assert {
    condition     = windlass_compose_stack.this.probe[0].url == "http://127.0.0.1:8080/" && windlass_compose_stack.this.probe[0].expect_body == "Shop"
    error_message = "The probe is another one."
  }
}

run "all_data_come_back_from_the_store" {
  command = plan

  variables {
    restore_from = "s3://backups/prod"
  }

  assert {
    condition     = keys(windlass_corpus_restore.this) == ["documents", "uploads"] && windlass_corpus_restore.this["uploads"].path == "/srv/shop/uploads"
    error_message = "What is restored is something else."
  }

  assert {
    condition     = alltrue([for one in windlass_corpus_restore.this : one.store == "s3://backups/prod" && one.host == "ssh://web"])
    error_message = "The store or the host is another one."
  }
}
