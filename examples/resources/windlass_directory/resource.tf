# Data that a service keeps: it stays when the resource is destroyed.
resource "windlass_directory" "data" {
  host  = windlass_host.web.connection
  path  = "/srv/app/data"
  owner = "1000"
  group = "1000"
  mode  = "0750"
}

resource "windlass_host" "web" {
  address  = "web.example.org"
  host_key = "ssh-ed25519:SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
}
