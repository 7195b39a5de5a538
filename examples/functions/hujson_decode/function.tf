locals {
  policy = provider::windlass::hujson_decode(<<-EOT
    {
      "tagOwners": {"tag:prod": ["autogroup:admin"]}, // and nobody else
    }
  EOT
  )
}

output "tags" {
  value = keys(local.policy.tagOwners)
}
