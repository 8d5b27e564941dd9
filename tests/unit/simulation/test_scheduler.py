"""The order of tasks is a function of the seed, and a stopped process does nothing."""

from __future__ import annotations

import random

import pytest
import trio
from trio.testing import MockClock

from chorus_tui.engine.simulated_time import JumpingClock
from chorus_tui.engine.simulation import scheduler
from chorus_tui.engine.simulation.scheduler import Stopped, WrongTrio, deterministic


def order(seed: int) -> list[int]:
    """In which order twenty tasks that become ready together run, three times over."""
    seen: list[int] = []

    async def one(number: int) -> None:
        for _ in range(3):
            await trio.sleep(1)
            seen.append(number)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(one, number)

    with deterministic(seed):
        trio.run(main, clock=MockClock(autojump_threshold=0))
    return seen


def test_a_seed_decides_the_order_of_tasks():
    """One seed, one order; other seeds, other orders."""
    assert order(1) == order(1)
    assert order(1) != order(2)


def test_another_trio_is_refused(monkeypatch):
    """A trio whose insides are not known is refused instead of replaying wrongly."""
    monkeypatch.setattr(scheduler, "version", lambda _name: "0.99.0")

    with pytest.raises(WrongTrio, match=r"0\.99\.0"), deterministic(1):
        pass


async def test_a_stopped_process_does_nothing_and_goes_on(autojump_clock):
    """While stopped no task below the root runs, not even one it was starting; others do. Then all go on."""
    stopped, seen = Stopped(), []

    async def process(name: str, *, task_status) -> None:
        task_status.started(trio.lowlevel.current_task())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ticks, name)
            await trio.sleep(1000)

    async def ticks(name: str) -> None:
        while True:
            await trio.sleep(1)
            seen.append((name, trio.current_time()))

    with stopped.in_force():
        async with trio.open_nursery() as nursery:
            first = await nursery.start(process, "first")
            await nursery.start(process, "second")
            await trio.sleep(2.5)
            stopped.stop(first)
            await trio.sleep(10)
            during = [name for name, at in seen if at > 2.5]
            stopped.go_on(first)
            await trio.sleep(2.1)
            nursery.cancel_scope.cancel()

    assert set(during) == {"second"}
    assert len([name for name, at in seen if name == "first" and at > 12]) == 3


async def test_one_is_stopped_after_the_other(autojump_clock):
    """What was found of a task's process while another one was stopped holds no longer than that."""
    stopped, seen = Stopped(), []

    async def process(name: str, *, task_status) -> None:
        task_status.started(trio.lowlevel.current_task())
        while True:
            await trio.sleep(1)
            seen.append((name, trio.current_time()))

    with stopped.in_force():
        async with trio.open_nursery() as nursery:
            first, second = await nursery.start(process, "first"), await nursery.start(process, "second")
            await trio.sleep(0.5)
            stopped.stop(first)
            await trio.sleep(10)
            stopped.stop(second)
            stopped.go_on(first)
            await trio.sleep(10)
            nursery.cancel_scope.cancel()
            stopped.go_on(second)

    assert {name for name, at in seen if at < 10.5} == {"second"}
    assert {name for name, at in seen if 10.5 <= at < 20} == {"first"}


async def test_a_stopped_process_can_be_killed(autojump_clock):
    """Cancelled while stopped, it ends when it is let go."""
    stopped = Stopped()

    async def process(scope: trio.CancelScope, *, task_status) -> None:
        with scope:
            task_status.started(trio.lowlevel.current_task())
            await trio.sleep_forever()

    with stopped.in_force():
        async with trio.open_nursery() as nursery:
            scope = trio.CancelScope()
            root = await nursery.start(process, scope)
            stopped.stop(root)
            await trio.sleep(1)
            scope.cancel()
            await trio.sleep(1)
            stopped.go_on(root)


@pytest.mark.parametrize("seed", range(5))
def test_the_shuffle_is_pythons_own(seed):
    """The quick shuffle gives the orders that Python's would, so that a seed means what it always meant."""
    quick, plain = scheduler._Chance(seed), random.Random(seed)
    for size in range(70):
        one, other = list(range(size)), list(range(size))
        quick.shuffle(one)
        plain.shuffle(other)

        assert one == other


async def test_a_task_is_not_woken_twice(autojump_clock):
    """Waking a task that runs already is a bug, and told as one."""
    found: list[trio.lowlevel.Task] = []

    async def wait() -> None:
        found.append(trio.lowlevel.current_task())
        await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.SUCCEEDED)

    with Stopped().in_force():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await trio.sleep(1)
            trio.lowlevel.reschedule(found[0])
            with pytest.raises(AssertionError, match="woken twice"):
                trio.lowlevel.reschedule(found[0])


@pytest.mark.timeout(30)
@pytest.mark.parametrize("clock", [MockClock(autojump_threshold=0), JumpingClock()])
def test_what_comes_from_outside_is_heard(clock):
    """A run that never rests hears what is called in from outside, as Ctrl-C is, though it seldom listens."""
    heard: list[int] = []

    async def main() -> None:
        trio.lowlevel.current_trio_token().run_sync_soon(heard.append, 1)
        for _ in range(scheduler.POLLED_EVERY + 2):
            await trio.lowlevel.checkpoint()

    with deterministic(1):
        trio.run(main, clock=clock)

    assert heard == [1]


def test_outside_a_run_there_is_no_time():
    """The short way to the time says outside of a run what trio says."""
    with deterministic(1), pytest.raises(RuntimeError, match="async context"):
        trio.current_time()
