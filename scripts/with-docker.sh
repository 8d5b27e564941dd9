#!/usr/bin/env bash
# Runs a command with a Docker Engine: the one that answers, or a private one started here and stopped at the end.
#   with-docker.sh COMMAND [ARG …]
set -euo pipefail

say() { printf '• %s\n' "$*" >&2; }
die() { printf '✗ %s\n' "$@" >&2; exit 1; }

answers() { # socket
    [ -S "$1" ] && command -v python3 >/dev/null && python3 - "$1" <<'PY' 2>/dev/null
import socket, sys
s = socket.socket(socket.AF_UNIX); s.settimeout(5); s.connect(sys.argv[1])
s.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
sys.exit(0 if b"200 OK" in s.recv(4096) else 1)
PY
}

host=${DOCKER_HOST:-unix:///var/run/docker.sock}
if [[ $host != unix://* ]]; then
    exec "$@" # a remote engine was chosen; the product itself says whether it can use it
fi
if answers "${host#unix://}"; then
    exec "$@"
fi

how="  Debian 12 or newer:  sudo apt-get install docker.io   (then, if it is not running:  sudo systemctl start docker)
  elsewhere:           https://docs.docker.com/engine/install/
  if it runs already:  let your user reach it:  sudo usermod -aG docker \$USER   (and log in again)"

[ -z "${DOCKER_HOST:-}" ] || die "No Docker Engine answers at DOCKER_HOST=$DOCKER_HOST." "$how"
[ "$(id -u)" = 0 ] || die "No Docker Engine answers at ${host#unix://}; tasks run in its sandboxes." "$how"

if ! command -v dockerd >/dev/null; then
    command -v apt-get >/dev/null || die "No Docker Engine here, and this is no Debian-family machine." "$how"
    say "No Docker Engine here. Tasks run in its sandboxes, so the Debian package docker.io is needed."
    if [ -t 0 ] && [ "${CI:-}" != true ]; then
        read -r -p "  Install it now? [Y/n] " answer
        [[ ${answer:-y} == [Yy]* ]] || die "Then install a Docker Engine yourself:" "$how"
    fi
    say "Installing docker.io"
    apt-get update -qq >/dev/null
    DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get install -y -qq --no-install-recommends docker.io iptables cgroupfs-mount ca-certificates >/dev/null ||
        die "apt-get could not install docker.io."
fi

run=$(mktemp -d /tmp/chorus-docker.XXXXXX)
data=$(cd "$(dirname "$0")/.." && pwd)/.cache/docker
mkdir -p "$data"
# Where no init system mounted the control groups, the Debian helper does.
[ -e /sys/fs/cgroup/cgroup.controllers ] || [ -d /sys/fs/cgroup/memory ] || cgroupfs-mount 2>/dev/null || true

say "Starting a private Docker Engine (own socket and data; it is stopped at the end)"
# Sandboxes have no network, so the engine needs no bridge and touches no firewall. Images it pulls, so it has the machine's network.
dockerd --host "unix://$run/docker.sock" --data-root "$data" --exec-root "$run/exec" --pidfile "$run/docker.pid" \
    --bridge none --iptables=false --ip6tables=false >"$run/dockerd.log" 2>&1 </dev/null &
daemon=$!

stop() {
    trap - EXIT
    trap '' HUP INT TERM # a terminal that is closed, or a second ctrl+c, leaves no engine and no folder behind
    kill "$daemon" 2>/dev/null && wait "$daemon" 2>/dev/null || true
    umount "$run"/exec/netns/* 2>/dev/null || true
    rm -rf "$run"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

for _ in $(seq 300); do
    answers "$run/docker.sock" && break
    kill -0 "$daemon" 2>/dev/null || break
    sleep 0.1
done
if ! answers "$run/docker.sock"; then
    tail -n 15 "$run/dockerd.log" >&2
    die "The private Docker Engine did not start; its last lines are above."
fi

status=0
DOCKER_HOST="unix://$run/docker.sock" "$@" || status=$?
exit "$status"
