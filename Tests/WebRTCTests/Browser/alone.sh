#!/bin/sh
# Runs a command in a network of its own with one address, 192.0.2.1, and a default route: alone.sh COMMAND…
# Firefox makes no connection on a loopback alone.
set -eu
[ "${1:-}" = inside ] || exec unshare --net -- "$0" inside "$@"
shift
ip link set lo up
ip link add here type veth peer name there
ip addr add 192.0.2.1/24 dev here
ip link set here up
ip link set there up
ip route add default dev here
exec "$@"
