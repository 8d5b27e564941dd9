"""The address book believes a peer about itself only, and outlives restarts and damage."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from chorus_tui.engine.mesh.address_book import MAX_PEERS, AddressBook
from chorus_tui.engine.mesh.own_addresses import advertised
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.identity import ADDRESSES, FEED, Identity
from chorus_tui.engine.settings import MULTIADDR

ODD = [
    "/", "//", "/p2p", "/dns4/x", "/dns4/x/tcp", "/dns4/x/udp/5", "/dns/x/tcp/1/ws", "/dnsaddr/x", "/unix/tmp/x", "/ip4/192.0.2.1/udp/1/quic-v1",
    "/ip4/192.0.2.1/tcp/99999999", "/dns4/a b/tcp/1",
]  # fmt: skip
"""Addresses that a peer may state, and that nobody here can dial."""


def book(tmp_path, number: int, now: float = 1_000_000.0) -> AddressBook:
    """The book of one peer at a fixed time."""
    return AddressBook(tmp_path / f"{number}.json", Identity(bytes([number]) * 32), lambda: now)


def statement(key: Identity, counter: int = 5, *, domain: bytes = ADDRESSES, body=(), **changes) -> bytes:
    """A signed statement; ``body`` is signed with it, ``changes`` are made after signing."""
    body = {"addresses": ["/ip4/192.0.2.1/tcp/1"], "counter": counter, "peer_id": key.peer_id, **dict(body)}
    return canonical.encode({**body, "sig": key.sign(domain, canonical.encode(body)), **changes})


def test_statements_travel_and_stay(tmp_path):
    """What one peer states another believes, passes on to a third, and still knows after a restart."""
    a, b, c = (book(tmp_path, n) for n in (1, 2, 3))
    a.state_own(["/ip4/192.0.2.1/tcp/1"])
    assert b.merge(a.frames()) == 1
    assert b.merge(a.frames()) == 0
    b.save()
    again = book(tmp_path, 2)
    again.load()
    c.merge(again.frames())

    assert c.addresses(Identity(bytes([1]) * 32).peer_id) == ["/ip4/192.0.2.1/tcp/1"]


def test_only_newer_statements_count(tmp_path):
    """An older statement never replaces a newer one; one's own is always newer than any before."""
    key = Identity(bytes([9]) * 32)
    b = book(tmp_path, 2)

    assert b.merge([statement(key, 5), statement(key, 4), statement(key, 5)]) == 1
    a = book(tmp_path, 1, now=100.0)
    a.state_own(["/ip4/192.0.2.1/tcp/1"])
    a.state_own(["/ip4/192.0.2.2/tcp/1"])
    assert b.merge(a.frames()) == 1
    assert b.addresses(Identity(bytes([1]) * 32).peer_id) == ["/ip4/192.0.2.2/tcp/1"]


def test_bad_statements_are_left_out(tmp_path):
    """Forged, foreign, misshapen, far too new and not canonical statements change nothing."""
    key, other = Identity(bytes([8]) * 32), Identity(bytes([9]) * 32)
    good = statement(key)
    bad = [
        b"",
        b"[]",
        b"\xff",
        good + b" ",
        statement(key, domain=FEED),
        statement(key, peer_id=other.peer_id),
        statement(key, addresses=["/ip4/192.0.2.66/tcp/1"]),
        statement(key, addresses="x"),
        statement(key, counter=True),
        statement(key, sig=7),
        statement(key, extra=1),
        statement(key, counter=2**50),
        b"[" * 5000,
    ]

    assert book(tmp_path, 2).merge(bad) == 0


def test_nobody_speaks_for_us(tmp_path):
    """A statement of our own that comes back, even a newer one, does not replace ours."""
    a = book(tmp_path, 1)
    a.state_own(["/ip4/192.0.2.1/tcp/1"])

    assert a.merge([statement(Identity(bytes([1]) * 32), 2**45)]) == 0
    assert a.peers() == []


def test_the_book_is_bounded(tmp_path):
    """Beyond the limit the oldest statements go, never our own."""
    a = book(tmp_path, 1)
    a.state_own(["/ip4/192.0.2.1/tcp/1"])
    keys = [Identity(n.to_bytes(32, "big")) for n in range(1, MAX_PEERS + 20)]
    a.merge(statement(key, n) for n, key in enumerate(keys))

    assert len(a.frames()) == MAX_PEERS
    assert a.addresses(Identity(bytes([1]) * 32).peer_id)
    assert not a.addresses(keys[0].peer_id)
    assert a.addresses(keys[-1].peer_id)


def test_strangers_crowd_nobody_out(tmp_path):
    """A flood of made-up peers that are dated ahead takes the places of other strangers, never those of peers that are known here; what has
    no place is no news, however often it comes."""
    friends = [Identity(bytes([n]) * 32) for n in range(2, 12)]
    here = {friend.peer_id for friend in friends}
    a = AddressBook(tmp_path / "1.json", Identity(bytes([1]) * 32), lambda: 1_000_000.0, here.__contains__)
    a.merge(statement(friend, n) for n, friend in enumerate(friends))
    flood = [statement(Identity(n.to_bytes(32, "big")), 10**9 + n) for n in range(1, MAX_PEERS + 20)]
    stranger = statement(Identity(bytes([99]) * 32), 5)

    assert a.merge(flood) == MAX_PEERS - len(friends)
    assert all(a.addresses(friend.peer_id) for friend in friends)
    assert a.merge([stranger]) == a.merge([stranger]) == a.merge(flood[:5]) == 0
    assert len(a.frames()) == MAX_PEERS


@given(
    st.lists(st.sampled_from(ODD) | st.text(st.characters(codec="utf-8"), max_size=30).map("/".__add__), max_size=16)
)
def test_only_what_can_be_dialled_is_given(odd):
    """Whatever a peer says of where it is: it is passed on as it was signed, and those who dial get plain TCP addresses."""
    key, good = Identity(bytes([9]) * 32), "/ip4/192.0.2.1/tcp/1"
    a = AddressBook(Path("/nonexistent/book"), Identity(bytes([1]) * 32), lambda: 1_000_000.0)
    a.merge([statement(key, body={"addresses": [*odd[:15], good]})])

    assert len(a.frames()) == 1
    assert a.addresses(key.peer_id)[-1] == good
    assert all(MULTIADDR.fullmatch(address) for address in a.addresses(key.peer_id))
    assert not set(ODD) & set(a.addresses(key.peer_id))


def test_a_disk_that_refuses_is_asked_again(tmp_path):
    """A book that cannot be written ends nothing, leaves nothing beside it, is said once, and is written when there is room."""
    a = book(tmp_path / "there", 1)
    a.state_own(["/ip4/192.0.2.1/tcp/1"])
    (tmp_path / "there").write_text("no folder")
    with capture_logs() as said:
        a.save()
        a.save()
    (tmp_path / "there").unlink()
    a.save()
    again = book(tmp_path / "there", 1)
    again.load()

    assert [one["event"] for one in said] == ["address book not written, trying again"]
    assert again.addresses(Identity(bytes([1]) * 32).peer_id) == ["/ip4/192.0.2.1/tcp/1"]
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["1.json"]


def test_a_damaged_file_is_no_end(tmp_path):
    """A file that is no book, or holds a forged entry, gives what is left of it."""
    path = tmp_path / "2.json"
    for content in ("", "{", "[]", '{"peers": 3}', '{"peers": [{"peer_id": "x"}, 3]}'):
        path.write_text(content)
        b = book(tmp_path, 2)
        b.load()
        assert b.peers() == []


def test_what_is_advertised():
    """Announced addresses go first, loopback stays loopback, a wildcard becomes the interfaces, loopback last."""
    assert advertised("127.0.0.1", 7, "P", ["/dns4/example.org/tcp/9/"]) == [
        "/dns4/example.org/tcp/9/p2p/P",
        "/ip4/127.0.0.1/tcp/7/p2p/P",
    ]
    everywhere = advertised("0.0.0.0", 7, "P", [])
    assert everywhere[-1] == "/ip4/127.0.0.1/tcp/7/p2p/P"
    assert "0.0.0.0" not in "".join(everywhere)
