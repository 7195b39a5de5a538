# What the module makes of its variables. No server is needed.

mock_provider "windlass" {}

variables {
  host    = "ssh://server"
  name    = "prod"
  path    = "/srv/shop/uploads"
  store   = "file:///mnt/backups"
  release = "one"
  stack   = { name = "shop", services = ["api"] }
}

run "a_release_takes_a_snapshot" {
  command = plan

  assert {
    condition     = windlass_corpus_backup.this[0].triggers == tomap({ release = "one" })
    error_message = "A release takes no snapshot."
  }

  assert {
    condition     = windlass_corpus_backup.this[0].quiesce.stack == "shop" && windlass_corpus_backup.this[0].retention.daily == 14
    error_message = "The services do not hold still, or another number of snapshots stays."
  }

  assert {
    condition     = length(windlass_corpus_restore.this) == 0 && output.time_to_recovery_seconds == null
    error_message = "Something is restored where nobody drills."
  }
}

run "without_a_stack_nothing_holds_still" {
  command = plan

  variables {
    stack = null
  }

  assert {
    condition     = windlass_corpus_backup.this[0].quiesce == null
    error_message = "Something holds still."
  }
}

run "a_drill_restores_and_takes_none" {
  command = plan

  variables {
    drill = true
  }

  assert {
    condition     = length(windlass_corpus_backup.this) == 0 && windlass_corpus_restore.this[0].path == "/srv/shop/uploads"
    error_message = "A drill takes a snapshot, or restores nothing."
  }
}
