"""Points, bans and blocks: what costs, how it decays, who is never banned, what a person's word does."""

from __future__ import annotations

import json
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.mesh import conduct as module
from chorus_tui.engine.mesh import rules
from chorus_tui.engine.mesh.block_list import BlockList
from chorus_tui.engine.mesh.conduct import Conduct
from chorus_tui.engine.mesh.interface import MeshCounters, NotKept
from chorus_tui.engine.mesh.rules import FIRST_BAN_S, FORGIVEN_S, LIMIT, LONGEST_BAN_S, NO_OFFENCE, POINTS, Standing
from chorus_tui.engine.protocol.identity import Identity

HOSTILE, FRIEND = (Identity(bytes([n]) * 32).peer_id for n in (1, 2))
REASONS = st.sampled_from(["bad frame", "validator", "too many streams", *sorted(NO_OFFENCE)])
TO_A_BAN = int(LIMIT / POINTS)


class Watch:
    """A conduct, its clock, and who was cut off."""

    def __init__(self, folder, **known) -> None:
        self.time = 1000.0
        self.cut: list[str] = []
        self.counters = MeshCounters()
        self.conduct = Conduct(
            self.counters,
            lambda: self.time,
            lambda: self.time + 1e9,
            self.cut.append,
            BlockList(folder / "blocked.json"),
        )
        self.conduct.load()

    def offend(self, times: int, reason: str = "bad frame", peer: str = HOSTILE) -> None:
        for _ in range(times):
            self.conduct.refused(peer, reason)


@given(st.lists(st.tuples(REASONS, st.floats(0, 1e4)), max_size=60))
def test_points_stay_in_their_bounds(history):
    """Whatever happens when: points lie in [0, limit), a ban lasts its time of the ladder, bans are never negative."""
    standing, now = Standing(), 0.0
    for reason, pause in history:
        now += pause
        before, standing = standing, rules.judged(standing, reason, now)
        assert 0 <= standing.points < LIMIT
        assert 0 <= standing.bans <= before.bans + 1
        if standing.until > before.until and standing.bans > rules.settled(before, now).bans:
            assert FIRST_BAN_S <= standing.until - now <= LONGEST_BAN_S


@given(st.lists(st.sampled_from(sorted(NO_OFFENCE)), max_size=500))
def test_what_an_honest_peer_may_do_costs_nothing(history):
    """Any number of refusals that a busy or slow peer can have, at one moment, leaves no point."""
    standing = Standing()
    for reason in history:
        standing = rules.judged(standing, reason, 1.0)

    assert standing.points == 0
    assert standing.bans == 0


@given(st.floats(1.0, 99.0), st.floats(0, 1000))
def test_points_decay_by_halves(points, seconds):
    """After a half-life half is left, however the time is cut into pieces."""
    whole = rules.settled(Standing(points=points), seconds)
    pieces = rules.settled(rules.settled(Standing(points=points), seconds / 3), seconds)

    assert abs(whole.points - pieces.points) < 1e-6
    assert abs(rules.settled(Standing(points=points), rules.HALF_LIFE_S).points - points / 2) < 1e-9


def test_bans_double_are_bounded_and_forgiven():
    """The ladder: 60 s, 120 s … one hour; an hour after the last one's end one is forgotten."""
    lengths = [rules.ban_s(n) for n in range(1, 12)]
    assert lengths == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600, 3600]

    twice = Standing(bans=2, until=100.0)
    assert rules.settled(twice, 100.0 + FORGIVEN_S - 1).bans == 2
    assert rules.settled(twice, 100.0 + FORGIVEN_S).bans == 1
    assert rules.settled(twice, 100.0 + 2 * FORGIVEN_S).bans == 0
    assert rules.is_clean(rules.settled(twice, 100.0 + 3 * FORGIVEN_S), 100.0 + 3 * FORGIVEN_S)


def test_who_offends_too_often_is_out_for_a_while(tmp_path):
    """At the limit the peer is cut off once and shown with its reason; after its time it may come again; others stay."""
    watch = Watch(tmp_path)
    watch.offend(TO_A_BAN - 1)
    assert not watch.conduct.banned(HOSTILE)
    watch.offend(20)
    watch.offend(500, "over its rate", FRIEND)
    (ban,) = watch.conduct.bans().values()

    assert watch.cut == [HOSTILE]
    assert not watch.conduct.banned(FRIEND)
    assert ban.why == "it misbehaved (last: bad frame), for the first time"
    assert (ban.since, ban.until, ban.by_person) == (1e9 + 1000, 1e9 + 1000 + FIRST_BAN_S, False)
    assert watch.counters.refused == {"bad frame": TO_A_BAN + 19, "over its rate": 500}
    watch.time += FIRST_BAN_S
    assert not watch.conduct.banned(HOSTILE)
    watch.offend(TO_A_BAN)
    assert watch.conduct.bans()[HOSTILE].until == watch.time + 1e9 + 2 * FIRST_BAN_S
    assert watch.counters.bans == 2


def test_few_offences_over_a_long_time_are_no_ban(tmp_path):
    """A bad frame every four seconds, for a day: never out."""
    watch = Watch(tmp_path)
    for _ in range(24 * 900):
        watch.offend(1)
        watch.time += 4

    assert watch.cut == []


def test_a_persons_word_holds_until_it_is_lifted(tmp_path):
    """A block outlives a restart, in a file only its owner reads; a ban by hand ends by itself; lifting clears all."""
    watch = Watch(tmp_path)
    watch.conduct.ban(HOSTILE, "it is not ours", None)
    watch.conduct.ban(FRIEND, "for a while", 10.0)
    again = Watch(tmp_path)

    assert stat.S_IMODE((tmp_path / "blocked.json").stat().st_mode) == 0o600
    assert set(watch.conduct.bans()) == {HOSTILE, FRIEND}
    assert {p: (b.why, b.until, b.by_person) for p, b in again.conduct.bans().items()} == {
        HOSTILE: ("it is not ours", None, True)
    }
    watch.time += 11
    assert set(watch.conduct.bans()) == {HOSTILE}
    assert again.conduct.lift(HOSTILE)
    assert not again.conduct.lift(HOSTILE)
    assert Watch(tmp_path).conduct.bans() == {}


def test_a_damaged_list_blocks_nobody(tmp_path):
    """Whatever stands in the file, the engine starts."""
    for text in (
        "",
        "[]",
        '{"blocked": []}',
        '{"blocked": {"x": {}}}',
        json.dumps({"blocked": {HOSTILE: 3}}),
        "[" * 100_000,
    ):
        (tmp_path / "blocked.json").write_text(text)
        assert Watch(tmp_path).conduct.bans() == {}


def test_what_is_remembered_is_bounded(tmp_path, monkeypatch):
    """Offenders without end fill no memory; those out of memory are out no longer, whom a person blocked stays out."""
    monkeypatch.setattr(module, "REMEMBERED", 10)
    watch = Watch(tmp_path)
    watch.conduct.ban(FRIEND, "blocked", None)
    for number in range(100):
        watch.offend(TO_A_BAN, peer=f"peer {number}")

    assert len(watch.conduct._standings) == 10
    assert len(watch.conduct.bans()) == 11
    assert watch.conduct.banned(FRIEND)


def test_what_could_not_be_written_can_be_said_again(tmp_path, monkeypatch):
    """A person's word holds at once, is told as not kept when the disk refuses, and the same word again keeps it."""

    def no_room(_path, _data) -> None:
        raise OSError(28, "No space left on device")

    watch = Watch(tmp_path)
    for word, out in (
        (lambda: watch.conduct.ban(HOSTILE, "spam", None), True),
        (lambda: watch.conduct.lift(HOSTILE), False),
    ):
        with monkeypatch.context() as full:
            full.setattr("chorus_tui.engine.mesh.block_list.replace_private", no_room)
            with pytest.raises(NotKept, match="No space"):
                word()
        assert watch.conduct.banned(HOSTILE) is out
        assert Watch(tmp_path).conduct.banned(HOSTILE) is not out
        assert word() in (None, True)
        assert Watch(tmp_path).conduct.banned(HOSTILE) is out
    assert not watch.conduct.lift(HOSTILE)
