"""Rates: what was counted in each span, per second; spans lost to sleep or erasure make no peaks and no dips."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.models.status import Rate
from chorus_tui.engine.runtime.rates import EVERY_S, KEPT, Rates
from chorus_tui.telling import rates as telling


class World:
    """A clock and one total."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.total = 500.0
        self.rates = Rates({"heard": lambda: self.total}, lambda: self.now)
        self.rates.look()

    def span(self, more: float, seconds: float = EVERY_S) -> None:
        self.now += seconds
        self.total += more
        self.rates.look()


@given(st.lists(st.tuples(st.integers(0, 10_000), st.floats(1, 10_000)), max_size=2 * KEPT))
def test_a_span_says_how_much_there_was_in_a_second_of_it(spans):
    """However long each took: amount over time, the newest last, never more than are kept; what was before the start counts nowhere."""
    world = World()
    for more, seconds in spans:
        world.span(more, seconds)

    wanted = [round(more / seconds, 2) for more, seconds in spans][-KEPT:]
    assert [one.per_second for one in world.rates.present()] == ([wanted] if wanted else [])


def test_a_total_that_shrinks_is_no_traffic():
    """Entries were erased: the span has none, and the next counts from there."""
    world = World()
    world.span(-300)
    world.span(30)

    assert world.rates.present()[0].per_second == [0.0, 2.0]


@given(st.lists(st.floats(0, 1e6), max_size=40))
def test_a_sparkline_keeps_the_order(values):
    """One bar a value; a larger value has no lower bar, the largest has the tallest one, nothing has the lowest."""
    bars = telling.sparkline(values)
    heights = [telling.BARS.index(bar) for bar in bars]

    assert len(bars) == len(values)
    assert [height for _, height in sorted(zip(values, heights, strict=True))] == sorted(heights)
    assert [height for value, height in zip(values, heights, strict=True) if value == 0] == [0] * values.count(0)
    if max(values, default=0) > 0:
        assert heights[values.index(max(values))] == len(telling.BARS) - 1


def test_a_line_ends_with_the_number_of_now():
    """Bars for how it has been, then how it is."""
    assert telling.line(Rate(name="heard", every_s=15.0, per_second=[0.0, 8.0, 3.25])) == "▁█▄ 3.25/s"
