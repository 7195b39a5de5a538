# A viewer and an API that are always on, and a pipeline that runs only when it is asked to: one
# server, one apply. README.md goes through it.

terraform {
  required_providers {
    windlass = { source = "windlass/windlass" }
  }
}

provider "windlass" {
  ssh {
    user             = var.user
    private_key_file = var.private_key_file
  }
}

resource "windlass_host" "server" {
  address  = var.address
  host_key = var.host_key

  lifecycle {
    # With a workspace of the core's own, both are to be said: production and a drill never meet by mistake.
    precondition {
      condition     = contains(["default", var.workspace], terraform.workspace)
      error_message = "This is the workspace ${terraform.workspace}, and `workspace` is ${var.workspace}: say -var workspace=${terraform.workspace}."
    }
  }
}

resource "windlass_compose_stack" "always_on" {
  host       = windlass_host.server.connection
  name       = "always-on"
  source_dir = "${path.module}/app"
  files      = ["compose/docker-compose.stack.yml", "compose/docker-compose.prod.yml"]

  # pipeline-llm and migrate are checked and pulled with the others, but only runs of their own start them.
  start_services = ["viewer", "api"]

  environment = {
    RELEASE        = var.release
    VIEWER_IMAGE   = var.images.viewer
    API_IMAGE      = var.images.api
    PIPELINE_IMAGE = var.images.pipeline
    VIEWER_BIND    = var.viewer_bind
    VIEWER_PORT    = tostring(var.viewer_port)
    CORPUS_DIR     = var.corpus_dir
    LLM_MODEL      = var.llm_model
  }

  # One is a variable of the API, the other a file that only the pipeline sees.
  secrets_wo = {
    API_TOKEN   = var.api_token
    LLM_API_KEY = var.llm_api_key
  }
  secrets_wo_version = var.secrets_version

  # Before the new release is started. It may run as often as it likes.
  job {
    name    = "migrate"
    service = "migrate"
    when    = "before"
    timeout = "2m"
  }

  # A release that does not answer is none.
  probe {
    url         = "http://${var.viewer_bind}:${var.viewer_port}/"
    expect_body = "Always on"
    timeout     = "30s"
  }

  probe {
    url         = "http://${var.viewer_bind}:${var.viewer_port}/api/health"
    expect_body = "ok ${var.release}"
    timeout     = "30s"
  }

  # What the plan refuses, before anything is touched.
  require {
    pinned_images      = "tag"
    healthchecks       = true
    memory_limits      = true
    no_privileged      = true
    host_ports_allowed = ["${var.viewer_bind}:${var.viewer_port}"]
    env_template       = ".env.example"
  }

  # The snapshot before the release; in a drill, the data before there is anything to run on them.
  depends_on = [module.corpus]
}

output "url" {
  value = "http://${var.viewer_bind}:${var.viewer_port}/"
}

output "directory" {
  description = "Where people and the API run the pipeline: docker compose run --rm pipeline-llm <title>"
  value       = windlass_compose_stack.always_on.directory
}
