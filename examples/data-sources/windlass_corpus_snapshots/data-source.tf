# Every plan warns when no snapshot was taken for a day.
data "windlass_corpus_snapshots" "uploads" {
  store   = "file:///mnt/backups"
  name    = "prod-uploads"
  max_age = "26h"
}

# The last one from before a mishap, for a windlass_corpus_restore.
data "windlass_corpus_snapshots" "before" {
  store = "file:///mnt/backups"
  name  = "prod-uploads"
  until = "2026-11-20T09:30:00Z"
}

output "newest_snapshot" {
  value = data.windlass_corpus_snapshots.uploads.latest
}
