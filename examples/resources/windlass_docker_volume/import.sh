# <connection>|<name of the volume>
tofu import windlass_docker_volume.corpus 'ssh://root@203.0.113.7|corpus'
