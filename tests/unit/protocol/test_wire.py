"""Canonical form, identities and envelopes: what is taken is exactly what was made; all else is one typed error."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chorus_tui.engine.protocol import canonical, envelope, identity, topics
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.identity import Identity

ME = Identity(bytes([1]) * 32)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not 2**53 <= abs(x) < 1e21)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | FLOATS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def sealed(data: dict[str, object]) -> envelope.Entry:
    said = envelope.make("goodbye", ME.peer_id, data, 1.0)
    return envelope.seal(said, topics.COORDINATION, ME, epoch="a" * 32, seq=0, prev=None, hlc="1:0:x")


@given(VALUES)
def test_canonical_bytes_are_stable(value: object) -> None:
    """Decoding canonical bytes and encoding them again gives the same bytes."""
    raw = canonical.encode(value)

    assert canonical.encode(canonical.decode(raw)) == raw


@given(st.binary(max_size=200))
def test_any_bytes_are_decoded_or_refused(raw: bytes) -> None:
    """No input raises anything but WireError, from any of the parsers."""
    for parse in (canonical.decode, canonical.decode_frame, envelope.parse):
        with contextlib.suppress(WireError):
            parse(raw)
    with contextlib.suppress(WireError):
        envelope.entry_from_header(raw, "0" * 128, raw)


@given(st.dictionaries(TEXT, VALUES, max_size=4))
def test_a_sealed_entry_comes_back_the_same_by_both_ways(data: dict[str, object]) -> None:
    """From gossip and from header and body, every peer derives the same entry."""
    entry = sealed(data)
    gossiped = envelope.entry_from_wire(entry.wire(), topics.COORDINATION)

    assert (gossiped.hash, gossiped.body, gossiped.key) == (entry.hash, entry.body, entry.key)
    assert envelope.entry_from_header(entry.header.encode(), entry.sig, entry.body).hash == entry.hash


@given(st.data())
def test_a_changed_byte_is_refused(data: st.DataObject) -> None:
    """One changed byte anywhere in a gossiped entry is refused, never taken and never another error."""
    raw = bytearray(sealed({"reason": "as it was"}).wire())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(WireError):
        envelope.entry_from_wire(bytes(raw), topics.COORDINATION)


def test_an_entry_moved_to_another_topic_is_refused() -> None:
    """The topic is part of what was signed."""
    with pytest.raises(WireError) as caught:
        envelope.entry_from_wire(sealed({}).wire(), topics.META)
    assert caught.value.reason == "bad_signature"


@given(st.binary(max_size=40), st.data())
def test_what_was_found_good_says_nothing_of_what_is_like_it(message: bytes, data: st.DataObject) -> None:
    """A good signature is remembered, and stays good; of another message, domain, peer, or with another digit it is wrong."""
    sig = ME.sign(identity.FEED, message)
    other = Identity(bytes([2]) * 32).peer_id
    place = data.draw(st.integers(0, 127))
    changed = sig[:place] + ("0" if sig[place] != "0" else "1") + sig[place + 1 :]

    for _ in range(2):
        assert identity.verify(ME.peer_id, identity.FEED, message, sig)
    assert not identity.verify(ME.peer_id, identity.FEED, message + b"x", sig)
    assert not identity.verify(ME.peer_id, identity.ACK, message, sig)
    assert not identity.verify(other, identity.FEED, message, sig)
    assert not identity.verify(ME.peer_id, identity.FEED, message, changed)
    assert not identity.verify(ME.peer_id, identity.FEED, message, sig.upper()) or sig.upper() == sig


def test_a_wrong_signature_is_asked_about_each_time() -> None:
    """Only a yes is remembered, and no more of them than there is room for."""
    wrong = "0" * 128
    for _ in range(2):
        assert not identity.verify(ME.peer_id, identity.FEED, b"never signed", wrong)
    for number in range(identity.REMEMBERED + 2):
        canonical.remember(identity._FOUND_GOOD, bytes([number % 256, number // 256]), identity.REMEMBERED)

    assert len(identity._FOUND_GOOD) <= identity.REMEMBERED


@given(st.text(max_size=80), st.text(max_size=140))
def test_verification_never_raises(peer: str, signature: str) -> None:
    """Whatever stands for an id or a signature, the answer is no."""
    assert not identity.verify(peer, identity.FEED, b"x", signature)
    assert not identity.verify(ME.peer_id, identity.FEED, b"x", signature)


def test_a_signature_counts_in_its_own_domain_only() -> None:
    """What was signed as a feed entry is no vote; a key read back from its file signs as before."""
    signature = Identity.from_key_file(ME.key_file()).sign(identity.FEED, b"x")

    assert identity.verify(ME.peer_id, identity.FEED, b"x", signature)
    assert not identity.verify(ME.peer_id, identity.VOTE, b"x", signature)


def test_what_was_read_before_is_judged_as_at_first() -> None:
    """An entry that comes again is the same; with another signature, another body or a changed header it is refused, each time."""
    entry = sealed({"n": 0})
    signed = entry.header.encode()
    changed = signed.replace(b'"seq":0', b'"seq":1')
    wrong = (
        (signed, "0" * 128, entry.body, "bad_signature"),
        (signed, entry.sig.upper() + "0", entry.body, "bad_envelope"),
        (signed, entry.sig, b"{}", "bad_body"),
        (changed, entry.sig, entry.body, "bad_envelope"),
        (signed[:-1], entry.sig, entry.body, "not_json"),
    )
    for _ in range(2):
        assert envelope.entry_from_header(signed, entry.sig, entry.body) == entry
        for *parts, reason in wrong:
            with pytest.raises(WireError) as caught:
                envelope.entry_from_header(*parts)
            assert caught.value.reason == reason


def test_what_was_parsed_before_is_parsed_anew() -> None:
    """Whoever changes what was parsed changes it for nobody else, and what has no good shape never gets one."""
    raw = envelope.entry_from_wire(sealed({"n": 0}).wire(), topics.COORDINATION).body
    assert raw is not None
    first = envelope.parse(raw)
    first["data"]["x"] = "changed"
    bad = raw.replace(b'"data"', b'"date"')

    assert "x" not in envelope.parse(raw)["data"]
    for _ in range(2):
        with pytest.raises(WireError):
            envelope.parse(bad)


def test_no_more_shapes_are_remembered_than_there_is_room_for() -> None:
    """Messages without end fill no memory."""
    raw = sealed({"n": 0}).body
    assert raw is not None
    for number in range(envelope.REMEMBERED + 2):
        envelope.parse(raw.replace(b'"n":0', b'"n":%d' % number))

    assert len(envelope._FOUND_SOUND) <= envelope.REMEMBERED


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_what_is_encoded_can_be_read(number: float) -> None:
    """A number that the decoder would refuse is refused by the encoder already."""
    try:
        raw = canonical.encode(number)
    except WireError:
        assert 2**53 <= abs(number) < 1e21
    else:
        assert canonical.decode(raw) == number


def test_a_signature_has_one_form() -> None:
    """The same bytes in capitals or with blanks are no signature: a stored byte that was changed is always seen."""
    signature = ME.sign(identity.FEED, b"x")

    assert identity.verify(ME.peer_id, identity.FEED, b"x", signature)
    for other in (signature.upper(), f" {signature}", f"{signature}\n", f"{signature[:64]} {signature[64:]}"):
        assert other == signature or not identity.verify(ME.peer_id, identity.FEED, b"x", other)
