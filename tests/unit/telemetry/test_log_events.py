"""Every line an engine can log has a constant event and fields of the table; repeated ones are left out and counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import structlog

from chorus_tui.engine.telemetry.logs import MOST_A_MINUTE, MOST_EVENTS, WINDOW_S, Tally
from scripts import log_events

ROOT = Path(__file__).parents[3]


def test_every_line_has_a_constant_event_and_known_fields():
    """What differs from line to line stands in fields; so a line can be searched for, counted and rate-limited."""
    assert log_events.problems() == []
    assert len(log_events.lines()) > 150, "the finder finds them"


def test_what_breaks_the_rule_is_found(tmp_path, monkeypatch):
    """An event made at run time, and a field that nobody knows."""
    (tmp_path / "wrong.py").write_text('log.info(f"hello {name}", colour="red")\nlog.bind(x=1)\nmath.log(2)\n')
    monkeypatch.setattr(log_events, "ENGINE", tmp_path)

    assert [problem.partition(": ")[2] for problem in log_events.problems()] == [
        "the event is no constant text; put what differs into fields", "colour is not in the table of fields",
    ]  # fmt: skip


def test_durations_and_sizes_carry_their_unit():
    """Seconds end with ``_s``, sizes with ``_bytes``; no field tells either otherwise. Each field of the table is used."""
    used = {field for line in log_events.lines() for field in line.fields}

    assert set(log_events.FIELDS) - used == {"left_out"}
    for name in log_events.FIELDS:
        assert not re.search(r"(^|_)(seconds|ms|mb|kb|mib|size|duration|minutes)$", name), name


def test_the_page_is_made_from_the_source():
    """``make docs`` was run after the last change."""
    assert (ROOT / "docs/log-events.md").read_text() == log_events.markdown()


class Clock:
    """A monotonic clock, set by hand."""

    at = 0.0

    def __call__(self) -> float:
        return self.at


def pass_on(tally: Tally, event: str, **fields) -> dict | None:
    """What is written of one line; None when it is left out."""
    try:
        return tally.limit(None, "info", {"event": event, **fields})
    except structlog.DropEvent:
        return None


def test_an_event_that_repeats_is_left_out_and_told_of_when_it_comes_again():
    """Thirty a minute are written; the first of the next window says how many were not."""
    clock, tally = Clock(), None
    tally = Tally(clock)
    written = [pass_on(tally, "again") for _ in range(MOST_A_MINUTE + 12)]
    other = pass_on(tally, "another")
    clock.at = WINDOW_S
    after = pass_on(tally, "again")

    assert [line is not None for line in written] == [True] * MOST_A_MINUTE + [False] * 12
    assert other == {"event": "another"}
    assert after == {"event": "again", "left_out": 12}
    assert tally.suppressed == 12


def test_what_people_are_told_is_told_apart_by_its_words():
    """A hundred different lines of the event log all come through."""
    tally = Tally(Clock())

    assert all(pass_on(tally, "Told people", text=f"line {number}") for number in range(100))


@pytest.mark.parametrize("number", [3 * MOST_EVENTS])
def test_events_without_end_take_no_memory_without_end(number):
    """Those that have not come for a window are forgotten."""
    clock = Clock()
    tally = Tally(clock)
    for count in range(number):
        clock.at += 1.0
        pass_on(tally, "Told people", text=str(count))

    assert len(tally._windows) <= MOST_EVENTS + 1
