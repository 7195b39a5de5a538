# What the root makes of its variables. No server is needed.

mock_provider "windlass" {
  mock_resource "windlass_host" {
    defaults = { connection = "ssh://deploy@server" }
  }
}

variables {
  address  = "web.example.org"
  host_key = "ssh-ed25519:SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
  release  = "sha-1"
}

run "production_has_its_data" {
  command = apply

  assert {
    condition     = length(output.restored) == 0
    error_message = "Data of production are restored that nobody asked for."
  }
}

run "after_a_disaster_they_come_back" {
  command = apply

  variables {
    restore_from = "s3://backups/prod"
  }

  assert {
    condition     = keys(output.restored) == ["corpus"]
    error_message = "The data do not come back."
  }
}

run "a_drill_is_refused_here" {
  command = plan

  variables {
    workspace = "drill"
  }

  expect_failures = [var.workspace]
}
