# <connection>|<name of the Compose project>, also of a project that was started by hand
terraform import windlass_compose_stack.shop 'ssh://deploy@web.example.org|shop'

# What follows the name tells the configuration: then the first plan is empty where nothing differs. Such ids are what
# `windlass adopt` writes, with source_dir, files, profiles, start_services, host_env and undefined_variables.
terraform import windlass_compose_stack.shop 'ssh://deploy@web.example.org|shop|source_dir=./shop|files=compose.yaml'
