"""Banning by a person: whom a name means, what is refused, and the words for it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from chorus_tui.contract.models.peers import Ban, BanPeer, BlockPeer, Peer, UnbanPeer
from chorus_tui.contract.problem import Problem
from chorus_tui.engine.clock import SeededEntropy
from chorus_tui.engine.mesh.interface import Link, NotKept
from chorus_tui.engine.mesh.simulated import SimulatedNetwork
from chorus_tui.engine.peers import keeping_out
from chorus_tui.engine.peers.directory import Said, describe
from chorus_tui.engine.protocol.identity import Identity
from chorus_tui.telling.peers import kept_out

ME, ADA, GRACE = (Identity(bytes([n]) * 32) for n in (1, 2, 3))
CALLER = SimpleNamespace(person="eve")


class Known:
    """Two peers with one name, and this one; what the mesh bans is shown."""

    def __init__(self) -> None:
        self.mesh = SimulatedNetwork(SeededEntropy(1)).mesh(ME)
        self.nudged = 0
        self.doors = keeping_out.handlers(self, self.mesh)

    def nudge(self) -> None:
        self.nudged += 1

    def peers(self) -> list[Peer]:
        ids = [ME.peer_id, ADA.peer_id, *(p for p in self.mesh.bans() if p != ADA.peer_id)]
        said = Said()
        return [
            describe(p, said, None, Link(p, [], 0.0), me=ME.peer_id, admin=None, now=0.0, link_age=None, ban=self.mesh.bans().get(p))
            for p in ids
        ]  # fmt: skip


async def test_a_peer_is_kept_out_and_let_in_again(autojump_clock):
    """By name or id, known or not; shown with why and until when; a second unban is refused with the way out."""
    known = Known()
    name = known.peers()[1].name

    banned = await known.doors["peers.ban"](BanPeer(peer=name, seconds=60), CALLER)
    blocked = await known.doors["peers.block"](BlockPeer(peer=GRACE.peer_id, why="not ours"), CALLER)
    assert (banned.peer_id, banned.state, banned.ban.why) == (ADA.peer_id, "banned", "eve banned it")
    assert (blocked.state, blocked.ban.why, blocked.ban.until) == ("blocked", "not ours", None)
    free = await known.doors["peers.unban"](UnbanPeer(peer=GRACE.peer_id), CALLER)
    assert (free.state, free.ban) == ("away", None)
    assert known.nudged == 3
    for wrong, code in ((GRACE.peer_id, "not-banned"), ("nobody", "unknown-peer")):
        with pytest.raises(Problem) as caught:
            await known.doors["peers.unban"](UnbanPeer(peer=wrong), CALLER)
        assert caught.value.code == code


async def test_what_the_disk_refuses_is_said(autojump_clock, monkeypatch):
    """A ban that holds and is not kept, and one that is lifted and not kept, are both told as what they are."""
    known = Known()

    def refuse(*_) -> None:
        raise NotKept("No space left on device")

    monkeypatch.setattr(known.mesh, "ban", refuse)
    monkeypatch.setattr(known.mesh, "lift", refuse)
    for operation, request in (
        ("peers.block", BlockPeer(peer=ADA.peer_id)),
        ("peers.unban", UnbanPeer(peer=ADA.peer_id)),
    ):
        with pytest.raises(Problem, match="after a restart") as caught:
            await known.doors[operation](request, CALLER)
        assert (caught.value.status, caught.value.code) == (507, "disk")
        assert "No space" in caught.value.detail


async def test_nobody_bans_oneself():
    """This peer's own id and name are refused."""
    known = Known()
    with pytest.raises(Problem, match="itself"):
        await known.doors["peers.block"](BlockPeer(peer=ME.peer_id), CALLER)


def test_a_name_of_two_needs_the_id():
    """Which of them is not guessed."""
    twice = SimpleNamespace(peers=lambda: [SimpleNamespace(peer_id=i, name="x", agent_id="x") for i in ("a", "b")])
    with pytest.raises(Problem, match="the name of 2 peers"):
        keeping_out.find(twice, "x")


def test_the_words_say_why_since_and_until():
    """Both kinds, in spans a person reads at a glance."""
    assert (
        kept_out(Ban(why="it misbehaved", since=0, until=160, by_person=False), 100)
        == "it misbehaved; out for 100 s so far, 60 s to go"
    )
    assert (
        kept_out(Ban(why="w", since=0, until=None, by_person=True), 7300) == "w; blocked for 2 h, until it is unbanned"
    )
