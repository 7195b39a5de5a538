# A machine that joins at its first boot is given time.
data "windlass_tailnet_device" "web" {
  hostname = "web"
  tags     = ["tag:prod"]
  wait_for = "3m"
}

output "address" {
  value = data.windlass_tailnet_device.web.device.ipv4
}
