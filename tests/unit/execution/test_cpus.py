"""The CPUs of an agent among its sandboxes, in time: Docker is told of shares that last, not of each that passes."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.execution.cpus import SETTLE_S, CpuBudget
from chorus_tui.engine.execution.errors import DockerRefused

TOTAL = 3.0


class Told:
    """What Docker was told of each container, in order; the names in ``gone`` it does not know."""

    def __init__(self, *gone: str) -> None:
        self.shares: dict[str, list[float]] = {}
        self._gone = gone

    async def set_cpus(self, container: str, cpus: float) -> None:
        """As the engine's API has it."""
        await trio.lowlevel.checkpoint()
        if container in self._gone:
            raise DockerRefused("no such container", status=404)
        self.shares.setdefault(container, []).append(cpus)


async def stay(nursery: trio.Nursery, budget: CpuBudget, name: str, wish: float, begin: float, seconds: float) -> None:
    """A sandbox from its start to its end."""
    await trio.sleep(begin)
    with budget.share(nursery, name, wish):
        await trio.sleep(seconds)


lives = st.tuples(st.floats(0.0, 2.0), st.floats(0.1, 3.0), st.floats(0.1, TOTAL))


@given(st.lists(lives, min_size=1, max_size=5))
def test_who_stays_has_a_fair_share_a_moment_after_the_last_change(found):
    """When nothing has changed for that long, those that run have together what there is, and none more than its wish; who was over
    sooner was never told."""
    told = Told()

    async def main() -> None:
        budget = CpuBudget(told, TOTAL)  # type: ignore[arg-type]
        async with trio.open_nursery() as nursery:
            for n, (begin, seconds, wish) in enumerate(found):
                nursery.start_soon(stay, nursery, budget, f"{n}", wish, begin, seconds)
            nursery.start_soon(stay, nursery, budget, "last", TOTAL, 5.0, 2 * SETTLE_S)
            nursery.start_soon(stay, nursery, budget, "long", TOTAL, 0.0, 20.0)
            await trio.sleep(5.0 + 1.5 * SETTLE_S)
            now = [told.shares.get(name, [TOTAL])[-1] for name in ("last", "long")]
            assert now == [TOTAL / 2, TOTAL / 2]
            await trio.sleep(3 * SETTLE_S)
            assert told.shares["long"][-1] == TOTAL

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    short = {f"{n}" for n, (_, seconds, _) in enumerate(found) if seconds < SETTLE_S * 0.99}
    assert not short & told.shares.keys()
    for n, (_, _, wish) in enumerate(found):
        assert all(0 < cpus <= wish for cpus in told.shares.get(f"{n}", []))


@pytest.mark.parametrize("count", [2, 4])
def test_many_that_come_at_once_are_told_once(count):
    """However many begin in the same moment: one word for each, and one more when all but one have gone."""
    told = Told()

    async def main() -> None:
        budget = CpuBudget(told, TOTAL)  # type: ignore[arg-type]
        async with trio.open_nursery() as nursery:
            for n in range(count):
                nursery.start_soon(stay, nursery, budget, f"{n}", TOTAL, 0.01 * n, 9.0 if n == 0 else 3.0)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert told.shares == {"0": [TOTAL / count, TOTAL], **{f"{n}": [TOTAL / count] for n in range(1, count)}}


def test_a_sandbox_that_is_just_ending_does_not_end_the_others():
    """Docker does not know it any more: the rest get their shares all the same."""
    told = Told("0")

    async def main() -> None:
        budget = CpuBudget(told, TOTAL)  # type: ignore[arg-type]
        async with trio.open_nursery() as nursery:
            for n in range(2):
                nursery.start_soon(stay, nursery, budget, f"{n}", TOTAL, 0.0, 3.0)

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert told.shares == {"1": [TOTAL / 2]}
