# The name of the provider's tailnet block, or - for the default one
tofu import windlass_tailnet_settings.main -
