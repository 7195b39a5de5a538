# <connection of a manager>|<whole name of the config>; also one that `docker config create` made
tofu import windlass_swarm_config.proxy 'ssh://root@203.0.113.7|proxy-8f434346ab'
