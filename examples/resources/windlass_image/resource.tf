# Built from a directory here, on the host that runs it.
resource "windlass_image" "app" {
  host    = windlass_host.web.connection
  name    = "registry.example.org/team/app:latest"
  context = "${path.module}/app"

  args = {
    VERSION = "1.4.0"
  }

  # For RUN --mount=type=secret,id=npm_token: in no layer, no history, no state.
  secrets_wo         = { npm_token = var.npm_token }
  secrets_wo_version = "1"

  # Pushed with the provider's registry block; other hosts build on what is cached in it.
  push       = true
  cache_from = ["registry.example.org/team/app:latest"]
  cache_to   = ["type=inline"]
}

# From a repository, at one commit.
resource "windlass_image" "proxy" {
  host = windlass_host.web.connection
  name = "proxy"
  git  = "https://git.example.org/team/proxy.git#3f2c1d0e9b8a7f6e5d4c3b2a1908f7e6d5c4b3a2:docker"
}

# The reference stands for just these images: the stack changes when they do.
resource "windlass_compose_stack" "web" {
  host       = windlass_host.web.connection
  name       = "web"
  source_dir = "${path.module}/web"
  environment = {
    APP_IMAGE   = windlass_image.app.reference
    PROXY_IMAGE = windlass_image.proxy.reference
  }
}

variable "npm_token" {
  type      = string
  ephemeral = true
}

resource "windlass_host" "web" {
  address  = "web.example.org"
  host_key = "ssh-ed25519:SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
}
