variable "hosts" {
  description = "The servers, managers first: a name of your choice, the connection (`windlass_host.<name>.connection`), and the tier, which becomes the label `tier`."
  type = list(object({
    name       = string
    connection = string
    tier       = optional(string, "app")
  }))

  validation {
    condition     = length(var.hosts) > 0
    error_message = "A swarm needs a server."
  }

  validation {
    condition     = length(distinct(var.hosts[*].name)) == length(var.hosts)
    error_message = "Every server needs a name of its own."
  }
}

variable "manager_count" {
  description = "How many of the servers are managers: the first ones. An odd number, because half of an even one decides nothing."
  type        = number
  default     = 1

  validation {
    condition     = var.manager_count > 0 && var.manager_count % 2 == 1
    error_message = "The number of managers must be odd: 1, 3, 5 or 7."
  }

  validation {
    condition     = var.manager_count <= 7
    error_message = "More than 7 managers make a swarm slower and no safer."
  }
}

variable "labels" {
  description = "More labels of nodes, by tier."
  type        = map(map(string))
  default     = {}
}

variable "drain_timeout" {
  description = "How long the tasks of a node may take to move elsewhere before it goes."
  type        = string
  default     = "5m"
}
