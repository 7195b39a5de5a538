#!/bin/bash
# lab-service start|stop|ready sshd|docker|containerd-store|rootless|podman: what an init system would do for the
# services of a lab host. The last three are started by tests alone: an engine of root's that keeps its images in
# containerd, one of the user deploy, and podman's API.
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

# Where there is an init system, it starts and stops its units; a socket would start docker again.
if [ -d /run/systemd/system ]; then
    case $action-$service in
    start-sshd | stop-sshd) exec systemctl "$action" ssh.service ;;
    start-docker) exec systemctl start docker.socket docker.service ;;
    stop-docker) exec systemctl stop docker.socket docker.service ;;
    esac
fi

case $action-$service in
start-sshd)
    mkdir -p /run/sshd
    # For locks; everybody may write there, as on any Debian.
    [ -d /run/lock ] || mkdir -m 1777 /run/lock
    /usr/sbin/sshd
    ;;
stop-sshd) stop /run/sshd.pid ;;
ready-sshd) [ -n "$(ss -Hltn 'sport = :22')" ] ;;
start-docker) setsid --fork dockerd >>/var/log/dockerd.log 2>&1 </dev/null ;;
stop-docker) stop /run/docker.pid ;;
start-containerd-store)
    mkdir -p /etc/docker-store
    sed 's/"storage-driver":"[^"]*"/"features":{"containerd-snapshotter":true}/' /etc/docker/daemon.json \
        >/etc/docker-store/daemon.json
    # The bridge is the first engine's, and so are the rules of the firewall.
    setsid --fork dockerd --config-file /etc/docker-store/daemon.json --host unix:///run/docker-store.sock \
        --data-root /var/lib/docker/store --exec-root /run/docker-store --pidfile /run/docker-store.pid \
        --bridge docker0 --iptables=false >>/var/log/docker-store.log 2>&1 </dev/null
    ;;
stop-containerd-store) stop /run/docker-store.pid ;;
ready-containerd-store) docker -H unix:///run/docker-store.sock info >/dev/null 2>&1 ;;
start-rootless)
    home=/home/deploy own=/run/user/1000
    install -d -m 700 -o deploy -g deploy "$own" "$home/.config" "$home/.config/docker" "$home/.local" \
        "$home/.local/share" "$home/.local/share/docker"
    # Layers do not lie on layers: those of this host's own file system.
    mount -t tmpfs -o mode=700,uid=1000,gid=1000 rootless "$home/.local/share/docker"
    sed 's/"cgroup-parent":"[^"]*",//; s/"exec-opts":\[[^]]*\],//' /etc/docker/daemon.json >"$home/.config/docker/daemon.json"
    [ -e /dev/net/tun ] || { mkdir -p /dev/net && mknod /dev/net/tun c 10 200; }
    chmod 666 /dev/net/tun
    setsid --fork su deploy -s /bin/sh -c "cd; export XDG_RUNTIME_DIR=$own PATH=/usr/sbin:/sbin:/usr/bin:/bin; \
        exec sh /usr/share/docker.io/contrib/dockerd-rootless.sh" >>/var/log/rootless.log 2>&1 </dev/null
    ;;
stop-rootless) stop /run/user/1000/docker.pid ;;
ready-rootless) docker -H unix:///run/user/1000/docker.sock info >/dev/null 2>&1 ;;
start-podman)
    mkdir -p /run/podman
    setsid --fork podman system service --time=0 unix:///run/podman/podman.sock >>/var/log/podman.log 2>&1 </dev/null
    ;;
stop-podman) pkill -f '^podman system service' ;;
ready-podman) curl -fsS --unix-socket /run/podman/podman.sock http://podman/version >/dev/null 2>&1 ;;
ready-docker) docker info >/dev/null 2>&1 ;;
*)
    echo "lab-service: unknown: $action $service" >&2
    exit 2
    ;;
esac
