# <connection>|<absolute path>
tofu import windlass_file.motd 'ssh://deploy@web.example.org|/etc/motd'

# With its source the first plan is empty where nothing differs
tofu import windlass_file.motd 'ssh://deploy@web.example.org|/etc/motd|source=./motd'
