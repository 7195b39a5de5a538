# <connection>|<absolute path>
tofu import windlass_file.motd 'ssh://deploy@web.example.org|/etc/motd'
