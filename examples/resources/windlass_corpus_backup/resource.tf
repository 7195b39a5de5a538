# A snapshot before each release, kept off the server; 14 days and 4 weeks stay.
resource "windlass_corpus_backup" "uploads" {
  host    = windlass_host.web.connection
  name    = "prod-uploads"
  path    = "/srv/app/uploads"
  exclude = ["/cache", "*.tmp"]
  store   = "file:///mnt/backups"

  triggers   = { release = var.release }
  if_missing = "skip" # the first release has nothing to lose
  max_age    = "170h"

  retention {
    daily  = 14
    weekly = 4
  }
}

# The database of the same product, with its roles, and a copy of each snapshot in a bucket.
resource "windlass_corpus_backup" "database" {
  host     = windlass_host.web.connection
  name     = "prod-database"
  store    = "file:///mnt/backups"
  copies   = ["s3://example-backups/prod"] # the key: AWS_ACCESS_KEY_ID, or a `store` block of the provider
  triggers = { release = var.release }
  keep_for = "720h" # nobody removes it for 30 days

  postgres {
    stack    = "shop"
    service  = "db"
    database = "shop"
  }

  # It counts once it was restored to a Postgres of its own and asked.
  verify = "restore"
  check {
    sql    = "SELECT count(*) > 0 FROM orders"
    expect = "t"
  }
}

# A managed database that the host reaches, by the programs of an image that is there; its extensions are made by
# the one who restores.
resource "windlass_corpus_backup" "managed" {
  host  = windlass_host.web.connection
  name  = "prod-managed"
  store = "file:///mnt/backups"

  postgres {
    uri_wo         = var.database_uri
    uri_wo_version = "1"
    image          = "postgres:17"
    database       = "shop"
  }

  verify = "restore"
  sections {
    before_pre_data = "CREATE EXTENSION IF NOT EXISTS pg_trgm;"
  }
}

# What a container keeps in a volume; it holds still for the time of the copy.
resource "windlass_corpus_backup" "search" {
  host   = windlass_host.web.connection
  name   = "prod-search"
  volume = "shop_search"
  store  = "file:///mnt/backups"

  quiesce {
    stack    = "shop"
    services = ["search"]
    timeout  = "5m"
  }
}

# Much data of which little changes: restic on the host stores what is new, in a repository. Its password: RESTIC_PASSWORD,
# or `password` of a `store` block of the provider.
resource "windlass_corpus_backup" "media" {
  host     = windlass_host.web.connection
  name     = "prod-media"
  path     = "/srv/app/media"
  engine   = "restic"
  store    = "restic:sftp:backup@box.example.org:/srv/restic"
  triggers = { release = var.release }

  retention {
    daily = 14
  }
}

variable "release" {
  type = string
}

# postgresql://doadmin:…@db.example.org:25060/defaultdb?sslmode=verify-full
variable "database_uri" {
  type      = string
  sensitive = true
  ephemeral = true
}

resource "windlass_host" "web" {
  address  = "web.example.org"
  host_key = "ssh-ed25519:SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
}
