variable "manage_policy" {
  description = "Whether the policy of the tailnet is this configuration's. It has one writer: a workspace for a drill sets this to false, and uses the tags that the policy has."
  type        = bool
  default     = true
}

variable "adopt_policy" {
  description = "Whether a policy that somebody has written already is replaced by this one."
  type        = bool
  default     = false
}

variable "tailnet" {
  description = "Which tailnet: the name of one of the provider's `tailnet` blocks."
  type        = string
  default     = null
}

variable "admins" {
  description = "The people who reach every machine and may give every tag: their logins, such as `ana@example.org` (with Headscale `ana@`)."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for admin in var.admins : strcontains(admin, "@")])
    error_message = "A login has an @ in it, also with Headscale, where it is at the end."
  }
}

variable "tags" {
  description = "The tags of the servers. Servers of one tag reach each other and no others."
  type        = list(string)
  default     = ["tag:prod"]

  validation {
    condition     = length(var.tags) > 0 && alltrue([for tag in var.tags : startswith(tag, "tag:")])
    error_message = "Servers need a tag, and each begins with tag: as tag:prod does."
  }
}

variable "deployer" {
  description = "Who deploys, such as a job of CI: the tag that it joins with, and over Tailscale SSH whom it logs in as (none: the servers' own sshd lets it in). It reaches port 22 of every server and nothing else."
  type = object({
    tag   = optional(string, "tag:gha-deployer")
    users = optional(list(string), [])
  })
  default = null
}

variable "policy_tests" {
  description = "Whether the policy has tests of the deployer's rule. Headscale takes them only once a machine has joined with the deployer's tag: false until then."
  type        = bool
  default     = true
}

variable "acls" {
  description = "More rules, as they stand in `acls` of a policy."
  type        = list(object({ action = optional(string, "accept"), src = list(string), dst = list(string) }))
  default     = []
}

variable "services" {
  description = "Tailscale Services, and the tags of the servers that may stand behind each: `{ \"svc:api\" = [\"tag:prod\"] }`. Headscale has none."
  type        = map(list(string))
  default     = {}
}

variable "hosts" {
  description = "Servers that join: a name in the tailnet, the connection (`windlass_host.<name>.connection`) and tags; whether Tailscale SSH is on. Tailscale is installed there. Without tags a server has the first of `tags`."
  type = list(object({
    name         = string
    connection   = string
    tags         = optional(list(string))
    ssh          = optional(bool, false)
    accept_dns   = optional(bool)
    login_server = optional(string)
  }))
  default = []

  validation {
    condition     = length(distinct(var.hosts[*].name)) == length(var.hosts)
    error_message = "Every server needs a name of its own."
  }
}
