#!/usr/bin/env bash
# Runs all tests (see suites.py), or with arguments one pytest with these.
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONHASHSEED=${PYTHONHASHSEED:-random}

if [ $# -gt 0 ]; then
    exec .venv/bin/python -m pytest "$@"
fi
exec .venv/bin/python scripts/suites.py
