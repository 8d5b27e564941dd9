"""What the validator holds against whoever forwarded a message, and what it does not."""

from __future__ import annotations

import pytest

from chorus_tui.engine.journal.intake import Intake
from chorus_tui.engine.mesh.interface import MeshCounters, Verdict
from chorus_tui.engine.protocol import canonical, envelope, topics
from chorus_tui.engine.protocol.identity import Identity

ADA, BOB, NEW = (Identity(bytes([n]) * 32) for n in (1, 2, 3))


def said(type_: str, data: dict, author: str = ADA.peer_id) -> bytes:
    return canonical.encode(envelope.make(type_, author, data, 1.0))


@pytest.fixture
def intake() -> Intake:
    made = Intake(MeshCounters())
    made.is_member = lambda peer: peer in (ADA.peer_id, BOB.peer_id)
    return made


@pytest.mark.parametrize(
    ("data", "author"),
    [
        (said("availability_broadcast", {}, NEW.peer_id), NEW.peer_id),
        (said("availability_broadcast", {"status": "a word of a newer version"}), ADA.peer_id),
        (said("goodbye", {"reason": "x"}), ADA.peer_id),
    ],
    ids=["a member not heard of yet", "a field of a newer version", "a type in another form"],
)
def test_what_an_honest_peer_may_forward_is_nobodys_fault(intake, data, author):
    """A peer that lags behind, or is older, does not deliver or forward such messages, and blames nobody for them."""
    assert intake.validate(topics.COORDINATION, data, author, BOB.peer_id) is Verdict.IGNORE


@pytest.mark.parametrize(
    ("data", "author"),
    [
        (b"not json", ADA.peer_id),
        (said("availability_broadcast", {}, BOB.peer_id), ADA.peer_id),
        (b'{ "a": 1}', ADA.peer_id),
    ],
    ids=["no JSON", "in another's name", "not canonical"],
)
def test_what_no_version_would_forward_is_held_against_it(intake, data, author):
    """The rules of the wire are the same for all."""
    assert intake.validate(topics.COORDINATION, data, author, BOB.peer_id) is Verdict.REJECT
