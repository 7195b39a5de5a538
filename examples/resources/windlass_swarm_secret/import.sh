# <connection of a manager>|<whole name of the secret>; also one that `docker secret create` made
tofu import windlass_swarm_secret.database 'ssh://root@203.0.113.7|database-password-v2026-11'
