# What the module makes of its variables. No server is needed.

mock_provider "windlass" {}

variables {
  hosts = [
    { name = "m1", connection = "ssh://m1" },
    { name = "m2", connection = "ssh://m2" },
    { name = "m3", connection = "ssh://m3" },
    { name = "data", connection = "ssh://data", tier = "stateful" },
  ]
  manager_count = 3
  labels        = { stateful = { disk = "fast" } }
}

run "the_first_ones_are_managers" {
  command = plan

  assert {
    condition     = join(" ", windlass_swarm.this.managers) == "ssh://m1 ssh://m2 ssh://m3"
    error_message = "The managers are not the first servers."
  }

  assert {
    condition     = join(" ", [for name in ["m1", "m2", "m3", "data"] : windlass_swarm_node.this[name].role]) == "manager manager manager worker"
    error_message = "The roles are others."
  }
}

run "labels_go_by_tier" {
  command = plan

  assert {
    condition     = windlass_swarm_node.this["data"].labels == tomap({ tier = "stateful", disk = "fast" })
    error_message = "The labels of a stateful node are others."
  }

  assert {
    condition     = windlass_swarm_node.this["m1"].labels == tomap({ tier = "app" })
    error_message = "The labels of an app node are others."
  }
}

run "an_even_number_of_managers_is_refused" {
  command = plan

  variables {
    manager_count = 2
  }

  expect_failures = [var.manager_count]
}

run "more_managers_than_servers_are_refused" {
  command = plan

  variables {
    manager_count = 5
  }

  expect_failures = [windlass_swarm.this]
}

run "two_servers_of_one_name_are_refused" {
  command = plan

  variables {
    hosts = [
      { name = "m1", connection = "ssh://m1" },
      { name = "m1", connection = "ssh://m2" },
    ]
    manager_count = 1
  }

  expect_failures = [var.hosts]
}
