#!/usr/bin/env bash
# Builds the wheel and the source distribution into a folder (default: dist/), with the commit and its date inside, for --version.
#
#   scripts/dist.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-dist}
python=${PYTHON:-.venv/bin/python}

info=chorus_tui/build.json
trap 'rm -f "$info"' EXIT
printf '{"hash": "%s", "date": "%s"}\n' "$(git rev-parse --short=12 HEAD)" "$(git log -1 --format=%cI)" >"$info"
# Files are dated by the commit, so that the same commit gives the same bytes.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) "$python" -m hatchling build -d "$out" >/dev/null
printf '• %s\n' "$out"/*.whl "$out"/*.tar.gz >&2
