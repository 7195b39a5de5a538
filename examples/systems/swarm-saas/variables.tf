variable "servers" {
  description = "The servers, managers first: a name of your choice, how they are reached, and what they are for (`app` or `stateful`)."
  type = list(object({
    name     = string
    address  = string
    user     = optional(string, "root")
    host_key = string
    tier     = string
  }))
}

variable "manager_count" {
  description = "How many of them are managers: an odd number."
  type        = number
  default     = 3
}

variable "private_key_file" {
  description = "The key that logs in to the servers."
  type        = string
}

variable "release" {
  description = "The release that is served."
  type        = string
}

variable "images" {
  description = "The images."
  type        = object({ edge = string, api = string, db = string })
  default = {
    edge = "nginx:1.26"
    api  = "busybox:1.36"
    db   = "postgres:17"
  }
}

variable "edge_port" {
  description = "The port on every manager where the product is served."
  type        = number
  default     = 80
}

variable "owner_password" {
  description = "The password of the database's owner, which stays what it was when the database was made."
  type        = string
  ephemeral   = true
}

variable "writer_password" {
  description = "The password of who writes orders."
  type        = string
  ephemeral   = true
}

variable "reader_password" {
  description = "The password of who only reads."
  type        = string
  ephemeral   = true
}

variable "secrets_version" {
  description = "Change it with the passwords."
  type        = string
  default     = "1"
}
