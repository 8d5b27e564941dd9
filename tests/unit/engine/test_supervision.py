"""Supervised services: who fails is restarted and told of, the others go on; only a critical one that keeps failing ends all."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from chorus_tui.engine.clock import SystemClock
from chorus_tui.engine.runtime.supervision import CALM_S, MOST_FAILURES, Service, ServiceFailed, Supervisor


class Part:
    """Works for ``works_s`` and fails, ``fails`` times; then it goes on."""

    def __init__(self, fails: int, *, before_it_started: bool = False, works_s: float = 1.0) -> None:
        self.fails, self.early, self.works_s = fails, before_it_started, works_s
        self.runs = 0

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        self.runs += 1
        if not self.early:
            task_status.started()
        if self.runs <= self.fails:
            await trio.sleep(self.works_s)
            raise OSError("no more files")
        await trio.sleep_forever()


def first(group: BaseException) -> BaseException:
    """The one exception in a group."""
    while isinstance(group, BaseExceptionGroup):
        (group,) = group.exceptions
    return group


async def live(service: Service) -> None:
    """An engine of one service, to its end."""
    async with trio.open_nursery() as nursery:
        await Supervisor(SystemClock(), str).start(nursery, service)


async def test_a_service_that_fails_runs_again_and_is_told_until_it_is_calm(autojump_clock):
    """Also in its first run: the engine goes on, says which service and why, counts it, and forgets it after a calm minute."""
    part, supervisor = Part(2), Supervisor(SystemClock(), str)
    async with trio.open_nursery() as nursery:
        await supervisor.start(nursery, service := Service("files", part.run))
        await trio.sleep(10)
        assert (part.runs, service.failed_ever) == (3, 2)
        assert supervisor.problems() == [("files", "restarted after: OSError: no more files")]

        await trio.sleep(CALM_S)
        assert supervisor.problems() == []
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(("critical", "restartable", "runs"), [(True, True, MOST_FAILURES), (False, False, 1)])
async def test_one_that_cannot_be_restarted_ends_all_with_its_reason(autojump_clock, critical, restartable, runs):
    """A critical one after so many failures in a row, one that is not restartable at once."""
    part = Part(100)
    with pytest.raises(BaseExceptionGroup) as caught:
        await live(Service("files", part.run, critical=critical, restartable=restartable))

    assert isinstance(first(caught.value), ServiceFailed)
    assert str(first(caught.value)) == "files failed for good: OSError: no more files"
    assert part.runs == runs


async def test_what_is_no_longer_failing_again_and_again_is_not_for_good(autojump_clock):
    """A critical service that works for more than a minute between failures is restarted for ever."""
    part = Part(3 * MOST_FAILURES, works_s=CALM_S + 1)
    async with trio.open_nursery() as nursery:
        supervisor = Supervisor(SystemClock(), str)
        await supervisor.start(nursery, Service("files", part.run, critical=True))
        await trio.sleep(4 * MOST_FAILURES * CALM_S)
        assert part.runs == 3 * MOST_FAILURES + 1
        nursery.cancel_scope.cancel()


async def test_one_that_never_started_is_the_callers(autojump_clock):
    """Whoever starts the engine hears what kept a service from starting; nothing runs again."""
    part = Part(1, before_it_started=True)
    async with trio.open_nursery() as nursery:
        with pytest.raises(OSError, match="no more files"):
            await Supervisor(SystemClock(), str).start(nursery, Service("files", part.run))

    assert part.runs == 1
