data "windlass_container_logs" "api" {
  host    = "ssh://root@203.0.113.7?host_key=ssh-ed25519:SHA256:-DiY3wvvV6TuJJhbpZisF_zLDA0zPMSvHdkr4UvCOqU"
  stack   = "shop"
  service = "api"
  tail    = 20
}

output "api_log" {
  value     = data.windlass_container_logs.api.text
  sensitive = true
}

# What went wrong in the night of the release, with the time of each line.
data "windlass_container_logs" "release" {
  host       = "ssh://root@203.0.113.7?host_key=ssh-ed25519:SHA256:-DiY3wvvV6TuJJhbpZisF_zLDA0zPMSvHdkr4UvCOqU"
  container  = "shop-api-1"
  since      = "2026-01-31T22:00:00+01:00"
  until      = "2026-01-31T23:30:00+01:00"
  timestamps = true
}
