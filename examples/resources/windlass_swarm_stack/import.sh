# <connection of a manager>|<name of the stack>; also one that `docker stack deploy` made
tofu import windlass_swarm_stack.shop 'ssh://root@203.0.113.7|shop'
