"""Proposals, votes and closings, made for the rules."""

from __future__ import annotations

import hashlib
from typing import Any

from chorus_tui.contract import signed_vote
from chorus_tui.engine.control.interface import Member, Person
from chorus_tui.engine.decisions.facts import Closing, Proposal, Stated, StatedPerson, Vote
from chorus_tui.engine.protocol.messages.decisions import DecisionProposal, DecisionVote, SignedVote
from chorus_tui.engine.protocol.said import Said
from tests.support.ssh_signing import Key

MESH = "5e" * 32
ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
DEADLINE = 1_900_000_000_000


def hash_of(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def epoch(n: int) -> str:
    return f"{n:032x}"


def member(name: str, authority: str = "coordination", kind: str = "agent", *, clash: bool = False) -> Member:
    return Member(name, name, kind, "", (), authority, 1, clash)  # type: ignore[arg-type]


def members(*names: str, **options: Any) -> dict[str, Member]:
    return {name: member(name, **options) for name in names}


def proposal(*eligible: str, author: str = "a", **fields: Any) -> Proposal:
    said = DecisionProposal.model_validate(
        {"proposal_id": ID, "mesh_id": MESH, "title": "t", "deadline": DEADLINE, "eligible": list(eligible), **fields}
    )
    return Said(author, epoch(0), 0, hash_of("proposal", author), DEADLINE - 60_000, said)


def vote(by: str, choice: str, seq: int = 1, *, of: Proposal | None = None, n: int = 0, **fields: Any) -> Vote:
    """``n`` numbers the epoch."""
    about = of.hash if of else hash_of("proposal", "a")
    said = DecisionVote.model_validate(
        {"proposal_id": ID, "proposal": about, "mesh_id": MESH, "choice": choice, "revision": seq, **fields}
    )
    return Said(by, epoch(n), seq, hash_of("vote", by, n, seq), DEADLINE - 50_000 + seq, said)


def person(name: str, *keys: Key, authority: str = "decision", former: tuple[Key, ...] = ()) -> Person:
    return Person(name, authority, tuple(key.public for key in keys), tuple(key.public for key in former))  # type: ignore[arg-type]


def signed(
    name: str, key: Key, choice: str, revision: int = 0, *, of: Proposal, by: str = "a", n: int = 0, seq: int = 1, final: bool = False,
    reason: str = "", lies: dict[str, Any] | None = None,
) -> Vote:  # fmt: skip
    """A person's vote in the feed of ``by``. ``lies`` are said of it and were not signed; ``n`` numbers the epoch."""
    text = signed_vote.text(
        mesh_id=of.message.mesh_id, proposal_id=of.message.proposal_id, proposal=of.hash, person=name, choice=choice,
        revision=revision, final=final, reason=signed_vote.reason_hash(reason),
    )  # fmt: skip
    said = SignedVote.model_validate(
        {"proposal_id": ID, "proposal": of.hash, "mesh_id": MESH, "choice": choice, "revision": revision, "final": final,
         "reasoning": reason, "person": name, "signature": key.sign(text), **(lies or {})}
    )  # fmt: skip
    return Said(by, epoch(n), seq, hash_of("signed", by, n, seq), DEADLINE - 50_000 + seq, said)


def closing(
    what: Proposal, stated: dict[str, Stated], roster: dict[str, Member], at_ms: int = DEADLINE, admin: str = "a",
    persons: dict[str, StatedPerson] | None = None, enrolled: dict[str, Person] | None = None,
) -> Closing:  # fmt: skip
    return Closing(
        MESH, what.hash, ID, admin, 1, 9, hash_of("closing", admin), at_ms, stated, roster, persons, enrolled or {}
    )


def by_hash(votes: list[Vote]) -> dict[str, Vote]:
    return {one.hash: one for one in votes}
