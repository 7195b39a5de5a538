# A server that joins by its cloud-init: its tags, its name, its routes. When the server is made anew, the machine that
# has joined since takes the place of the dead one.
resource "windlass_tailnet_device" "web" {
  hostname = "web"
  instance = var.server_id

  name            = "web"
  tags            = ["tag:prod"]
  approved_routes = ["10.0.0.0/16"]
}

variable "server_id" {
  description = "The id of the server at the cloud."
  type        = string
}
