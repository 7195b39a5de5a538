# <connection>|<name of the plugin>
tofu import windlass_docker_plugin.volumes 'ssh://root@203.0.113.7|cloud-volumes'
