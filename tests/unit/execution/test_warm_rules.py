"""Which sandboxes wait: never more than allowed, never old ones, never where memory is short, always the last wished."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.models.task_spec import Limits
from chorus_tui.engine.execution.profile import bounds
from chorus_tui.engine.execution.settings import ExecutionSettings
from chorus_tui.engine.execution.warm_rules import IDLE_S, SPARE_MB, Kind, free_memory_mb, missing, surplus

SETTINGS = ExecutionSettings(owner="me")


def kind(image: str, memory_mb: int = 64) -> Kind:
    """A kind of sandbox."""
    return Kind(image, bounds(Limits(memory_mb=memory_mb), SETTINGS))


A, B, LARGE = kind("a"), kind("b"), kind("large", 2048)
kinds = st.sampled_from([A, B, LARGE])
wishes = st.dictionaries(kinds, st.floats(0, 2000), max_size=3)
waiting = st.lists(st.tuples(kinds, st.floats(0, 2000)), max_size=5)


@given(wishes, waiting, st.integers(0, 4), st.floats(0, 2000), st.floats(0, 5000))
def test_after_a_round_what_waits_is_bounded_fresh_wished_and_affordable(wished, there, most, now, free_mb):
    """Whatever waited before: after dropping and making it is at most so many, and each has its reason to be there."""
    dropped = surplus(wished, there, most, now=now, free_mb=free_mb)
    kept = [one for at, one in enumerate(there) if at not in dropped]
    made = missing(wished, [one for one, _ in kept], most, now=now, free_mb=free_mb)

    assert len(kept) + len(made) <= most
    for one in [*made, *(one for one, _ in kept)]:
        assert one in wished
        assert free_mb >= one.bounds.memory_mb + SPARE_MB
    assert all(now - since < IDLE_S for _, since in kept)
    assert not surplus(wished, [*kept, *((one, now) for one in made)], most, now=now, free_mb=free_mb)


def test_the_last_wished_kind_comes_first_and_then_they_take_turns():
    """With room for one it is the last wished; with room for three the two kinds share."""
    assert missing({A: 1, B: 2}, [], 1, now=3, free_mb=9999) == (B,)
    assert sorted(one.image_id for one in missing({A: 1, B: 2}, [], 3, now=3, free_mb=9999)) == ["a", "b", "b"]
    assert surplus({A: 1, B: 2}, [(A, 1.0)], 1, now=3, free_mb=9999) == [0]


def test_nothing_waits_for_an_old_wish_or_without_memory():
    """After its time a wish counts no more; a kind that would not fit is left out while a smaller one still waits."""
    assert missing({A: 0}, [], 1, now=IDLE_S, free_mb=9999) == ()
    assert missing({A: 1, LARGE: 2}, [], 1, now=3, free_mb=1000) == (A,)


def test_free_memory_is_what_the_kernel_says_is_available():
    """Not what is unused; a machine that does not say has none to spare."""
    assert free_memory_mb(["MemTotal: 9 kB", "MemFree: 1 kB", "MemAvailable:   2048 kB"]) == 2
    assert free_memory_mb(["MemTotal: 9 kB"]) == 0
