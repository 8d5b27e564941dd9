#!/usr/bin/env bash
# Builds the image chorus-tui:TAG (default: latest) from this tree, and says what it does.
#
#   deploy/image/build.sh [--debian] [TAG]
#
# The base is python:3.11-slim-bookworm of a registry. With --debian, or when that image is neither here nor to be had, both bases
# are made from Debian packages on this machine. Where this machine has the base's Python, packages come by the lock file,
# each with its hash, before the build: the build itself needs no network then.
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { printf '• %s\n' "$*" >&2; }
die() { printf '✗ %s\n' "$@" >&2; exit 1; }

debian=
[ "${1:-}" != --debian ] || { debian=yes; shift; }
tag=${1:-latest}
base=python:3.11-slim-bookworm
python=.venv/bin/python
[ -x "$python" ] || python=${PYTHON:-python3}

docker version >/dev/null 2>&1 || die "No Docker Engine answers." "  chorus-tui doctor says what is missing."
if [ -z "$debian" ] && ! docker image inspect "$base" >/dev/null 2>&1 && ! timeout 60 docker pull -q "$base" >/dev/null 2>&1; then
    say "$base is not to be had here; the bases are made from Debian packages"
    debian=yes
fi
builder=$base
arguments=()
if [ -n "$debian" ]; then
    PYTHONPATH=. "$python" deploy/image/debian_base.py
    builder=chorus-build-base
    arguments+=(--build-arg BASE=chorus-runtime-base --build-arg BUILDER=$builder)
fi

packages=deploy/image/packages
line='import sys; print("%d.%d" % sys.version_info[:2])'
inside=$(docker run --rm --network none --entrypoint python3 "$builder" -c "$line") || die "$builder has no Python that runs."
want="$inside $(sha256sum requirements.lock | cut -c1-64)"
if [ "$inside" != "$("$python" -c "$line")" ]; then
    say "The base has Python $inside and this machine another: the build downloads the locked packages itself"
    find "$packages" -type f ! -name README.md -delete
else
    arguments+=(--build-arg PIP_NO_INDEX=1)
    [ -z "$debian" ] || arguments+=(--network none) # everything is here
    if [ "$(cat "$packages/.lock" 2>/dev/null)" != "$want" ]; then
        say "Downloading the locked packages (42 MB, each checked by its hash)"
        find "$packages" -type f ! -name README.md -delete
        "$python" -m pip download -q --disable-pip-version-check --no-deps --require-hashes --prefer-binary \
            -r requirements.lock -d "$packages" || die "The packages could not be downloaded; the lines above say why."
        echo "$want" >"$packages/.lock"
    fi
fi

say "Building chorus-tui:$tag"
docker buildx version >/dev/null 2>&1 || export DOCKER_BUILDKIT=0 # the classic builder, where there is no other
version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' chorus_tui/__init__.py)
docker build --quiet --tag "chorus-tui:$tag" "${arguments[@]}" \
    --build-arg VERSION="$version" \
    --build-arg REVISION="$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)" \
    --build-arg CREATED="$(git log -1 --format=%cI 2>/dev/null || echo unknown)" . >/dev/null
say "chorus-tui:$tag is there: $(docker image inspect --format '{{.Size}}' "chorus-tui:$tag" | awk '{printf "%d MB", $1 / 1e6}')"
