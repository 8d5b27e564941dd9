"""Who is dialled, and when: whoever is out there and however many there are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from chorus_tui.engine.clock import SystemEntropy
from chorus_tui.engine.mesh.address_book import AddressBook
from chorus_tui.engine.mesh.config import MeshConfig
from chorus_tui.engine.mesh.dialer import Dialer
from chorus_tui.engine.mesh.interface import Unreachable
from chorus_tui.engine.mesh.keeper import MAX_DIALS, MAX_TARGETS, Keeper
from chorus_tui.engine.protocol.identity import Identity

ME, FRIEND = (Identity(bytes([n]) * 32) for n in (1, 2))
PLACES = [f"/ip4/192.0.2.{n}/tcp/9" for n in range(6)]


def made_up(number: int) -> str:
    """The id of somebody who is not there."""
    return f"nobody-{number}"


class Out:
    """What is out there: ``answers`` are the addresses where somebody is; a dial elsewhere takes as long as it may."""

    def __init__(self, *answers: str) -> None:
        self.answers = answers
        self.dials: Counter[str] = Counter()
        self.at_once = self.most_at_once = 0
        self.links: dict = {}
        book = AddressBook(Path("/nonexistent/book"), ME, lambda: 0.0)
        self.keeper = Keeper(
            MeshConfig(data_dir=Path("/nonexistent")),
            ME.peer_id,
            book,
            self.links,
            SystemEntropy(),
            dial=self.dial,
            ping=self.ping,
            heard_at=lambda _: 0.0,
            drop=self.drop,
        )

    async def dial(self, address: str, limit: float) -> str:
        """An address, within so many seconds."""
        place, _, peer_id = address.partition("/p2p/")
        self.dials[place] += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if address not in self.answers:
                await trio.sleep(limit)
                raise Unreachable("nobody there")
        finally:
            self.at_once -= 1
        self.links[peer_id] = object()
        return peer_id

    async def ping(self, _peer_id: str) -> float | None:
        """Of no consequence here."""
        return 0.0

    async def drop(self, peer_id: str) -> None:
        """Likewise."""
        del self.links[peer_id]

    async def reached(self, peer_id: str, seconds: float) -> None:
        """Wait until somebody is linked. TooSlowError after so many seconds."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.keeper.run)
            with trio.fail_after(seconds):
                while peer_id not in self.links:
                    await trio.sleep(1)
            nursery.cancel_scope.cancel()


async def test_those_who_are_gone_keep_nobody_waiting(autojump_clock) -> None:
    """Of five hundred peers of whom nothing answers, and one that was heard of last, the last one is reached; never more than the bound are
    dialled at once."""
    friend = f"/ip4/198.51.100.1/tcp/9/p2p/{FRIEND.peer_id}"
    out = Out(friend)
    for number in range(500):
        out.keeper.heard_of(made_up(number), PLACES)
    out.keeper.heard_of(FRIEND.peer_id, [friend])
    await out.reached(FRIEND.peer_id, 900)

    assert out.most_at_once == MAX_DIALS


async def test_every_address_of_a_peer_has_its_turn(autojump_clock) -> None:
    """However many before it swallow what is sent there."""
    last = f"{PLACES[-1]}/p2p/{FRIEND.peer_id}"
    out = Out(last)
    out.keeper.heard_of(FRIEND.peer_id, [*PLACES[:-1], last])
    await out.reached(FRIEND.peer_id, 120)

    assert set(out.dials) == set(PLACES)


async def test_a_flood_of_made_up_peers_is_forgotten(autojump_clock) -> None:
    """Of peers that only discovery named a bounded number is kept; those that were there before the flood are among them."""
    friend = f"/ip4/198.51.100.1/tcp/9/p2p/{FRIEND.peer_id}"
    out = Out(friend)
    out.keeper.heard_of(FRIEND.peer_id, [friend])
    for number in range(5 * MAX_TARGETS):
        out.keeper.heard_of(made_up(number), PLACES)
        await trio.sleep(0.001)

    assert len(out.keeper._peers) <= MAX_TARGETS
    assert out.keeper.places(FRIEND.peer_id) == [friend]


async def test_a_dial_that_fails_as_none_should_is_a_failed_dial(autojump_clock) -> None:
    """Whatever is raised: the others are dialled, and it is tried again."""
    friend = f"/ip4/198.51.100.1/tcp/9/p2p/{FRIEND.peer_id}"
    out = Out(friend)

    async def dial(address: str, limit: float) -> str:
        if address.startswith(PLACES[0]):
            raise RuntimeError("a fault of ours")
        return await Out.dial(out, address, limit)

    out.keeper._dial = dial
    out.keeper.heard_of(made_up(1), PLACES[:1])
    await trio.sleep(1)
    out.keeper.heard_of(FRIEND.peer_id, [friend])
    await out.reached(FRIEND.peer_id, 60)


class Nothing:
    """A host that has no network."""

    def get_network(self) -> Nothing:
        """Itself."""
        return self

    def get_id(self) -> str:
        """Nobody."""
        return ""

    def get_connections(self, _peer) -> list:
        """None."""
        return []

    async def dial_addr(self, _address, _peer) -> None:
        """Never."""
        raise OSError("no network")


@given(
    st.sampled_from(["/", "/dns4/x", "/dns4/x/udp/5", "/dns4/x/tcp", f"/dns4/{'a' * 64}/tcp/1", "/dns4/\0/tcp/1", "/ip4/1.2.3.999/tcp/1", "/ip4/1.2.3.4/tcp/99999"])
    | st.text(max_size=40),
    st.sampled_from(["", "/p2p/", f"/p2p/{FRIEND.peer_id}", "/p2p/nobody"]),
)  # fmt: skip
@settings(deadline=None)
def test_whatever_is_dialled_a_dial_is_refused_in_words(place: str, peer: str) -> None:
    """Any text: it is no address, or nobody is reached; nothing else is raised."""
    if place.startswith(("/ip4/", "/dns")) and not peer:
        peer = f"/p2p/{FRIEND.peer_id}"

    async def dial() -> None:
        with pytest.raises(Unreachable):
            await Dialer(Nothing(), None).dial(place + peer, 5.0)

    trio.run(dial)
