variable "workspace" {
  type        = string
  default     = "default"
  description = "Whose state it is: `default` is production, any other one a drill. `windlass run --workspace NAME` says so by itself."
}

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
  description = "Who logs in. A member of the group docker is enough."
}

variable "private_key_file" {
  type        = string
  default     = null
  description = "The key to log in with. Without it, the SSH agent is asked."
}

variable "images" {
  type        = object({ viewer = string, api = string, pipeline = string })
  description = "The images, without their tag."
  default = {
    viewer   = "ghcr.io/example/always-on-viewer"
    api      = "ghcr.io/example/always-on-api"
    pipeline = "ghcr.io/example/always-on-pipeline-llm"
  }
}

variable "release" {
  type        = string
  description = "The tag of all three images: `sha-1a2b3c4`. Going back to an older one is a change like any other."
}

variable "corpus_dir" {
  type        = string
  default     = "/srv/always-on/corpus"
  description = "Where the corpus is on the server. Windlass neither makes nor removes what is in it."
}

variable "viewer_bind" {
  type        = string
  default     = "127.0.0.1"
  description = "The address that the viewer listens on: the loopback for `tailscale serve`, or an address of the tailnet."
}

variable "viewer_port" {
  type    = number
  default = 8080
}

variable "llm_model" {
  type    = string
  default = "small"
}

variable "api_token" {
  type        = string
  ephemeral   = true
  description = "In neither plan nor state: TF_VAR_api_token, or an ephemeral resource."
}

variable "llm_api_key" {
  type      = string
  ephemeral = true
}

variable "secrets_version" {
  type        = string
  default     = "1"
  description = "Another text brings the secrets to the server again."
}
