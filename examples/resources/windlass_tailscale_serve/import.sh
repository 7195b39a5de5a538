# The connection, a bar, and the name of the provider's tailnet block, or - for the default one
tofu import windlass_tailscale_serve.web 'ssh://root@web.example.org|-'
