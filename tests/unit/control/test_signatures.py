"""What is kept to prove a count: the voices that were counted, and no other."""

from __future__ import annotations

import pytest

from chorus_tui.engine.control import entries
from chorus_tui.engine.control.raft import Raft
from chorus_tui.engine.control.raft_log import Position, RaftLog
from chorus_tui.engine.control.raft_messages import VoteReply
from chorus_tui.engine.control.raft_ready import HardState, Timing
from chorus_tui.engine.control.signatures import Signatures
from chorus_tui.engine.control.voters import Seat, Voters
from chorus_tui.engine.protocol.identity import Identity

MESH = "m" * 64
ME, OTHER, THIRD = (Identity(bytes([number]) * 32) for number in (1, 2, 3))
SEATS = tuple(sorted(Seat(who.peer_id, "as a voter") for who in (ME, OTHER, THIRD)))
LAST = Position(0, 0)


def voices() -> tuple[Raft, Signatures]:
    """A candidate of term 4, and what it keeps."""
    me = next(seat for seat in SEATS if seat.peer_id == ME.peer_id)
    core = Raft(
        me, HardState(4, ME.peer_id), RaftLog(LAST, Voters(SEATS), []), 0, Timing(1.0, 3.0, 0.2), lambda: 0.0, 0.0
    )
    return core, Signatures(ME, MESH, me.incarnation)


@pytest.mark.parametrize("disk", ["as a voter", "another"])
def test_a_vote_from_another_disk_than_the_voter_s_proves_nothing(disk: str) -> None:
    """Its signature is good, and it is not counted; in a certificate it would stand as that peer's second vote of the term."""
    core, kept = voices()
    sender = Seat(OTHER.peer_id, disk)
    sig = entries.sign_vote(OTHER, MESH, 4, ME.peer_id, LAST)

    assert kept.takes_vote(core, sender, VoteReply(4, True, False, LAST), sig)
    kept.elected(core)

    voters = {ME.peer_id} | ({OTHER.peer_id} if disk == "as a voter" else set())
    assert {vote[0] for vote in kept.elections[4].votes} == voters
    assert kept.elections[4].holds(MESH, core.voters) is (disk == "as a voter")
