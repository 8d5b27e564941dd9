"""What is measured beside the work: delays and the clock behind them, the pulse of the loop, a disk that hangs, operations."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.problem import Problem
from chorus_tui.engine.clock import SystemClock
from chorus_tui.engine.journal.delays import AUTHORS, FRESH_S, Delays
from chorus_tui.engine.protocol.envelope import timestamp
from chorus_tui.engine.runtime import health
from chorus_tui.engine.runtime.figures.calls import Calls
from chorus_tui.engine.runtime.figures.pulse import DISK_EVERY_S, DISK_TIMEOUT_S, Pulse

NOW = 1_800_000_000.0


class Usage(NamedTuple):
    """As the operating system tells it."""

    total: int
    used: int
    free: int


@given(
    offset=st.floats(-100, 100),
    delays=st.lists(st.floats(0, 0.4), min_size=1, max_size=8),
    wrong=st.floats(-1e6, 1e6),
)
def test_a_clock_that_is_off_is_told_within_the_networks_delay(offset, delays, wrong):
    """By three authors of whom one has a clock of its own: the median is ours, not theirs."""
    heard = Delays()
    for delay in delays:
        heard.hear("one", timestamp(NOW - offset), NOW + delay)
        heard.hear("two", timestamp(NOW - offset), NOW + delay)
        heard.hear("lost in time", timestamp(NOW - wrong), NOW + delay)
    told = heard.offset(NOW)

    assert told is not None
    assert offset - 0.002 <= told <= offset + max(delays) + 0.002


def test_what_is_no_time_and_what_is_long_ago_say_nothing():
    """No author heard, or not lately: no word on the clock. Delays are never less than nothing."""
    heard = Delays()
    for nonsense in ("", "yesterday", "9999-99-99", "0001-01-01T00:00:00"):
        heard.hear("one", nonsense, NOW)
    heard.hear("two", timestamp(NOW + 5), NOW)

    assert heard.offset(NOW + FRESH_S + 1) is None
    assert Delays().offset(NOW) is None
    assert heard.seen.counts[0] >= 1


def test_authors_without_end_take_no_memory_without_end():
    """Those not heard for longest are forgotten."""
    heard = Delays()
    for number in range(10 * AUTHORS):
        heard.hear(str(number), timestamp(NOW), NOW)

    assert len(heard._last) == AUTHORS


async def test_a_loop_that_is_held_up_shows_by_how_much(mock_clock):
    """A wake-up that comes 0.4 s late is counted so; one in time as nothing."""
    pulse = Pulse(SystemClock(), Path("/x"), usage=lambda _folder: Usage(100, 40, 60))
    async with trio.open_nursery() as nursery:
        await nursery.start(pulse.run)
        for jump in (1.0, 1.4):
            await trio.testing.wait_all_tasks_blocked()
            mock_clock.jump(jump)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()

    assert (pulse.lag.count, pulse.lag.sum) == (2, pytest.approx(0.4))
    assert (pulse.disk_free, pulse.disk_size, pulse.disk_problem) == (60, 100, "")


async def test_a_disk_that_hangs_holds_nothing_up_and_is_told(mock_clock):
    """The question waits in its thread; the loop goes on, and health says since when."""
    mock_clock.rate = 200
    hang, asked = threading.Event(), []

    def usage(_folder):
        asked.append(1)
        if len(asked) > 1:
            hang.wait(30)
        return Usage(100, 40, 60)

    pulse = Pulse(SystemClock(), Path("/data"), usage)
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(pulse.run)
            with trio.fail_after(10 * (DISK_EVERY_S + DISK_TIMEOUT_S)):
                while not pulse.disk_problem:
                    await trio.sleep(1)
            nursery.cancel_scope.cancel()
    finally:
        hang.set()
    engine = SimpleNamespace(clock=SystemClock(), folder=SimpleNamespace(path=Path("/data")))

    assert "/data does not answer within 10 s" in health._disk(engine, pulse).detail
    assert health._disk(engine, pulse).level == "degraded"


@pytest.mark.parametrize(
    ("free", "level", "word"),
    [(health.LITTLE_DISK + 1, "healthy", "GiB free"), (health.LITTLE_DISK, "degraded", "CHORUS_BLOB_QUOTA_MB")],
)
def test_a_disk_that_is_nearly_full_is_told_with_the_way_out(free, level, word):
    """The bound is the one of the alert."""
    pulse = SimpleNamespace(disk_problem="", disk_free=free)
    engine = SimpleNamespace(clock=SystemClock(), folder=SimpleNamespace(path=Path("/data")))
    found = health._disk(engine, pulse)

    assert found.level == level
    assert word in found.detail


@pytest.mark.parametrize(
    ("offset", "levels"), [(None, []), (4.9, ["healthy"]), (-5.1, ["degraded"]), (60.0, ["degraded"])]
)
def test_a_clock_that_differs_is_told(offset, levels):
    """Either way; nothing is said before another member was heard."""
    delays = SimpleNamespace(offset=lambda _now: offset)
    found = health._clock(SimpleNamespace(journal=SimpleNamespace(delays=delays), clock=SystemClock()))

    assert [check.level for check in found] == levels
    if offset and levels == ["degraded"]:
        assert ("ahead of" if offset > 0 else "behind") in found[0].detail


async def test_operations_are_counted_by_how_they_ended():
    """Answered, refused with a reason, failed; a caller that leaves counts as failed. What they answer stays theirs."""
    calls = Calls(SystemClock())

    async def well(request, _caller):
        return request * 2

    async def refused(_request, _caller):
        raise Problem(404, "gone", "Gone")

    async def broken(_request, _caller):
        raise KeyError("x")

    counted = calls.counted({"well": well, "refused": refused, "broken": broken})

    assert await counted["well"](21, None) == 42
    for name, error in (("refused", Problem), ("broken", KeyError)):
        with pytest.raises(error):
            await counted[name](1, None)
    assert dict(calls.outcomes) == {"ok": 1, "refused": 1, "failed": 1}
    assert calls.took.count == 3
