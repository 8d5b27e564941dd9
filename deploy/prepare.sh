#!/usr/bin/env bash
# What compose.yml and swarm.yml need of this machine, made once: the network's key as a file, and the group of the Docker socket.
#
#   deploy/prepare.sh [FOLDER]        FOLDER: where .env and secrets/ go; default: beside this script
#
# Nothing that is there is changed.
set -euo pipefail
folder=${1:-$(dirname "$0")}
socket=${DOCKER_SOCKET:-/var/run/docker.sock}

[ -S "$socket" ] || { printf '✗ There is no Docker socket at %s. Set DOCKER_SOCKET to where it is.\n' "$socket" >&2; exit 1; }
mkdir -p "$folder/secrets"
chmod 700 "$folder/secrets" # the file in it is read by the agents' user, so the folder keeps others out
if [ ! -s "$folder/secrets/network.key" ]; then
    head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$folder/secrets/network.key"
    chmod 444 "$folder/secrets/network.key"
    printf '• %s: a new network key; whoever has it is on the mesh\n' "$folder/secrets/network.key" >&2
fi
if [ ! -s "$folder/.env" ]; then
    printf 'DOCKER_SOCKET=%s\nDOCKER_GID=%s\n' "$socket" "$(stat -Lc %g "$socket")" >"$folder/.env"
    printf '• %s: where the Docker socket is, and the group that may use it\n' "$folder/.env" >&2
fi
