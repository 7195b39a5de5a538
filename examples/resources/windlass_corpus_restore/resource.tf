# A drill: the newest snapshot of the product comes back on another machine.
resource "windlass_corpus_restore" "drill" {
  host  = windlass_host.drill.connection
  store = "file:///mnt/backups"
  name  = "prod-uploads"
  path  = "/srv/app/uploads"
}

# Its database, in a Postgres that runs there; everything in it belongs to the role that logs in. Where the disk
# is gone or its snapshot is not whole, it comes from the bucket.
resource "windlass_corpus_restore" "drill_database" {
  host   = windlass_host.drill.connection
  store  = "file:///mnt/backups"
  copies = ["s3://example-backups/prod"]
  name   = "prod-database"

  postgres {
    container = "shop-db-1"
    database  = "shop"
    globals   = false
  }
}

# Pre-production gets what people have uploaded, as its own user, without what is private.
resource "windlass_corpus_restore" "seed" {
  host      = windlass_host.drill.connection
  store     = "file:///mnt/backups"
  name      = "prod-uploads"
  path      = "/srv/staging/uploads"
  owner     = "1000:1000"
  transform = ["rm", "-rf", "private"]
}

output "time_to_recovery" {
  value = windlass_corpus_restore.drill.duration_seconds
}

resource "windlass_host" "drill" {
  address  = "drill.example.org"
  host_key = "ssh-ed25519:SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
}
