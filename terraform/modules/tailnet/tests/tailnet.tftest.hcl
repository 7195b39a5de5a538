# What the module makes of its variables. Neither a server nor a tailnet is needed.

mock_provider "windlass" {}

variables {
  admins   = ["ana@example.org"]
  tags     = ["tag:prod", "tag:dr-drill"]
  deployer = { users = ["deploy"] }
  hosts = [
    { name = "web", connection = "ssh://web", ssh = true },
    { name = "drill", connection = "ssh://drill", tags = ["tag:dr-drill"] },
  ]
}

run "the_deployer_reaches_ssh_and_nothing_else" {
  command = plan

  assert {
    condition     = jsondecode(output.policy).acls[1] == { action = "accept", src = ["tag:gha-deployer"], dst = ["tag:prod:22", "tag:dr-drill:22"] }
    error_message = "The rule of the deployer is another one."
  }

  assert {
    condition     = jsondecode(output.policy).ssh[0].users == ["deploy"] && jsondecode(output.policy).tests[0].deny == ["tag:prod:5432", "tag:dr-drill:5432"]
    error_message = "The rule of SSH or the tests are others."
  }

  assert {
    condition     = windlass_tailnet_policy.this[0].deployer[0].tag == "tag:gha-deployer"
    error_message = "Nothing protects the deployer."
  }
}

run "the_deployer_owns_the_tags_of_servers" {
  command = plan

  assert {
    condition     = jsondecode(output.policy).tagOwners["tag:prod"] == ["group:admins", "tag:gha-deployer"] && jsondecode(output.policy).tagOwners["tag:gha-deployer"] == ["group:admins"]
    error_message = "The owners of tags are others."
  }
}

run "servers_have_the_first_tag_unless_they_say_another" {
  command = plan

  assert {
    condition     = windlass_tailnet_member.this["web"].tags == toset(["tag:prod"]) && windlass_tailnet_member.this["drill"].tags == toset(["tag:dr-drill"])
    error_message = "The tags of the servers are others."
  }
}

run "a_drill_leaves_the_policy_alone" {
  command = plan

  variables {
    manage_policy = false
  }

  assert {
    condition     = length(windlass_tailnet_policy.this) == 0 && length(windlass_tailnet_member.this) == 2
    error_message = "The policy is written, or the servers do not join."
  }
}

run "without_a_deployer_there_is_no_rule_for_one" {
  command = plan

  variables {
    deployer = null
    services = { "svc:api" = ["tag:prod"] }
  }

  assert {
    condition     = !can(jsondecode(output.policy).tests) && length(jsondecode(output.policy).acls) == 3
    error_message = "There are rules for a deployer."
  }

  assert {
    condition     = jsondecode(output.policy).autoApprovers.services["svc:api"] == ["tag:prod"]
    error_message = "Nobody may stand behind the service."
  }
}

run "a_login_without_an_at_is_refused" {
  command = plan

  variables {
    admins = ["ana"]
  }

  expect_failures = [var.admins]
}

run "two_servers_of_one_name_are_refused" {
  command = plan

  variables {
    hosts = [
      { name = "web", connection = "ssh://a" },
      { name = "web", connection = "ssh://b" },
    ]
  }

  expect_failures = [var.hosts]
}
