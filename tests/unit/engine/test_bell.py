"""The bell of a loop, in trio's time and in simulated time: the two are to be told apart by nothing but the time they take."""

from __future__ import annotations

import itertools
import random
from functools import partial

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from chorus_tui.engine.bell import QUARTER_S, Bell, Change, pause
from chorus_tui.engine.mesh.simulated_mesh import Wire
from chorus_tui.engine.simulated_time import JumpingClock, Sleeper, light_sleep

CLOCKS = {"trio's": lambda: MockClock(autojump_threshold=0), "simulated": JumpingClock}
ROUNDS = 12
NANOSECOND = 1e-9


def heard(
    clock: trio.abc.Clock, rings: list[float], work: list[float], within: float, apart: float
) -> list[tuple[float, bool]]:
    """When a loop with rounds of ``work`` seconds was woken, and whether by a ring."""

    async def main() -> list[tuple[float, bool]]:
        bell, told = Bell(), []
        start = trio.current_time()

        async def ring(at: float) -> None:
            await trio.sleep_until(start + at)
            bell.ring()

        async with trio.open_nursery() as nursery:
            for at in rings:
                nursery.start_soon(ring, at)
            for seconds in work:
                rang = await bell.rung(within, apart)
                told.append((trio.current_time() - start, rang))
                await trio.sleep(seconds)
            nursery.cancel_scope.cancel()
        return told

    with light_sleep():
        return trio.run(main, clock=clock)


@pytest.mark.parametrize("kind", CLOCKS)
@given(data=st.data())
def test_no_ring_is_lost_and_none_comes_too_soon(kind, data):
    """Each ring is followed by a round that begins at it or after it, as soon as the round before has ended and ``apart`` has passed;
    without a ring a round begins when ``within`` has passed: in simulated time exactly, in trio's at the quarter of a second next to it."""
    # No two of these times fall on one moment, where either order would be right.
    dice = random.Random(data.draw(st.integers(0, 1 << 32)))
    rings = sorted(dice.uniform(0, 6) for _ in range(data.draw(st.integers(0, 6))))
    work = [dice.uniform(0, 1.5) for _ in range(ROUNDS)]
    within, apart = dice.uniform(0.3, 2), dice.choice([0.0, dice.uniform(0.01, 0.29)])

    told, free, last = [], 0.0, -apart
    left = list(rings)
    for seconds in work:
        end = free + within if kind == "simulated" else round((free + within) / QUARTER_S) * QUARTER_S
        rang = bool(left) and left[0] < end
        at = max(free, left[0], last + apart) if rang else end
        left = [one for one in left if one > at]
        told.append((at, rang))
        free, last = at + seconds, at

    seen = heard(CLOCKS[kind](), rings, work, within, apart)
    assert [rang for _, rang in seen] == [rang for _, rang in told]
    assert [at for at, _ in seen] == pytest.approx([at for at, _ in told], abs=NANOSECOND)


def wakings(clock: trio.abc.Clock, seconds: float, begun: list[float]) -> list[list[float]]:
    """When loops that began at these moments, and pause for so long, had their rounds."""

    async def loop(at: float, woken: list[float]) -> None:
        await trio.sleep(at)
        for _ in range(ROUNDS):
            await pause(seconds)
            woken.append(trio.current_time())
            await trio.sleep(seconds / 100)

    async def main() -> list[list[float]]:
        woken: list[list[float]] = [[] for _ in begun]
        async with trio.open_nursery() as nursery:
            for at, own in zip(begun, woken, strict=True):
                nursery.start_soon(loop, at, own)
        return woken

    with light_sleep():
        return trio.run(main, clock=clock)


@given(seconds=st.sampled_from([0.25, 0.5, 1.0]), begun=st.lists(st.floats(0, 3), min_size=1, max_size=9))
def test_loops_of_one_engine_wake_together(seconds, begun):
    """Whenever they began: at whole quarters of a second, each as often as it asked, the first time an eighth sooner or later at most."""
    for at, woken in zip(begun, wakings(CLOCKS["trio's"](), seconds, begun), strict=True):
        assert all(moment % QUARTER_S == 0 for moment in woken)
        assert abs(woken[0] - at - seconds) <= QUARTER_S / 2 + NANOSECOND
        assert [later - moment for moment, later in itertools.pairwise(woken)] == [seconds] * (ROUNDS - 1)


@given(seconds=st.floats(0.01, 2), begun=st.lists(st.floats(0, 3), min_size=1, max_size=9))
def test_in_simulated_time_every_loop_keeps_its_own(seconds, begun):
    """Peers of one simulation have one clock: did their loops wake together, they would all be in step, as no mesh is."""
    for at, woken in zip(begun, wakings(JumpingClock(), seconds, begun), strict=True):
        assert woken[0] == pytest.approx(at + seconds, abs=NANOSECOND)


@pytest.mark.parametrize("seconds", [0.02, 0.2])
def test_short_pauses_are_exact(seconds):
    """What is asked for to a hundredth is not made a quarter."""
    [woken] = wakings(CLOCKS["trio's"](), seconds, [0.1])
    assert woken[0] == pytest.approx(0.1 + seconds, abs=NANOSECOND)


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)), min_size=1, max_size=9))
def test_sleepers_wake_when_they_asked_or_are_cancelled(sleeps):
    """Each at its time and no other, or when its scope ends before; the clock never goes back."""

    async def one(seconds: float, patience: float, woken: list[tuple[float, float]]) -> None:
        with trio.move_on_after(patience):
            await trio.sleep(seconds)
        woken.append((trio.current_time(), min(seconds, patience)))

    async def main() -> list[tuple[float, float]]:
        woken: list[tuple[float, float]] = []
        async with trio.open_nursery() as nursery:
            for seconds, patience in sleeps:
                nursery.start_soon(one, seconds, patience, woken)
        return woken

    with light_sleep():
        woken = trio.run(main, clock=JumpingClock())

    assert [at for at, _ in woken] == pytest.approx([asked for _, asked in woken], abs=NANOSECOND)
    assert [at for at, _ in woken] == sorted(at for at, _ in woken)


@pytest.mark.parametrize("kind", CLOCKS)
@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5)), min_size=1, max_size=9))
def test_what_is_on_its_way_arrives_when_it_is_due(kind, sent):
    """Whatever was sent before it, later or sooner: a wire that waits for something late is up for what is due first."""

    async def main() -> list[tuple[float, float]]:
        wire, came = Wire(), []

        def arrive(due: float) -> None:
            came.append((trio.current_time() - start, due))

        start = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wire.run)
            for at, delay in sorted(sent):
                await trio.sleep_until(start + at)
                wire.at(start + at + delay, partial(arrive, at + delay))
            await trio.sleep_until(start + 11)
            nursery.cancel_scope.cancel()
        return came

    with light_sleep():
        came = trio.run(main, clock=CLOCKS[kind]())

    assert sorted(due for _, due in came) == sorted(at + delay for at, delay in sent)
    assert [at for at, _ in came] == pytest.approx([due for _, due in came], abs=NANOSECOND)


def test_a_sleeper_is_woken_once():
    """By hand before its time; the time that comes later, and a second hand, find nobody."""

    async def main() -> float:
        sleeper = Sleeper()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sleeper.sleep_until, 5.0)
            await trio.sleep(1)
            sleeper.wake()
            sleeper.wake()
        woken = trio.current_time()
        await trio.sleep(9)
        return woken

    with light_sleep():
        assert trio.run(main, clock=JumpingClock()) == 1.0


async def test_a_change_is_told_to_all_who_wait_just_then():
    """Each of them goes on; who comes later waits for the next one, and who took it before looking misses none."""
    change, heard = Change(), []

    async def wait(name: str, next_: trio.Event) -> None:
        await next_.wait()
        heard.append(name)

    async with trio.open_nursery() as nursery:
        for name in "ab":
            nursery.start_soon(wait, name, change.next)
        taken = change.next
        await wait_all_tasks_blocked()
        change.tell()
        nursery.start_soon(wait, "late", change.next)
        nursery.start_soon(wait, "taken before", taken)
        await wait_all_tasks_blocked()
        assert sorted(heard) == ["a", "b", "taken before"]
        nursery.cancel_scope.cancel()
