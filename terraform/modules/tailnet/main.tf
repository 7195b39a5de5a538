locals {
  deployer = var.deployer == null ? [] : [var.deployer.tag]
  admins   = length(var.admins) == 0 ? [] : ["group:admins"]

  policy = merge(
    length(var.admins) == 0 ? {} : { groups = { "group:admins" = var.admins } },
    {
      # A key that the deployer makes may give only tags that it owns.
      tagOwners = merge(
        { for tag in var.tags : tag => concat(local.admins, local.deployer) },
        { for tag in local.deployer : tag => local.admins },
      )
      acls = concat(
        [for admin in local.admins : { action = "accept", src = [admin], dst = [for tag in var.tags : "${tag}:*"] }],
        [for tag in local.deployer : { action = "accept", src = [tag], dst = [for to in var.tags : "${to}:22"] }],
        [for tag in var.tags : { action = "accept", src = [tag], dst = ["${tag}:*"] }],
        var.acls,
      )
    },
    try(length(var.deployer.users), 0) == 0 ? {} : {
      ssh = [{ action = "accept", src = local.deployer, dst = var.tags, users = var.deployer.users }]
    },
    length(var.services) == 0 ? {} : { autoApprovers = { services = var.services } },
    # The control server itself runs these before it takes the policy.
    var.deployer == null || !var.policy_tests ? {} : {
      tests = [{ src = var.deployer.tag, accept = [for tag in var.tags : "${tag}:22"], deny = [for tag in var.tags : "${tag}:5432"] }]
    },
  )
}

resource "windlass_tailnet_policy" "this" {
  count = var.manage_policy ? 1 : 0

  tailnet        = var.tailnet
  policy         = jsonencode(local.policy)
  adopt_existing = var.adopt_policy

  # A policy that would lock the deployer out is refused.
  dynamic "deployer" {
    for_each = var.deployer == null ? [] : [var.deployer]
    content {
      tag   = deployer.value.tag
      to    = var.tags
      users = length(deployer.value.users) == 0 ? null : deployer.value.users
    }
  }
}

resource "windlass_tailnet_member" "this" {
  for_each = { for host in var.hosts : host.name => host }

  tailnet      = var.tailnet
  host         = each.value.connection
  hostname     = each.key
  tags         = coalesce(each.value.tags, [var.tags[0]])
  ssh          = each.value.ssh
  accept_dns   = each.value.accept_dns
  login_server = each.value.login_server

  # A tag that the policy does not have yet cannot be given.
  depends_on = [windlass_tailnet_policy.this]
}
