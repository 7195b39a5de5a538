# Every plan warns when no snapshot was taken for a day.
data "windlass_corpus_snapshots" "uploads" {
  store   = "file:///mnt/backups"
  name    = "prod-uploads"
  max_age = "26h"
}

output "newest_snapshot" {
  value = data.windlass_corpus_snapshots.uploads.latest
}
