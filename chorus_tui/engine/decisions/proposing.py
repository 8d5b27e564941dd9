"""Putting something to the vote: who may vote, until when, for whose eyes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from pydantic import ValidationError

from chorus_tui.contract.models import decisions as models
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.engine.behalf import person_of
from chorus_tui.engine.control.authority import allowed, may
from chorus_tui.engine.control.interface import Member, NoMesh
from chorus_tui.engine.decisions.ballots import PERSON
from chorus_tui.engine.decisions.deadline import deadline_ms
from chorus_tui.engine.journal.flow import OverQuota
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages.decisions import ABSTAIN, MOST_ELIGIBLE, MOST_PERSONS, DecisionProposal
from chorus_tui.engine.protocol.ulid import ulid
from chorus_tui.engine.vault.interface import CannotSeal

if TYPE_CHECKING:
    from chorus_tui.engine.decisions.service import DecisionService

log = structlog.get_logger("chorus.decisions")

DEFAULT_OPTIONS = ["approve", "reject", ABSTAIN]


class Proposing:
    """Makes proposals."""

    def __init__(self, service: DecisionService) -> None:
        self._service = service

    async def agreed(self, source: str, at_ms: int, request: models.ProposeDecision) -> None:
        """Put to the vote what a room agreed on; ``source`` is the hash of its entry. Once, however often it is asked for."""
        decision_id = ulid(at_ms / 1000, bytes.fromhex(source)[:10])
        if self._service.book.named(decision_id):
            return
        try:
            await self.propose(request, None, decision_id)
        except (Problem, NoMesh, OverQuota) as error:
            log.warning("⚠️ What was agreed could not be put to the vote", reason=str(error), room=request.issue_id)

    async def propose(
        self, request: models.ProposeDecision, caller: Any, decision_id: str | None = None
    ) -> models.Proposed:
        """Say it; it is on disk when the answer comes."""
        parts, mesh_id = self._service.parts, self._may_propose()
        person = person_of(self._service.parts.kind, caller)
        persons = self._persons(request)
        eligible = self._eligible(request, len(persons))
        data = {
            "proposal_id": decision_id or ulid(parts.clock.wall(), parts.entropy.bytes(10)), "mesh_id": mesh_id, "kind": request.kind,
            "options": _options(request.options), "threshold": request.threshold, "quorum": request.quorum,
            "deadline": self._deadline(request.deadline), "eligible": eligible, "project_id": request.project_id,
            "task_id": request.task_id, "thread_id": request.thread_id, "issue_id": request.issue_id,
            "patch": request.patch, "on_behalf_of": person, **({"persons": persons} if persons else {}),
            **self._words(request),
        }  # fmt: skip
        _fits(data)
        envelope: dict[str, Any] = {
            "to_roles": list(request.to_roles) or None,
            "project_id": request.project_id or None,
        }
        try:
            entry = await parts.journal.say("decision_proposal", data, thread_id=request.thread_id or None, **envelope)
        except OverQuota:
            raise
        except Refused as error:
            raise invalid({"description": str(error)}) from error
        return models.Proposed(
            decision_id=data["proposal_id"], eligible=len(eligible) + len(persons), closes_at=data["deadline"] / 1000,
            delivery=parts.journal.delivery(entry),
        )  # fmt: skip

    def _may_propose(self) -> str:
        control = self._service.parts.control
        if control.mesh_id is None:
            raise NoMesh(f"There is no mesh to propose to yet. {control.detail}")
        if not control.may(self._service.parts.me, "propose"):
            raise Problem(
                403, "authority", "This peer may not propose decisions", "Its authority in the mesh does not suffice."
            )
        return control.mesh_id

    def _deadline(self, text: str) -> int:
        try:
            return deadline_ms(text, self._service.parts.clock.wall())
        except ValueError as error:
            raise invalid({"deadline": str(error)}) from error

    def _words(self, request: models.ProposeDecision) -> dict[str, Any]:
        """In the open, or sealed to roles."""
        words = {"title": request.title, "description": request.description}
        if not request.to_roles:
            return words
        try:
            sealed = self._service.parts.sealing.seal(words, request.to_roles)
        except CannotSeal as error:
            raise invalid({"to_roles": str(error)}) from error
        return {"sealed": sealed, "to_roles": list(request.to_roles)}

    # ── who may vote ───────────────────────────────────────────────────────────────────────────────────────────────

    def _persons(self, request: models.ProposeDecision) -> list[str]:
        """Enrolled persons who vote: those that are named, else all with the authority; of roles none has any. Raises
        :class:`Problem`."""
        persons = self._service.parts.control.persons
        able = {name for name, person in persons.items() if person.keys and allowed(person.authority, "vote")}
        named = {one.removeprefix(PERSON) for one in request.eligible if one.startswith(PERSON)}
        if unknown := sorted(named - able):
            hint = "'chorus-tui members persons' shows who is enrolled"
            raise invalid({"eligible": f"no person that may vote has the name {unknown[0]!r}; {hint}"})
        found = able if not request.eligible and not request.to_roles else named
        if len(found) > MOST_PERSONS:
            raise invalid({"eligible": f"at most {MOST_PERSONS} enrolled persons vote on one decision; name them"})
        return sorted(found)

    def _eligible(self, request: models.ProposeDecision, persons: int) -> list[str]:
        """Frozen now: who comes later does not vote. Raises :class:`Problem`."""
        members = self._service.parts.control.members
        if request.eligible:
            named = [one for one in request.eligible if not one.startswith(PERSON)]
            found = {peer_id for one in named for peer_id in self._named(one, members)}
        elif request.to_roles:
            found = {peer_id for role in request.to_roles for peer_id in _of_role(role, members)}
        else:
            found = {peer_id for peer_id, member in members.items() if may(member, "vote")}
        field = "eligible" if request.eligible else "to_roles"
        if not found:
            raise invalid({field: "no member that may vote is among them; 'chorus-tui members list' shows who may"})
        if len(found) + persons > MOST_ELIGIBLE:
            raise invalid({"eligible": f"at most {MOST_ELIGIBLE} vote on one decision; name them, or a role"})
        return sorted(found)

    def _named(self, one: str, members: dict[str, Member]) -> list[str]:
        if one.startswith("role:"):
            if found := _of_role(one.removeprefix("role:"), members):
                return found
            raise invalid({"eligible": f"no member that may vote has the {one}"})
        named = [member for member in members.values() if one in (member.peer_id, member.agent_id)]
        if len(named) != 1:
            what = "more than one member has" if named else "no member has"
            raise invalid({"eligible": f"{what} the name or peer id {one!r}; 'chorus-tui members list' shows them"})
        if not may(named[0], "vote"):
            raise invalid({"eligible": f"{one} has no authority to vote ({named[0].authority})"})
        return [named[0].peer_id]


def _of_role(role: str, members: dict[str, Member]) -> list[str]:
    wanted = topics.part(role)
    return [
        peer_id for peer_id, member in members.items()
        if member.role and topics.part(member.role) == wanted and may(member, "vote")
    ]  # fmt: skip


def _options(wished: list[str]) -> list[str]:
    """To abstain is always possible."""
    return list(DEFAULT_OPTIONS) if not wished else [*wished, *([] if ABSTAIN in wished else [ABSTAIN])]


def _fits(data: dict[str, Any]) -> None:
    """By the rules of the message. Raises :class:`Problem`."""
    try:
        DecisionProposal.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        named, _, text = first["msg"].removeprefix("Value error, ").partition(": ")
        where = ".".join(str(part) for part in first["loc"]) or named
        raise invalid({where: text or first["msg"]}) from error
