"""The address book believes a peer about itself only, and outlives restarts and damage."""

from __future__ import annotations

from chorus_tui.engine.mesh.address_book import MAX_PEERS, AddressBook
from chorus_tui.engine.mesh.own_addresses import advertised
from chorus_tui.engine.protocol import canonical
from chorus_tui.engine.protocol.identity import ADDRESSES, FEED, Identity


def book(tmp_path, number: int, now: float = 1_000_000.0) -> AddressBook:
    """The book of one peer at a fixed time."""
    return AddressBook(tmp_path / f"{number}.json", Identity(bytes([number]) * 32), lambda: now)


def statement(key: Identity, counter: int = 5, *, domain: bytes = ADDRESSES, **changes) -> bytes:
    """A signed statement; ``changes`` are made after signing."""
    body = {"addresses": ["/ip4/192.0.2.1/tcp/1"], "counter": counter, "peer_id": key.peer_id}
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
