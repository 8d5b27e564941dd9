#!/usr/bin/env bash
# Runs the suites and ends with a table of their times. Arguments go to one pytest run instead.
#
# With two cores or more three things go on at once: the simulation, which only computes and asks no clock, at a low priority;
# the mesh of real processes (tests/integration/system), which mostly waits; and the rest, one suite after the other. What runs
# beside prints when it has ended.
set -uo pipefail
cd "$(dirname "$0")/.."
export PYTHONHASHSEED=${PYTHONHASHSEED:-random}

if [ $# -gt 0 ]; then
    exec .venv/bin/python -m pytest "$@"
fi

results=$(mktemp -d)
beside=()
trap '[ ${#beside[@]} -eq 0 ] || kill "${beside[@]}" 2>/dev/null; rm -rf "$results"' EXIT

what() { # suite: what pytest is given
    case $1 in
        integration) echo tests/integration --ignore=tests/integration/system ;;
        mesh) echo tests/integration/system ;;
        *) echo "tests/$1" ;;
    esac
}

run() { # suite
    local started=$SECONDS
    printf '\n━━ %s\n' "$1"
    # shellcheck disable=SC2046 # the words are ours
    .venv/bin/python -m pytest -q $(what "$1")
    echo "$((SECONDS - started)) $?" >"$results/$1.done"
}

run_beside() { # suite niceness: the same as a job of its own, which takes its pytest with it when it is ended
    local started=$SECONDS
    printf '\n━━ %s\n' "$1"
    # shellcheck disable=SC2046 # as above
    nice -n "$2" .venv/bin/python -m pytest -q $(what "$1") &
    trap 'kill %1 2>/dev/null' TERM
    wait %1
    echo "$((SECONDS - started)) $?" >"$results/$1.done"
}

line() { # suite
    local seconds code
    read -r seconds code <"$results/$1.done" || { seconds=0 code=1; }
    printf '%-12s %4d s  %s\n' "$1" "$seconds" "$([ "$code" -eq 0 ] && echo green || echo "RED ($code)")"
    return "$code"
}

suites=(simulation mesh unit ui integration)
aside=()
[ "$(nproc)" -lt 2 ] || aside=(simulation mesh)
for suite in "${aside[@]}"; do
    printf '• The %s runs beside the other suites; what it prints comes after them\n' "$suite"
    run_beside "$suite" "$([ "$suite" = simulation ] && echo 10 || echo 0)" >"$results/$suite.out" 2>&1 &
    beside+=($!)
done
for suite in "${suites[@]:${#aside[@]}}"; do
    run "$suite"
done
for at in "${!aside[@]}"; do
    [ -e "$results/${aside[at]}.done" ] || printf '\n• Waiting for the %s\n' "${aside[at]}"
    wait "${beside[at]}"
    cat "$results/${aside[at]}.out"
done
beside=()

printf '\n━━ time by suite\n'
failed=0
for suite in "${suites[@]}"; do
    line "$suite" || failed=1
done
printf '%-12s %4d s\n' whole "$SECONDS"
exit "$failed"
