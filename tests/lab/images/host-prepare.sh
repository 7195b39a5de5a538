#!/bin/bash
# Makes what a real machine has of its own; both kinds of first processes of a lab host run it before sshd and dockerd.
set -eu
[ -s /etc/machine-id ] || tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id
ssh-keygen -q -A
mount -o remount,rw /sys
# No way out: a name or address outside of the lab fails at once instead of timing out.
ip route del default || true
ip route add unreachable default
# Names fail at once as well: nobody listens on this host's own port 53, seen from its containers too.
own=$(ip -4 -o address show dev eth0 | grep -o 'inet [0-9.]*')
echo "nameserver ${own#inet }" >/etc/resolv.conf
# As on a private network of a bastion and this host: nobody else gets an answer on the SSH port.
if [ -s /etc/lab/bastion ]; then
    iptables -w -I INPUT -i eth0 -p tcp --dport 22 ! -s "$(cat /etc/lab/bastion)" -j DROP
fi
