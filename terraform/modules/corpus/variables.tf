variable "host" {
  description = "The connection of the server (`windlass_host.<name>.connection`)."
  type        = string
}

variable "name" {
  description = "Whose snapshots these are, such as `prod`: a drill restores those of the name that took them."
  type        = string
}

variable "path" {
  description = "The directory on the server."
  type        = string
}

variable "store" {
  description = "Where snapshots go, and where they come from: the name of a `store` block of the provider, or a URL."
  type        = string
}

variable "copies" {
  description = "More stores that each snapshot goes to; a drill takes the first that has it whole."
  type        = list(string)
  default     = []
}

variable "release" {
  description = "The release that is to come: another one takes a snapshot first. In a drill it changes nothing."
  type        = string
}

variable "drill" {
  description = "Whether the newest snapshot comes back here, instead of one being taken."
  type        = bool
  default     = false
}

variable "stack" {
  description = "The stack that writes into the directory, once it is there, and its services that hold still for the time of a copy."
  type = object({
    name     = string
    services = optional(list(string))
  })
  default = null
}

variable "encrypt_to" {
  description = "age recipients and SSH public keys that snapshots are encrypted for. A drill needs one of the private keys (SOPS_AGE_KEY_FILE)."
  type        = list(string)
  default     = []
}

variable "retention" {
  description = "How many snapshots stay in each store."
  type = object({
    last   = optional(number, 3)
    daily  = optional(number, 14)
    weekly = optional(number, 4)
  })
  default = {}
}

variable "max_age" {
  description = "How old the last snapshot may be before plans warn."
  type        = string
  default     = "170h"
}
