"""Whatever bytes come, each parser takes them or refuses them with its own error; nothing else, and in time."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .targets import TARGETS, inputs

EXAMPLES = 60
SECONDS = 10
LONGEST_S = 2.0


def near(name: str) -> st.SearchStrategy[bytes]:
    """Inputs with some bytes changed, taken out, doubled: what gets past the first look."""
    kept = inputs(name)

    def changed(parts: tuple[bytes, int, int, bytes]) -> bytes:
        data, at, until, new = parts
        first, last = sorted((at % (len(data) + 1), until % (len(data) + 1)))
        return data[:first] + new + data[last:]

    return st.tuples(st.sampled_from(kept), st.integers(0, 4096), st.integers(0, 4096), st.binary(max_size=12)).map(
        changed
    )


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_what_is_kept_and_what_is_near_is_taken_or_refused(name) -> None:
    """Seeds, past breakers, changed seeds, and any bytes."""
    target = TARGETS[name]
    for data in inputs(name):
        target(data)

    @settings(max_examples=EXAMPLES, database=None)
    @given(near(name) | st.binary(max_size=300))
    def any_bytes(data: bytes) -> None:
        target(data)

    any_bytes()


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_large_and_deep_input_takes_no_long_time(name) -> None:
    """What an attacker would send to keep a parser busy: depth, length, numbers, all within what a frame may hold."""
    target = TARGETS[name]
    for data in (
        b"[" * 60_000,
        b'{"a":' * 12_000,
        b"9" * 60_000,
        b"\xff" * 60_000,
        b"a/" * 30_000,
        b"\n" * 60_000,
        b" " * 60_000,
        b"-" * 60_000,
    ):
        began = time.process_time()
        target(data)
        assert time.process_time() - began < LONGEST_S, data[:10]


def test_the_fuzzer_finds_nothing_in_a_moment(tmp_path) -> None:
    """All targets in one guided run; the hour is a row of the big counts."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile.fuzz", "--seconds", str(SECONDS), "--keep", str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=110,
        check=False,
    )

    found = {str(file.relative_to(tmp_path)): file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    assert found == {}, done.stderr[-3000:]
    assert done.returncode == 0, done.stderr[-3000:]
