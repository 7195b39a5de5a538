data "windlass_host" "here" {
  host = "local://"
}

output "machine" {
  value = "${data.windlass_host.here.hostname} (${data.windlass_host.here.os} ${data.windlass_host.here.os_version})"
}
