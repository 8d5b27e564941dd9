"""What is kept to prove a count: the voices that were counted, and no other."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from chorus_tui.engine.control import entries
from chorus_tui.engine.control.raft import Raft
from chorus_tui.engine.control.raft_log import Entry, Position, RaftLog
from chorus_tui.engine.control.raft_messages import Append, AppendReply, VoteReply
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


def test_no_order_of_messages_makes_a_voter_sign_for_two_entries_at_one_place() -> None:
    """A leader that sends an entry of an earlier term, one of its own in its place, the first again and then another one of its own:
    the voter acknowledges only the first of its own."""
    me = next(seat for seat in SEATS if seat.peer_id == ME.peer_id)
    leader = next(seat for seat in SEATS if seat.peer_id == OTHER.peer_id)
    core = Raft(me, HardState(3, None), RaftLog(LAST, Voters(SEATS), []), 0, Timing(1.0, 3.0, 0.2), lambda: 0.0, 0.0)
    kept = Signatures(ME, MESH, me.incarnation)
    signed = []

    def send(term: int, hash_: str) -> None:
        entry = Entry(1, term, SimpleNamespace(hash=hash_))
        core.step(leader, Append(3, LAST, (entry,)), 0.0)
        ready = core.ready()
        for _to, reply in ready.messages if ready else ():
            assert isinstance(reply, AppendReply)
            sig = kept.frame(core, SimpleNamespace(elections={}), None, reply).sig
            signed.extend(
                (reply.term, of)
                for of in ("old", "one", "two")
                if reply.success and entries.ack_holds(MESH, reply.term, reply.index, of, ME.peer_id, sig)
            )
        if ready:
            core.persisted()

    for term, hash_ in [(2, "old"), (3, "one"), (2, "old"), (3, "two"), (3, "one")]:
        send(term, hash_)

    assert set(signed) == {(3, "one")}


def test_a_voter_that_has_come_as_far_as_an_earlier_term_is_heard_and_does_not_count() -> None:
    """Its word that it holds entries of an earlier term keeps the leader going on with it; no certificate has it."""
    core, kept = voices()
    core.log.replace([Entry(1, 2, SimpleNamespace(hash="old")), Entry(2, 4, SimpleNamespace(hash="own"))])
    sender = next(seat for seat in SEATS if seat.peer_id == OTHER.peer_id)

    assert kept.takes_ack(core, 0, sender, AppendReply(4, True, 1), "")
    assert not kept.takes_ack(core, 0, sender, AppendReply(4, True, 2), "")
    assert [voter for voter, _ in kept.certify(4, SimpleNamespace(index=1, hash="old")).acks] == [ME.peer_id]
