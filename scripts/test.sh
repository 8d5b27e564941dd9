#!/usr/bin/env bash
# Runs the suites one after the other and ends with a table of their times. Arguments go to one pytest run instead.
set -uo pipefail
cd "$(dirname "$0")/.."
export PYTHONHASHSEED=${PYTHONHASHSEED:-random}

if [ $# -gt 0 ]; then
    exec .venv/bin/python -m pytest "$@"
fi

suites=(unit simulation ui integration hostile)
table=() failed=0
for suite in "${suites[@]}"; do
    compgen -G "tests/$suite/**/test_*.py" >/dev/null || compgen -G "tests/$suite/test_*.py" >/dev/null ||
        compgen -G "tests/$suite/*/test_*.py" >/dev/null || continue
    printf '\n━━ %s\n' "$suite"
    started=$SECONDS
    .venv/bin/python -m pytest -q "tests/$suite"
    code=$?
    [ "$code" -eq 0 ] || failed=1
    table+=("$(printf '%-12s %4d s  %s' "$suite" $((SECONDS - started)) "$([ "$code" -eq 0 ] && echo green || echo "RED ($code)")")")
done

printf '\n━━ time by suite\n'
printf '%s\n' "${table[@]}"
exit "$failed"
