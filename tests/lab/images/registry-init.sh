#!/bin/bash
# Two registries over one storage: port 5000 open to all, port 5001 with a user name and a password.
set -eu
if [ -s /etc/lab/credentials ]; then
    IFS=: read -r user password </etc/lab/credentials
    printf '%s:%s\n' "$user" "$(printf '%s' "$password" | mkpasswd -s -m bcrypt -R 5)" >/etc/lab/htpasswd
    docker-registry serve /etc/lab/private.yml &
fi
exec docker-registry serve /etc/lab/public.yml
