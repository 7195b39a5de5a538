output "snapshot" {
  description = "The id of the last snapshot, or of the one that came back. Null before there is one."
  value       = var.drill ? windlass_corpus_restore.this[0].snapshot_id : windlass_corpus_backup.this[0].snapshot
}

output "time_to_recovery_seconds" {
  description = "How long it took in a drill until the data were in their place, every byte compared. Null elsewhere."
  value       = var.drill ? windlass_corpus_restore.this[0].duration_seconds : null
}
