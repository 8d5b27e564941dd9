"""What bounds a feed: what waits for gaps, how much new a peer says, and whose entries are kept at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.engine.journal.chain import AUTHORS_SHARE, HEADER_BYTES, Parked
from chorus_tui.engine.journal.database import InlineDatabase
from chorus_tui.engine.journal.flow import WINDOW_S, Flow, Limits, OverQuota, opens
from chorus_tui.engine.journal.store import SCHEMA
from chorus_tui.engine.protocol import messages, topics
from chorus_tui.engine.protocol.envelope import Entry, Header
from tests.unit.journal.test_erasure import erasing, follow
from tests.unit.journal.test_journal import OTHER, feed, journal

MESH, TASK = "a" * 64, "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def waiting(author: str, seq: int, size: int) -> Entry:
    """As much of an entry as waiting for a gap needs."""
    header = Header(author, "e" * 32, seq, None, "1:0:x", topics.COORDINATION, "goodbye", "0" * 64, size)
    return Entry(header, "", f"{author}{seq}", b"x" * size, None)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40), st.integers(0, 3000), st.booleans()), max_size=150),
    st.integers(1, 40),
    st.integers(AUTHORS_SHARE * (HEADER_BYTES + 3000), 200_000),
)
def test_what_waits_is_bounded_of_each_author_and_of_all(acts, limit: int, limit_bytes: int) -> None:
    """Whatever comes and goes: never more than the limits, of one author never more than its share, the newest always stays,
    what is taken is what was put, and the books agree."""
    parked = Parked(limit, limit_bytes)
    for author, seq, size, take in acts:
        if take:
            taken = parked.take(author, "e" * 32, seq)
            assert taken is None or taken.key == (author, "e" * 32, seq)
            continue
        parked.add(waiting(author, seq, size))
        assert len(parked) <= limit
        assert all(count <= max(1, limit // AUTHORS_SHARE) for count in parked.by_author().values())
        assert parked._all.bytes == sum(parked._all.sizes.values()) <= limit_bytes
        assert sum(parked.by_author().values()) == len(parked) == len(parked._all.sizes)
        assert parked.take(author, "e" * 32, seq).body == b"x" * size
        parked.add(waiting(author, seq, size))


def test_one_author_cannot_push_out_what_waits_of_another() -> None:
    """A flood by one leaves the other's entry where it is."""
    parked = Parked(80)
    parked.add(waiting("quiet", 7, 10))
    for seq in range(1000):
        parked.add(waiting("loud", seq, 10))

    assert parked.by_author() == {"quiet": 1, "loud": 80 // AUTHORS_SHARE}
    assert parked.take("loud", "e" * 32, 999) is not None


def test_large_bodies_are_bounded_by_their_bytes() -> None:
    """However few they are: of one author and of all, bytes count too."""
    parked = Parked(1000, 16 * AUTHORS_SHARE * HEADER_BYTES)
    for author in range(2 * AUTHORS_SHARE):
        for seq in range(10):
            parked.add(waiting(str(author), seq, 7 * HEADER_BYTES))

    assert set(parked.by_author().values()) == {2}
    assert len(parked) == 2 * AUTHORS_SHARE


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 8))
def test_never_more_than_the_limit_within_any_minute(pauses: list[float], per_minute: int) -> None:
    """Whenever it is tried: within any minute at most ``per_minute`` pass, a refusal names when it ends, and then one passes."""
    flow, now, passed = Flow(Limits(per_minute, 10**9)), 0.0, []
    for pause in pauses:
        now += pause
        if flow.last_minute(now) < per_minute:
            flow.admit(1, now)
            passed.append(now)
            continue
        with pytest.raises(OverQuota) as caught:
            flow.admit(1, now)
        assert caught.value.limit == "per_minute"
        assert 0 <= caught.value.ends_s <= WINDOW_S + 1e-6
        assert flow.last_minute(now + caught.value.ends_s + 1e-6) < per_minute

    assert all(sum(0 <= at - other < WINDOW_S for other in passed) <= per_minute for at in passed)


@given(st.lists(st.tuples(st.integers(1, 50), st.booleans()), max_size=60))
def test_never_more_than_the_total(acts: list[tuple[int, bool]]) -> None:
    """What was not said after all makes room again; the sum stays within the limit."""
    flow, held = Flow(Limits(10**6, 200)), 0
    for size, fails in acts:
        if held + size > 200:
            with pytest.raises(OverQuota) as caught:
                flow.admit(size, 0.0)
            assert (caught.value.limit, caught.value.ends_s) == ("total", None)
            continue
        flow.admit(size, 0.0)
        if fails:
            flow.take_back(size)
        else:
            held += size
        assert flow.total == held <= 200


def test_only_what_opens_something_counts() -> None:
    """Results, cancellations, goodbyes, answers, objections and tasks that go on from another mesh pass whatever was said
    before."""
    assert [name for name in messages.TYPES if opens(name, {})] == [
        "task_announcement", "meta_discussion", "hmmm_message", "decision_proposal", "patch_created", "expertise_request",
        "mentorship_request", "role_collaboration", "feedback_event", "context_request", "collab_session", "collab_chat",
        "ucxl_version",
    ]  # fmt: skip
    assert not opens("task_announcement", {"continues": TASK})
    assert not opens("ucxl_version", {"tombstone": True})
    assert [opens("hmmm_message", {"type": kind}) for kind in ("proposal", "objection")] == [True, False]


def announcement(n: int) -> dict:
    """The n-th task of a peer."""
    spec = TaskSpec(title=f"task {n}", commands=["true"], description="x" * 1000)
    return {"task_id": TASK[:-2] + f"{n:02}", "mesh_id": MESH, "spec": spec.model_dump()}


async def test_over_quota_is_refused_to_its_own_author_and_what_closes_passes() -> None:
    """The refused one is not in the feed; a result, a cancellation and a goodbye are said all the same."""
    mine = journal(limits=Limits(per_minute=2))
    await mine.open()
    for n in range(2):
        await mine.say("task_announcement", announcement(n))
    before = mine.count()
    with pytest.raises(OverQuota, match="2 things within a minute"):
        await mine.say("task_announcement", announcement(2))
    assert mine.count() == before
    about = {"task_id": TASK, "mesh_id": MESH}
    await mine.say("task_complete", {**about, "attempt": 1, "result": {"outcome": "completed"}})
    await mine.say("task_cancel_request", about)
    await mine.say("goodbye", {})

    assert mine.count() == before + 3


async def test_the_total_is_counted_again_at_the_start_and_erasing_makes_room() -> None:
    """A restart forgets no byte; after an erasure there is room for one of the same size."""
    limits = Limits(total_bytes=4_600)
    database = InlineDatabase(SCHEMA)
    mine = journal(database, limits=limits)
    await mine.open()
    first = await mine.say("task_announcement", announcement(0))
    await mine.say("task_announcement", announcement(1))
    again = journal(InlineDatabase(SCHEMA, database.image()), seed=3, limits=limits)
    await again.open()
    with pytest.raises(OverQuota, match="total"):
        await again.say("task_announcement", announcement(2))
    again.erasures.apply(erasing(first))
    await follow(again)

    await again.say("task_announcement", announcement(2))


async def test_a_receiver_never_refuses_by_quota() -> None:
    """Whatever another author says, all of it is taken in: else feeds would differ."""
    mine = journal(limits=Limits(per_minute=1, total_bytes=1))
    await mine.open()

    assert await mine.accept(feed(300), OTHER.peer_id) == 300


async def test_the_feed_of_a_stranger_is_kept_only_when_it_was_a_member() -> None:
    """A member brings entries of somebody it made up: none is kept, parked or acknowledged; when a control log makes a member of
    the author, all are asked for again."""
    mine = journal()
    ever: set[str] = set()
    mine.set_membership(lambda _peer: True, ever.__contains__)
    await mine.open()
    before = mine.count()
    assert await mine.accept(feed(3), "a member") == 0
    assert await mine.accept(feed(9)[5:], "a member") == 0
    assert (mine.count(), len(mine._acceptance.parked)) == (before, 0)
    assert mine.intake._counters.refused["stranger"] == 7

    asked: list[bool] = []
    mine.replication.ask_all = lambda: asked.append(True)
    mine.members_changed()
    assert asked == []
    ever.add(OTHER.peer_id)
    mine.members_changed()
    assert asked == [True]
    assert await mine.accept(feed(3), "a member") == 3
