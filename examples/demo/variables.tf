variable "address" {
  type        = string
  description = "Name or address of the host."
}

variable "host_key" {
  type        = string
  description = "The host's public key, as in /etc/ssh/ssh_host_ed25519_key.pub there."
}

variable "user" {
  type    = string
  default = "root"
}

variable "private_key_file" {
  type = string
}

variable "images" {
  type        = map(string)
  description = "Image references for NGINX_IMAGE, BUSYBOX_IMAGE, REDIS_IMAGE and POSTGRES_IMAGE."
  default = {
    NGINX_IMAGE    = "nginx:1.26"
    BUSYBOX_IMAGE  = "busybox:1"
    REDIS_IMAGE    = "redis:8"
    POSTGRES_IMAGE = "postgres:17"
  }
}

variable "http_port" {
  type    = number
  default = 8080
}

variable "greeting" {
  type    = string
  default = "Hello from Windlass"
}

variable "database_password" {
  type      = string
  sensitive = true
  ephemeral = true
}
