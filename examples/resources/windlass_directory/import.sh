# <connection>|<absolute path>
tofu import windlass_directory.data 'ssh://deploy@web.example.org|/srv/app/data'
