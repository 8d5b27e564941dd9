"""Secrets in the output of programs that paint it: what a terminal is told is no part of them, and hides none."""

from __future__ import annotations

from random import Random

import pytest

from chorus_tui.engine.execution.output import readable
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.engine.shhh.stream import StreamRedactor
from tests.support.secrets import own_ids, samples

RED, PLAIN = "\x1b[01;31m\x1b[K", "\x1b[m\x1b[K"
REDACTOR = Redactor(["a secret of this node"])
SHAPES = [*samples(Random(2)), ("own", "a secret of this node", "a secret of this node")]


def shown(text: str) -> str:
    """What people and models see of a line that a program printed."""
    stream = StreamRedactor(REDACTOR)
    return readable(stream.feed(text.encode()) + stream.flush())


@pytest.mark.parametrize("rule", sorted({rule for rule, _, _ in SHAPES}))
def test_a_secret_that_is_painted_is_found(rule):
    """Its value alone, as grep does where that is what was looked for, or a part of it; what stands beside it stays."""
    for shape, text, secret in SHAPES:
        if shape != rule or secret not in text or "\n" in secret:
            continue
        before, _, behind = text.partition(secret)
        half = len(secret) // 2
        for painted in (f"{RED}{secret}{PLAIN}", f"{secret[:half]}{RED}{secret[half:]}{PLAIN}"):
            seen = shown(f"first {before}{painted}{behind} last\n")

            assert secret not in seen
            assert "[REDACTED:" in seen
            assert seen.startswith("first ")
            assert seen.endswith(" last\n")


def test_what_is_painted_and_no_secret_stays_as_it_is():
    """To the byte: colours too."""
    for one in own_ids(Random(3), 300):
        line = f"{RED}{one} {PLAIN} \x1b[32mok\x1b[0m \x1b[ \x1b"

        assert REDACTOR.text(line) == line


def test_a_line_is_redacted_once():
    """What stands beside a marker in a colour is not found again."""
    line = REDACTOR.text(f"password={RED}hunter2-and-more{PLAIN}; \x1b[1mtoken\x1b[0m")

    assert line.count("[REDACTED:") == 1
    assert REDACTOR.text(line) == line
