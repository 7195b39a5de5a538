#!/bin/bash
# lab-service start|stop|ready sshd|docker: what an init system would do for the two services of a lab host.
set -eu
action=$1 service=$2

# Waits until the process of a pid file is gone.
stop() {
    [ -s "$1" ] || return 0
    local pid
    pid=$(cat "$1")
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 200); do
        kill -0 "$pid" 2>/dev/null || { rm -f "$1"; return 0; }
        sleep 0.05
    done
    kill -KILL "$pid"
    rm -f "$1"
}

case $action-$service in
start-sshd)
    mkdir -p /run/sshd
    /usr/sbin/sshd
    ;;
stop-sshd) stop /run/sshd.pid ;;
ready-sshd) [ -n "$(ss -Hltn 'sport = :22')" ] ;;
start-docker) setsid --fork dockerd >>/var/log/dockerd.log 2>&1 </dev/null ;;
stop-docker) stop /run/docker.pid ;;
ready-docker) docker info >/dev/null 2>&1 ;;
*)
    echo "lab-service: unknown: $action $service" >&2
    exit 2
    ;;
esac
