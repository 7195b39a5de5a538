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
