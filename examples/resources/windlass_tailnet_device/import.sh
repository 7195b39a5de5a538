# The id of the device at the control server; with several tailnets, <name of the tailnet block>|<id>
tofu import windlass_tailnet_device.web nAbCdEfCNTRL
