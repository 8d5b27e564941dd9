"""The control log on the wire and on disk: entries, acknowledgements, votes, certificates.

An entry counts when a majority of the voters in force acknowledged it and its admin carries a majority's votes for the
term. Both are signatures, so a follower decides by itself, and nothing forged by gossip counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.control.raft_log import Position
from chorus_tui.engine.control.voters import Voters
from chorus_tui.engine.protocol import canonical, identity
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.identity import Identity

FOUNDED = "mesh_founded"
TERM_OPENED = "term_opened"
MEMBER_ADDED = "member_added"
MEMBER_RETIRED = "member_retired"
MEMBER_CHANGED = "member_changed"
PARAMETERS_SET = "parameters_set"
VOTERS_CHANGING = "voters_changing"
VOTERS_CHANGED = "voters_changed"
HAND_OVER = "hand_over"
FORK_RESOLVED = "fork_resolved"
BODY_ERASED = "body_erased"
ABSORB_OFFER = "absorb_offer"
ABSORBED_BY = "absorbed_by"
TASK_APPROVED = "task_approved"
TASK_DENIED = "task_denied"
VOTE_CLOSED = "vote_closed"
VOTE_WITHDRAWN = "vote_withdrawn"
ROLE_KEY_SET = "role_key_set"
RECOVERY_REHEARSED = "recovery_rehearsed"
PERSON_ENROLLED = "person_enrolled"
PERSON_WITHDRAWN = "person_withdrawn"

LAST_MS = 253_402_300_800_000
"""The year 10000, to which no calendar here goes."""
_CITED = re.compile(rb'"([0-9a-f]{64})"')
_FIELDS = {"mesh_id", "term", "index", "prev", "hlc", "type", "data", "request"}


def entry_bytes(
    *, mesh_id: str | None, term: int, index: int, prev: str | None, hlc: str, type_: str, data: dict[str, Any],
    request: dict[str, Any] | None,
) -> bytes:  # fmt: skip
    """What an admin signs. The founding entry has no mesh id: its hash becomes the mesh id."""
    return canonical.encode(
        {
            "mesh_id": mesh_id,
            "term": term,
            "index": index,
            "prev": prev,
            "hlc": hlc,
            "type": type_,
            "data": data,
            "request": request,
        }
    )


def parse_entry(raw: bytes, sig: str, admin: str) -> ControlEntry:
    """Read an entry of ``admin`` and verify its signature. Raises :class:`WireError`."""
    return entry_of(canonical.decode(raw), raw, sig, admin)


def entry_of(value: Any, raw: bytes, sig: str, admin: str) -> ControlEntry:
    """The same of bytes that were decoded already: ``value`` is what they say."""
    if not isinstance(value, dict) or set(value) != _FIELDS:
        raise WireError("bad_control_entry", "A control entry has exactly eight fields")
    good = (
        type(value["term"]) is int and value["term"] >= 1 and type(value["index"]) is int and value["index"] >= 1
        and isinstance(value["hlc"], str) and isinstance(value["type"], str) and isinstance(value["data"], dict)
        and (value["request"] is None or isinstance(value["request"], dict))
        and (value["mesh_id"] is None) == (value["index"] == 1) == (value["prev"] is None)
    )  # fmt: skip
    if not good:
        raise WireError("bad_control_entry", "A field of the control entry is not valid")
    if not identity.verify(admin, identity.CONTROL, raw, sig):
        raise WireError("bad_signature", "The control entry is not signed by the admin of its term")
    hash_ = canonical.sha256_hex(raw)
    return ControlEntry(
        mesh_id=value["mesh_id"] or hash_, term=value["term"], index=value["index"], hlc=value["hlc"], type=value["type"],
        data=value["data"], request=value["request"], admin=admin, raw=raw, sig=sig, hash=hash_,
    )  # fmt: skip


def said_at_ms(hlc: str) -> int:
    """The time an admin gave its entry, for display, in Unix milliseconds; 0 when it gave none that makes sense."""
    at = hlc.partition(":")[0]
    ms = int(at) if at.isascii() and at.isdecimal() and len(at) < 16 else 0
    return ms if ms < LAST_MS else 0


def cited_in(raw: bytes) -> list[str]:
    """All hashes that an entry names, whatever for: feed entries among them."""
    return [found.decode() for found in _CITED.findall(raw)]


def term_of(raw: bytes) -> int:
    """The term an entry says; nothing else of it is checked. Raises :class:`WireError`."""
    value = canonical.decode(raw)
    if not isinstance(value, dict) or type(value.get("term")) is not int:
        raise WireError("bad_control_entry", "A control entry has a term")
    return int(value["term"])


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit certificate: acknowledgements of everything up to ``index``, given in ``term``."""

    term: int
    index: int
    hash: str
    acks: tuple[tuple[str, str], ...]
    """(voter, signature)."""

    def as_json(self) -> dict[str, Any]:
        return {"term": self.term, "index": self.index, "hash": self.hash, "acks": [list(ack) for ack in self.acks]}

    @classmethod
    def from_json(cls, value: Any) -> Commit:
        """Raises :class:`WireError`."""
        try:
            acks = tuple((str(voter), str(sig)) for voter, sig in value["acks"])
            return cls(_int(value["term"]), _int(value["index"]), str(value["hash"]), acks)
        except (KeyError, TypeError, ValueError) as error:
            raise WireError("bad_certificate", f"No commit certificate: {error!r}") from None

    def holds(self, mesh_id: str, voters: Voters) -> bool:
        """Whether a majority of ``voters`` really acknowledged it."""
        asked = {seat.peer_id for seat in voters.everyone}
        good = {
            voter for voter, sig in self.acks
            if voter in asked and ack_holds(mesh_id, self.term, self.index, self.hash, voter, sig)
        }  # fmt: skip
        return voters.majority_of_peers(good)


def acknowledge(me: Identity, mesh_id: str, term: int, index: int, hash_: str) -> Commit:
    """A certificate with this voter's acknowledgement only."""
    return Commit(term, index, hash_, ((me.peer_id, sign_ack(me, mesh_id, term, index, hash_)),))


def sign_ack(me: Identity, mesh_id: str, term: int, index: int, hash_: str) -> str:
    """This voter's acknowledgement of everything up to ``index``."""
    return me.sign(identity.ACK, _ack(mesh_id, term, index, hash_, me.peer_id))


def ack_holds(mesh_id: str, term: int, index: int, hash_: str, voter: str, sig: str) -> bool:
    """Whether an acknowledgement is really that voter's."""
    return identity.verify(voter, identity.ACK, _ack(mesh_id, term, index, hash_, voter), sig)


@dataclass(frozen=True, slots=True)
class Election:
    """An election certificate: the votes that made ``admin`` the admin of ``term``."""

    term: int
    admin: str
    votes: tuple[tuple[str, int, int, str], ...]
    """(voter, index and term of the candidate's last entry, signature)."""

    def as_json(self) -> dict[str, Any]:
        return {"term": self.term, "admin": self.admin, "votes": [list(vote) for vote in self.votes]}

    @classmethod
    def from_json(cls, value: Any) -> Election:
        """Raises :class:`WireError`."""
        try:
            votes = tuple((str(v), _int(i), _int(t), str(s)) for v, i, t, s in value["votes"])
            return cls(_int(value["term"]), str(value["admin"]), votes)
        except (KeyError, TypeError, ValueError) as error:
            raise WireError("bad_certificate", f"No election certificate: {error!r}") from None

    def holds(self, mesh_id: str, voters: Voters) -> bool:
        """Whether a majority of ``voters`` really voted for this admin."""
        asked = {seat.peer_id for seat in voters.everyone}
        good = {
            voter for voter, index, term, sig in self.votes
            if voter in asked and vote_holds(mesh_id, self.term, self.admin, voter, Position(index, term), sig)
        }  # fmt: skip
        return voters.majority_of_peers(good)


def vote_for_self(me: Identity, mesh_id: str, term: int, last: Position) -> Election:
    """A certificate with this voter's vote for itself."""
    return Election(
        term, me.peer_id, ((me.peer_id, last.index, last.term, sign_vote(me, mesh_id, term, me.peer_id, last)),)
    )


def sign_vote(me: Identity, mesh_id: str, term: int, candidate: str, last: Position) -> str:
    """This voter's vote for a candidate whose log ends at ``last``."""
    return me.sign(identity.VOTE, _vote(mesh_id, term, candidate, me.peer_id, last.index, last.term))


def vote_holds(mesh_id: str, term: int, candidate: str, voter: str, last: Position, sig: str) -> bool:
    """Whether a vote is really that voter's."""
    return identity.verify(voter, identity.VOTE, _vote(mesh_id, term, candidate, voter, last.index, last.term), sig)


def sign_transfer(me: Identity, mesh_id: str, term: int, heir: str) -> str:
    """This leader's word that ``heir`` stands in its place, in the term after ``term``."""
    return me.sign(identity.TRANSFER, _transfer(mesh_id, term, heir))


def transfer_holds(mesh_id: str, term: int, leader: str, heir: str, sig: str) -> bool:
    """Whether that leader really hands over."""
    return identity.verify(leader, identity.TRANSFER, _transfer(mesh_id, term, heir), sig)


def _transfer(mesh_id: str, term: int, heir: str) -> bytes:
    return canonical.encode({"heir": heir, "mesh_id": mesh_id, "term": term})


def _ack(mesh_id: str, term: int, index: int, hash_: str, voter: str) -> bytes:
    return canonical.encode({"mesh_id": mesh_id, "term": term, "index": index, "hash": hash_, "voter": voter})


def _vote(mesh_id: str, term: int, candidate: str, voter: str, last_index: int, last_term: int) -> bytes:
    return canonical.encode(
        {
            "mesh_id": mesh_id,
            "term": term,
            "candidate": candidate,
            "voter": voter,
            "last_index": last_index,
            "last_term": last_term,
        }
    )


def _int(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= canonical.MAX_INTEGER:
        raise ValueError("not a number in range")
    return value
