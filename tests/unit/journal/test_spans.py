"""Which stretch of time a reader of the journal asks for, and that it gets the entries of that one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.models.journal import TailJournal
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.journal import spans
from chorus_tui.engine.journal.fleeting import Fleeting
from chorus_tui.engine.journal.intake import Heard, readable
from chorus_tui.engine.protocol import envelope, topics
from tests.unit.journal.test_journal import OTHER, journal

NOW = 1_800_000_000.0


class AtNow:
    """A clock whose wall is where it is set."""

    def __init__(self) -> None:
        self.at = NOW

    def wall(self) -> float:
        return self.at


def said(moments_ms: list[int]) -> list[Heard]:
    """A feed of OTHER, an entry at each moment of its clock."""
    made, prev = [], None
    for seq, ms in enumerate(moments_ms):
        words = envelope.make("goodbye", OTHER.peer_id, {"reason": f"{seq}"}, ms / 1000)
        entry = envelope.seal(words, topics.COORDINATION, OTHER, epoch="a" * 32, seq=seq, prev=prev, hlc=f"{ms}:0:x")
        prev = entry.hash
        made.append(readable(entry))
    return made


def rfc(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(("fields", "found"), [
    ({}, (None, None)), ({"since": "2h"}, (NOW - 7200, None)), ({"until": "1.5m"}, (None, NOW - 90)),
    ({"since": "2027-01-15T08:00:00Z", "until": "2027-01-15T10:00:30+02:00"}, (NOW, NOW + 30)),
    ({"since": "3d", "until": "10 m"}, (NOW - 259_200, NOW - 600)),
])  # fmt: skip
def test_a_time_back_from_now_and_a_point_in_time(fields, found):
    """Both come to Unix milliseconds, each end by itself."""
    wanted = spans.Span(*(None if one is None else int(one * 1000) for one in found))

    assert spans.asked(TailJournal(**fields), NOW) == wanted


@pytest.mark.parametrize(("fields", "field", "told"), [
    ({"since": "yesterday"}, "since", "RFC 3339"), ({"until": ""}, "until", "90s, 10m, 2h, 3d"), ({"since": "-5m"}, "since", "neither"),
    ({"until": "2027-01-15T08:00:30"}, "until", "end it with Z"), ({"since": "1h", "until": "2h"}, "until", "later than 'since'"),
    ({"since": "1h", "until": "60m"}, "until", "later than 'since'"), ({"since": "٣d"}, "since", "neither"),
])  # fmt: skip
def test_what_is_no_time_is_told_at_its_field_with_the_way_out(fields, field, told):
    """No time, no zone, nothing between the two."""
    with pytest.raises(Problem) as caught:
        spans.asked(TailJournal(**fields), NOW)

    assert (caught.value.status, list(caught.value.fields)) == (422, [field])
    assert told in caught.value.fields[field]


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=12).map(sorted),
    st.none() | st.integers(0, 30),
    st.none() | st.integers(0, 30),
    st.integers(1, 5),
)
async def test_the_pages_of_a_stretch_hold_its_entries_once(
    at: list[int], since: int | None, until: int | None, limit: int
) -> None:
    """Read page by page to the end: each entry from ``since`` on and before ``until``, in order, and no other."""
    if since is not None and until is not None and until <= since:
        return
    mine, base = journal(), 1_700_000_000_000
    await mine.open()
    await mine.accept(said([base + moment for moment in at]), OTHER.peer_id)
    ends = {name: rfc(base + end) for name, end in (("since", since), ("until", until)) if end is not None}
    got, cursor = [], None
    while True:
        page = await mine.tail(TailJournal(limit=limit, author=OTHER.peer_id, cursor=cursor, **ends))
        got[:0] = [entry.seq for entry in page.entries]
        cursor = page.next
        if cursor is None:
            break

    low, high = -1 if since is None else since, 31 if until is None else until
    assert got == [seq for seq, moment in enumerate(at) if low <= moment < high]


async def test_a_cursor_belongs_to_its_stretch() -> None:
    """With another one it is refused: who pages on under other ends would miss some."""
    mine = journal()
    await mine.open()
    await mine.accept(said([1_700_000_000_000, 1_700_000_000_001]), OTHER.peer_id)
    first = await mine.tail(TailJournal(limit=1, since="9999d"))

    with pytest.raises(Problem) as caught:
        await mine.tail(TailJournal(limit=1, since="9998d", cursor=first.next))
    assert list(caught.value.fields) == ["cursor"]


async def test_what_is_fleeting_is_told_by_when_it_was_heard() -> None:
    """The log of what is kept nowhere takes the same ends."""
    clock = AtNow()
    log = Fleeting(clock)  # type: ignore[arg-type]
    for second in range(5):
        clock.at = NOW + second
        await log.hear("heartbeat", f"p{second}", None, "t")  # type: ignore[arg-type]
    span = spans.asked(TailJournal(since=rfc(int(NOW + 1) * 1000), until=rfc(int(NOW + 3) * 1000)), NOW)

    assert [one.author for one in log.tail(10, None, None, span).messages] == ["p1", "p2"]
