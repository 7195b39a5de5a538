terraform {
  required_version = ">= 1.5"

  required_providers {
    windlass = { source = "windlass/windlass" }
  }
}
