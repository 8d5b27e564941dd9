"""The record of an outcome: what was decided, by whom, and by which votes. Pure.

Every peer makes the same bytes of the same proposal and closing, so whoever holds the votes can check a record that somebody
announces. Of a sealed proposal the record has the sealed parts as their authors sealed them: it says no more to anybody than
the feeds do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chorus_tui.contract.signed_vote import NAMESPACE
from chorus_tui.contract.ucxl import Address
from chorus_tui.engine.control.interface import Member
from chorus_tui.engine.decisions.ballots import PERSON
from chorus_tui.engine.decisions.facts import Ballot, Closing, Proposal
from chorus_tui.engine.decisions.rules import Tally
from chorus_tui.engine.protocol import canonical, places, sshsig
from chorus_tui.engine.protocol.envelope import timestamp
from chorus_tui.engine.shhh.cutting import beginning

GENERAL = "general"
"""Where what belongs to no project is remembered."""


def address(proposal: Proposal, members: Mapping[str, Member]) -> str:
    """Where the record belongs: the proposer's name and role, the project or the mesh, the task or all decisions. No part of
    it is a wildcard."""
    said, member = proposal.message, members.get(proposal.author)
    name, role = (member.agent_id, member.role) if member else ("", "")
    return str(
        Address(
            agent=places.agent(name, proposal.author), role=places.role(role),
            project=places.project(said.project_id, said.mesh_id), task=said.task_id or "decisions",
            path=f"decisions/{said.proposal_id}",
        )
    )  # fmt: skip


def record(proposal: Proposal, closing: Closing, choices: Mapping[str, str], tally: Tally) -> bytes:
    """Canonical JSON; ``content_hash`` is the hash of all the rest. ``choices`` are those that count, by voter. Persons are in it only
    where the proposal names some."""
    said = proposal.message
    content: dict[str, Any] = {
        "id": said.proposal_id, "ucxl": address(proposal, closing.roster), "title": said.title, "body": said.description,
        "kind": said.kind, "made_by": proposal.author, "made_at": timestamp(closing.at_ms / 1000), "mesh_id": said.mesh_id,
        "proposal": proposal.hash, "closing": closing.hash, "outcome": tally.outcome, "chosen": tally.chosen,
        "tally": dict(tally.counts), "eligible": list(said.eligible), "threshold": said.threshold, "quorum": said.quorum,
        "votes": [
            *(_vote(peer_id, choices[peer_id], closing) for peer_id in said.eligible if peer_id in choices),
            *(_signed(proposal, name, closing) for name in said.persons if PERSON + name in choices),
        ],
        "citations": _citations(proposal), "supersedes": None, "task_id": said.task_id,
    }  # fmt: skip
    if said.persons:
        content |= {"persons": list(said.persons)}
    if said.sealed:
        content |= {"sealed": said.sealed, "to_roles": list(said.to_roles)}
    return canonical.encode({**content, "content_hash": canonical.sha256_hex(canonical.encode(content))})


def _vote(peer_id: str, choice: str, closing: Closing) -> dict[str, Any]:
    """Who voted how and where it is said; reasons are in the feeds, where they can be erased."""
    named = closing.members[peer_id].vote
    assert named is not None
    return {"by": peer_id, "choice": choice, "entry": named.hash, "epoch": named.epoch, "seq": named.seq}


def _signed(proposal: Proposal, name: str, closing: Closing) -> dict[str, Any]:
    """The same of a person, and what was signed with its signature: whoever has the person's public key can check it, with
    ``ssh-keygen`` and nothing of the mesh."""
    assert closing.persons is not None
    told = closing.persons[name]
    text = Ballot.stated(name, told).text(proposal)
    key, _ = sshsig.signer(text, NAMESPACE, told.signature)
    return {
        "by": told.by, "choice": told.vote.choice, "entry": told.vote.hash, "epoch": told.vote.epoch, "seq": told.vote.seq,
        "person": name, "key": key, "text": text, "signature": sshsig.armored(told.signature),
    }  # fmt: skip


def _citations(proposal: Proposal) -> list[dict[str, str]]:
    said = proposal.message
    found = {"task": said.task_id or "", "thread": said.thread_id, "issue": said.issue_id, "patch": said.patch or ""}
    return [{"kind": kind, "id": id_} for kind, id_ in found.items() if id_]


def event(proposal: Proposal, closing: Closing, tally: Tally) -> dict[str, Any]:
    """What is told to those who remember for the mesh. Of a sealed proposal only how it ended."""
    said = proposal.message
    ended = f"{tally.outcome}: {tally.chosen}" if tally.outcome == "passed" else tally.outcome
    return {
        "event_id": closing.hash, "event_type": "decision", "discussion_id": said.proposal_id,
        "context_path": f"{said.project_id or GENERAL}/decisions/{said.proposal_id}",
        "consensus": f"{said.title} ({ended})" if said.title else ended,
        "participants": sorted(peer_id for peer_id, stated in closing.members.items() if stated.vote)[:32],
        "purpose": beginning(said.description, 500), "sources": [address(proposal, closing.roster)], "header_only": bool(said.sealed),
        "task_id": said.task_id,
    }  # fmt: skip
