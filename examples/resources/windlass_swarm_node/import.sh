# <connection of a manager>|<id of the node>, which `docker node ls` shows
tofu import windlass_swarm_node.data 'ssh://root@203.0.113.7|71kir8ks2zwlmd1lfzavgpr7z'
