# What the root makes of its variables. No server is needed.

mock_provider "windlass" {
  mock_resource "windlass_host" {
    defaults = { connection = "ssh://deploy@server" }
  }
}

variables {
  address      = "drill.example.org"
  host_key     = "ssh-ed25519:SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
  release      = "sha-1"
  restore_from = "s3://backups/prod"
  workspace    = "drill"
}

run "the_data_come_from_the_store" {
  command = apply

  assert {
    condition     = keys(output.restored) == ["corpus"]
    error_message = "The data do not come back."
  }

  assert {
    condition     = output.connection == "ssh://deploy@server"
    error_message = "The probes do not know where to ask."
  }
}

run "the_state_of_production_is_refused" {
  command = plan

  variables {
    workspace = "default"
  }

  expect_failures = [var.workspace]
}
