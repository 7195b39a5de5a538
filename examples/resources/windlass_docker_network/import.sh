# <connection>|<name of the network>
tofu import windlass_docker_network.edge 'ssh://root@203.0.113.7|edge'
