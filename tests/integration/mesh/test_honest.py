"""An honest peer under load is never held against: whatever it is slow at, fast at, or begins anew."""

from __future__ import annotations

import pytest
import trio

from chorus_tui.engine.mesh.interface import Unreachable, Verdict

from .nodes import TOPIC, Node, connections, dial_at_once, echo, until, until_heard

LIVES = 10
BURST = 80
STREAMS = 25
AT_EASE = {"ping_interval": 3.0, "ping_timeout": 10.0}
"""Both run in one process: what is measured here is no patience."""


async def test_an_honest_peer_under_load_and_restarted_ten_times_is_not_banned(tmp_path) -> None:
    """Ten lives, each with a burst of gossip, many streams at once and an end without a goodbye; half of what it forwards is
    refused because the other lags behind: no points, no ban, and the last life is heard."""
    async with trio.open_nursery() as nursery:
        steady = Node(1, tmp_path, **AT_EASE)
        steady.mesh.serve("/t/echo/1", echo)
        # A peer that lags behind knows neither the newest members nor the newest types: it ignores what they say.
        steady.mesh.set_validator(lambda _t, data, _a, _f: Verdict.IGNORE if data.endswith(b"0") else Verdict.ACCEPT)
        address = await steady.start(nursery)
        for life in range(LIVES):
            busy = Node(2, tmp_path, bootstrap=[address], **AT_EASE)
            await busy.start(nursery)
            await until_heard(busy, steady, f"life {life}.".encode())
            for number in range(BURST):
                await busy.mesh.publish(TOPIC, f"{life} {number}".encode())
            async with trio.open_nursery() as many:
                for _ in range(STREAMS):
                    many.start_soon(one_stream, busy, steady.peer_id)
            # Gone in the middle of a stream, without a word.
            await busy.mesh.open(steady.peer_id, "/t/echo/1")
            await busy.stop()
            await until(lambda: not steady.mesh.links())
            assert steady.mesh.held_against(busy.peer_id) == 0, steady.mesh.counters.refused

        assert steady.mesh.bans() == {}
        assert steady.mesh.counters.bans == 0
        nursery.cancel_scope.cancel()


async def one_stream(node: Node, peer_id: str) -> None:
    """Open, echo, close; to be refused when all at once is too much is no harm."""
    try:
        stream = await node.mesh.open(peer_id, "/t/echo/1")
    except Unreachable:
        return
    await stream.send(b"x" * 1000)
    assert await stream.receive() == b"x" * 1000
    await stream.finish()
    await stream.close()


async def test_a_ban_by_hand_cuts_the_link_and_lifting_brings_it_back(tmp_path) -> None:
    """The banned peer is out at once, is not dialled, and cannot dial; lifted, both are linked again by themselves."""
    async with trio.open_nursery() as nursery:
        guarded = Node(1, tmp_path)
        address = await guarded.start(nursery)
        other = Node(2, tmp_path, bootstrap=[address])
        await other.start(nursery)
        await until_heard(other, guarded, b"before")
        guarded.mesh.ban(other.peer_id, "for the test", None)
        await until(lambda: not guarded.mesh.links())
        dialled = other.mesh.counters.dials
        await until(lambda: other.mesh.counters.dials >= dialled + 3)
        await until(lambda: not guarded.mesh.links())
        assert other.peer_id not in guarded.mesh.links()
        with pytest.raises(Unreachable, match="kept out"):
            await guarded.mesh.connect(other.mesh.addresses()[0], timeout=2)
        assert guarded.mesh.lift(other.peer_id)
        await until_heard(other, guarded, b"after", 20)
        nursery.cancel_scope.cancel()


async def test_a_banned_peer_that_dials_again_before_it_is_cut_off_is_out_all_the_same(tmp_path) -> None:
    """However many connections it makes at once, none of them stays, and no link is ever told."""
    async with trio.open_nursery() as nursery:
        guarded, other = (Node(n, tmp_path, redial=(60, 60)) for n in (1, 2))
        address = await guarded.start(nursery)
        await other.start(nursery)
        guarded.mesh.ban(other.peer_id, "for the test", None)
        for _ in range(5):
            await dial_at_once(other, address, 4)
            await until(lambda: not connections(guarded, other))

        assert guarded.changes == []
        nursery.cancel_scope.cancel()
