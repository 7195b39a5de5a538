variable "host" {
  type        = string
  description = "The server, as a connection."
}

variable "name" {
  type        = string
  description = "The name of the Compose project."
}

variable "source_dir" {
  type        = string
  description = "The folder of the Compose files, with all that they use."
}

variable "files" {
  type        = list(string)
  default     = null
  description = "The Compose files in it; default: those that Compose takes by itself."
}

variable "start_services" {
  type        = list(string)
  default     = null
  description = "The services that are started; default: all."
}

variable "environment" {
  type        = map(string)
  default     = {}
  description = "Variables of the Compose files, none of them secret."
}

variable "secrets_sops_file" {
  type        = string
  default     = null
  description = "The file with the secret ones, encrypted by SOPS."
}

variable "corpora" {
  type        = map(string)
  default     = {}
  description = "The data that the product cannot lose: the names that their snapshots have, and where they are on the server."
}

variable "restore_from" {
  type        = string
  default     = null
  description = "The store that the data come back from before the product is started, as they are at the newest snapshot. Null leaves them as they are."
}

variable "probes" {
  type        = map(string)
  default     = {}
  description = "What has to answer on the server before an apply counts: URLs, each with a text that is in the answer."
}
