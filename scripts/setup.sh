#!/usr/bin/env bash
# Makes .venv from the lock file: `setup.sh run` for the product, `setup.sh test` for its tests as well.
# Says what it does. What it cannot get it names, with the command that gets it.
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:-run}
say() { printf '• %s\n' "$*" >&2; }
die() { printf '✗ %s\n' "$@" >&2; exit 1; }
can_apt() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

apt_updated=
apt_install() { # packages, as root on a Debian-family machine
    if [ -z "$apt_updated" ]; then
        apt-get update -qq >/dev/null || die "apt-get update failed; is a package mirror in reach?"
        apt_updated=yes
    fi
    DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
        die "apt-get could not install: $*"
}

find_python() {
    for candidate in python3.13 python3.12 python3.11 python3; do
        if command -v "$candidate" >/dev/null &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    die "Python 3.11 or newer is needed and was not found." \
        "  Debian 12 or newer, Ubuntu 24.04 or newer:  sudo apt-get install python3 python3-venv"
}

make_venv() {
    local python=$1
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        can_apt || die "This Python cannot make virtual environments." "  Debian family:  sudo apt-get install python3-venv"
        say "Installing python3-venv"
        apt_install python3-venv
    fi
    say "Making the virtual environment .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
}

need_commands() { # command:package …
    local missing=() pair
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
    done
    [ ${#missing[@]} -eq 0 ] && return
    can_apt || die "Missing on this machine: ${missing[*]}" "  Debian family:  sudo apt-get install ${missing[*]}"
    say "Installing ${missing[*]}"
    apt_install "${missing[@]}"
}

case $what in
run) lock=requirements.lock ;;
test) lock=requirements-dev.lock ;;
*) die "usage: setup.sh run|test" ;;
esac

python=$(find_python)
stamp=.venv/.installed-$what
want=$(cat "$lock" pyproject.toml | sha256sum | cut -c1-64)
if [ "$(cat "$stamp" 2>/dev/null)" != "$want" ]; then
    .venv/bin/python -c '' 2>/dev/null || make_venv "$python"
    say "Installing the locked packages (about a minute the first time)"
    log=$(mktemp)
    pip() { .venv/bin/python -m pip "$1" -q --disable-pip-version-check --no-deps "${@:2}" >>"$log" 2>&1; }
    # First pip itself: that of a Python may be years old, and takes nearly twice as long for the rest.
    # Hashes are required. --no-deps: the lock is whole, and it holds one release that libp2p's metadata does not name.
    pip install --require-hashes -r <(sed -n '/^pip==/,/[^\\]$/p' "$lock") &&
        pip install --require-hashes --prefer-binary -r "$lock" &&
        pip install --no-build-isolation -e . || {
        tail -n 20 "$log" >&2
        die "The packages could not be installed; the last lines above say why."
    }
    rm -f "$log"
    echo "$want" >"$stamp"
fi

if [ "$what" = test ]; then
    need_commands git:git tmux:tmux age:age jq:jq ip:iproute2 nft:nftables ssh:openssh-client busybox:busybox-static promtool:prometheus \
        chromium-headless-shell:chromium-headless-shell kubectl:kubernetes-client systemd-analyze:systemd
fi
