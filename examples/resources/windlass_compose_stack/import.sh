# <connection>|<name of the Compose project>, also of a project that was started by hand
terraform import windlass_compose_stack.shop 'ssh://deploy@web.example.org|shop'
