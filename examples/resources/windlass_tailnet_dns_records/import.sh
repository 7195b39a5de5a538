# The connection, a bar, and the path of the file
tofu import windlass_tailnet_dns_records.admin 'ssh://root@vpn.example.org|/etc/headscale/records.json'
