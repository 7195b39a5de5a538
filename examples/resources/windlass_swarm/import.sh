# <connection of a manager>
tofu import windlass_swarm.main 'ssh://root@203.0.113.7'
