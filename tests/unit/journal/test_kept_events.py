"""What a reader that comes back is told: everything since, or that something is gone; never a hole in silence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.journal import events as bus_module
from chorus_tui.engine.journal.events import EventBus
from chorus_tui.engine.journal.kept_events import KeptEvents

TOPICS = ("tasks", "peers", "log", "output:x")
happening = st.lists(
    st.tuples(st.sampled_from(TOPICS), st.sampled_from(["a", "b", "c", None]), st.booleans()), max_size=40
)  # topic, key, whether anybody is told


@given(happening, st.integers(0, 40), st.integers(1, 6), st.integers(1, 6))
def test_nothing_is_lost_in_silence(story, came, most_keys, most_lines):
    """Of each topic without a gap, the newest state of every key and every line since are there, in order."""
    from chorus_tui.contract.events import Event

    kept = KeptEvents(most_keys=most_keys, most_lines=most_lines, most_text=10_000)
    told, untold = [], {}
    for seq, (topic, key, heard) in enumerate(story, 1):
        if heard:
            told.append(Event(seq, topic, key, {"text": "x"}))
            kept.put(told[-1])
        else:
            untold[topic] = seq
            kept.skip(topic, seq)
    since = min(came, len(story))
    whole = [topic for topic in TOPICS if topic not in kept.gap(since, TOPICS)]

    missed = [event for event in told if event.seq > since and event.topic in whole]
    newest = {(event.topic, event.key): event for event in missed if event.key is not None}
    expected = [event for event in missed if event.key is None or newest[event.topic, event.key] is event]
    assert kept.after(since, whole) == expected
    assert all(untold.get(topic, 0) <= since for topic in whole)


def test_lines_are_bounded_by_their_text():
    """Long lines push out older ones, and the gap is known."""
    from chorus_tui.contract.events import Event

    kept = KeptEvents(most_text=1_000)
    for seq in range(1, 11):
        kept.put(Event(seq, "log", None, {"text": "x" * 300}))

    assert [event.seq for event in kept.after(0, ["log"])] == [9, 10]
    assert (kept.gap(7, ["log"]), kept.gap(8, ["log"])) == (["log"], [])


def test_many_topics_of_one_thing_share_their_gap(monkeypatch):
    """The memory of what is gone is bounded; what is forgotten of it counts as gone, and only for topics of one thing."""
    monkeypatch.setattr("chorus_tui.engine.journal.kept_events.MOST_TOPICS", 2)
    kept = KeptEvents()
    for seq, topic in enumerate(("output:a", "output:b", "output:c"), 1):
        kept.skip(topic, seq)

    assert kept.gap(0, ["output:a", "output:z", "tasks"]) == ["output:a", "output:z"]


def test_who_comes_back_goes_on(monkeypatch):
    """After the last event it had a reader gets what was told since; of another run, or of what was not told, it learns of a gap."""
    at = [0.0]
    bus = EventBus(now=lambda: at[0])
    feed = bus.subscribe(["tasks", "status"], lambda: None)
    bus.publish("tasks", "t1", {"n": 1})
    last = feed.take().events[-1].seq
    bus.unsubscribe(feed)
    assert bus.wanted("status")
    bus.publish("tasks", "t1", {"n": 2})
    bus.publish("status", "status", {})

    again, gap = bus.resume(["tasks", "status"], lambda: None, bus.epoch, last)
    assert ([event.topic for event in again.take().events], gap) == (["tasks", "status"], [])
    bus.unsubscribe(again)

    at[0] += bus_module.LINGER_S
    assert not bus.wanted("status")
    assert bus.resume(["tasks", "status"], lambda: None, bus.epoch, last + 2)[1] == ["status"]
    assert bus.resume(["tasks", "status"], lambda: None, "0" * 8, 1)[1] == ["status", "tasks"]
    assert bus.resume(["tasks"], lambda: None, bus.epoch, 10_000)[1] == ["tasks"]
