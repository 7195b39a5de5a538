output "directory" {
  description = "Where the stack is on the server."
  value       = windlass_compose_stack.this.directory
}

output "restored" {
  description = "What came back: corpus to snapshot, store, and the seconds that it took."
  value = {
    for name, corpus in windlass_corpus_restore.this : name => {
      snapshot = corpus.snapshot_id
      store    = corpus.restored_from
      seconds  = corpus.duration_seconds
    }
  }
}
