variable "address" {
  type        = string
  description = "Name or address of the server, as this machine reaches it: a name in the tailnet, say."
}

variable "host_key" {
  type        = string
  description = "The server's public key or its fingerprint: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub there."
}

variable "user" {
  type        = string
  default     = "deploy"
  description = "Who logs in."
}

variable "private_key_file" {
  type        = string
  default     = null
  description = "The key to log in with. Without it, the SSH agent is asked, or Tailscale lets us in."
}

variable "release" {
  type        = string
  description = "The tag of the images: `sha-1a2b3c4`."
}

variable "workspace" {
  type        = string
  default     = "default"
  description = "Whose state it is; `windlass drill run` says so, and so does `windlass run --workspace drill`."

  validation {
    condition     = var.workspace == "drill"
    error_message = "A drill has a state of its own: windlass drill run, or windlass run --workspace drill -- tofu …"
  }
}

variable "restore_from" {
  type        = string
  description = "The store that the data come from, such as `s3://example-backups/prod`. A key that may only read is enough."
}
