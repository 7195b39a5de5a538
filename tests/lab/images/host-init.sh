#!/bin/bash
# First process of a lab host (below tini): prepares it, then starts sshd and dockerd.
set -eu
/usr/local/sbin/lab-prepare
/usr/local/sbin/lab-service start sshd
/usr/local/sbin/lab-service start docker
exec sleep infinity
