# Staging follows the tags of its images: a plan asks the registry whether they have moved.
resource "windlass_compose_stack" "staging" {
  host       = windlass_host.web.connection
  name       = "news-staging"
  source_dir = "${path.module}/news"

  environment = {
    PORT = "8091"
  }
  pull = "always"

  probe {
    url           = "http://127.0.0.1:8091/"
    expect_status = "200-399"
  }
}

# Production runs just what staging has been seen with, by digest.
resource "windlass_compose_stack" "production" {
  host       = windlass_host.web.connection
  name       = "news"
  source_dir = "${path.module}/news"

  environment = {
    PORT = "8092"
  }
  images = windlass_compose_stack.staging.image_digests

  require {
    pinned_images = "digest"
  }
}
