data "windlass_tailnet_devices" "prod" {
  tags   = ["tag:prod"]
  online = true
}

output "addresses" {
  value = { for device in data.windlass_tailnet_devices.prod.devices : device.name => device.ipv4 }
}
