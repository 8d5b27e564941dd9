#!/usr/bin/env bash
# Runs the suites and ends with a table of their times. Arguments go to one pytest run instead.
#
# The simulation only computes and asks no clock, the others mostly wait for real processes: so with two cores or more it runs
# beside them, at a low priority, and what it printed follows theirs.
set -uo pipefail
cd "$(dirname "$0")/.."
export PYTHONHASHSEED=${PYTHONHASHSEED:-random}

if [ $# -gt 0 ]; then
    exec .venv/bin/python -m pytest "$@"
fi

results=$(mktemp -d)
beside=
trap '[ -z "$beside" ] || kill "$beside" 2>/dev/null; rm -rf "$results"' EXIT

run() { # suite
    local started=$SECONDS
    printf '\n━━ %s\n' "$1"
    .venv/bin/python -m pytest -q "tests/$1"
    echo "$((SECONDS - started)) $?" >"$results/$1.done"
}

run_beside() { # suite: the same as a job of its own, which takes its pytest with it when it is ended
    local started=$SECONDS
    printf '\n━━ %s\n' "$1"
    nice -n 10 .venv/bin/python -m pytest -q "tests/$1" &
    trap 'kill %1 2>/dev/null' TERM
    wait %1
    echo "$((SECONDS - started)) $?" >"$results/$1.done"
}

line() { # suite
    local seconds code
    read -r seconds code <"$results/$1.done"
    printf '%-12s %4d s  %s\n' "$1" "$seconds" "$([ "$code" -eq 0 ] && echo green || echo "RED ($code)")"
    return "$code"
}

suites=(simulation unit ui integration)
if [ "$(nproc)" -ge 2 ]; then
    printf '• The simulation runs beside the other suites; what it prints comes after them\n'
    run_beside simulation >"$results/simulation.out" 2>&1 &
    beside=$!
else
    run simulation
fi
for suite in "${suites[@]:1}"; do
    run "$suite"
done
if [ -e "$results/simulation.out" ]; then
    [ -e "$results/simulation.done" ] || printf '\n• Waiting for the simulation\n'
    wait "$beside"
    beside=
    cat "$results/simulation.out"
fi

printf '\n━━ time by suite\n'
failed=0
for suite in "${suites[@]}"; do
    line "$suite" || failed=1
done
printf '%-12s %4d s\n' whole "$SECONDS"
exit "$failed"
