"""The doors of coordination: sessions, words in them, projects, reports; and what of it waits for a person."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import trio

from chorus_tui.contract.models import coordination as models
from chorus_tui.contract.models.inbox import InboxItem
from chorus_tui.contract.problem import Problem, invalid, not_found
from chorus_tui.engine.behalf import person
from chorus_tui.engine.coordination import progress
from chorus_tui.engine.coordination.sessions import PARTICIPANTS, Session
from chorus_tui.engine.journal.flow import OverQuota
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.shhh.cutting import beginning

if TYPE_CHECKING:
    from chorus_tui.engine.coordination.service import CoordinationService

CONFIRM_S = 3.0
AGREE, DISCUSS = "agree", "discuss"
"""What a person may do with an escalated session: end it, or let it go on with words of their own."""


class Doors:
    """Answers callers."""

    kinds = frozenset({"escalation"})

    def __init__(self, service: CoordinationService) -> None:
        self._service = service

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation name."""
        return {
            "coordination.sessions": self.sessions, "coordination.show": self.show, "coordination.say": self.say,
            "coordination.open": self.open, "coordination.projects": self.projects, "coordination.reports": self.reports,
        }  # fmt: skip

    # ── sessions ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def sessions(self, request: models.ListSessions, _caller: Any) -> models.SessionList:
        """Those of the present mesh, newest first."""
        rows = [self._row(one) for one in reversed(self._service.present())]
        shown = [row for row in rows if request.everything or row["active"] or row["status"] == "escalated"]
        return models.SessionList(sessions=[models.SessionRow(**row) for row in shown])

    async def show(self, request: models.SessionRef, _caller: Any) -> models.SessionView:
        """One session."""
        return self._view(self._find(request.session_id))

    async def say(self, request: models.SayInSession, caller: Any) -> models.SessionView:
        """A word; agents that take part answer it."""
        session = self._find(request.session_id)
        self._may_speak()
        if session.status == "resolved":
            raise Problem(409, "ended", "The session has ended", "Open a new one: chorus-tui coordination open")
        data = {
            "thread_id": session.session_id, "mesh_id": session.mesh_id, "message": request.text, "intent": request.intent,
            "on_behalf_of": person(caller),
        }  # fmt: skip
        await self._put("meta_discussion", data, session.session_id, "text")
        return self._view(self._find(request.session_id))

    async def open(self, request: models.OpenSession, caller: Any) -> models.SessionView:
        """A session that somebody wants."""
        self._may_speak()
        parts = self._service.parts
        mesh_id = parts.control.mesh_id
        assert mesh_id is not None
        peers = list(dict.fromkeys([parts.me, *(self._member(one) for one in request.participants)]))[:PARTICIPANTS]
        session_id = f"{request.kind}_{int(parts.clock.wall() * 1000)}_{parts.me[-8:]}"
        data = {
            "session_id": session_id, "mesh_id": mesh_id, "kind": request.kind, "objective": request.objective,
            "participants": peers, "on_behalf_of": person(caller),
        }  # fmt: skip
        await self._put("coordination_request", data, session_id, "objective")
        with trio.move_on_after(CONFIRM_S):
            while self._service.sessions.session(session_id, self._service.judges()) is None:  # noqa: ASYNC110 - a moment
                await trio.sleep(0.02)
        return self._view(self._find(session_id))

    def _find(self, session_id: str) -> Session:
        found = self._service.sessions.session(session_id, self._service.judges())
        if found is None:
            raise not_found("session", session_id)
        return found

    def _member(self, named: str) -> str:
        """The peer id of a member by name, agent id or peer id."""
        parts = self._service.parts
        for peer_id, member in parts.control.members.items():
            if named in (peer_id, parts.name(peer_id)) or (named == member.agent_id and not member.clash):
                return peer_id
        raise invalid({"participants": f"nobody here is called {named!r}; see chorus-tui members list"})

    def _may_speak(self) -> None:
        parts = self._service.parts
        if parts.control.mesh_id is None or not parts.control.may(parts.me, "propose"):
            raise Problem(403, "authority", "This peer may not speak here", "That needs the authority 'suggestion'.")

    async def _put(self, type_: str, data: dict[str, Any], thread_id: str, field: str) -> None:
        try:
            await self._service.parts.journal.say(type_, data, thread_id=thread_id)
        except OverQuota:
            raise
        except Refused as error:
            raise invalid({field: str(error)}) from error

    # ── views ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _row(self, session: Session) -> dict[str, Any]:
        name = self._service.parts.name
        return {
            "session_id": session.session_id, "kind": session.kind, "objective": session.objective, "status": session.status,
            "active": progress.active(session, self._service.idle_s(session)),
            "participants": [name(peer) for peer in session.participants], "opened_at": session.opened_ms / 1000,
            "last_at": session.last_ms / 1000, "words": len(session.words),
        }  # fmt: skip

    def _view(self, session: Session) -> models.SessionView:
        name, found, end = self._service.parts.name, session.dependency, session.resolved or session.escalated
        sides = (found.task1, found.task2) if found is not None else ()
        return models.SessionView(
            **self._row(session), rule=found.rule if found else "", reason=found.reason if found else "",
            tasks=[
                models.Side(task_id=one.task_id, title=one.title, repository=one.repository, agent=name(one.agent_id))
                for one in sides
            ],
            opened_by=name(session.opened_by), plan=self._plan(session), thread=self._thread(session),
            agreeing=progress.agreeing(session), needed=progress.needed(session),
            resolution=end.message.resolution if end else "",
        )  # fmt: skip

    def _plan(self, session: Session) -> models.SessionPlan | None:
        if session.plan is None:
            return None
        name, plan = self._service.parts.name, session.plan.message
        return models.SessionPlan(
            made_by=plan.made_by, said_by=name(session.plan.author),
            steps=[f"{name(step.owner)}: {step.desc}" if step.owner else step.desc for step in plan.steps],
            risks=[f"{risk.desc}. {risk.mitigation}".rstrip(". ") for risk in plan.risks], success_criteria=plan.success_criteria,
        )  # fmt: skip

    def _thread(self, session: Session) -> list[models.SessionWord]:
        name = self._service.parts.name
        return [
            models.SessionWord(
                by=word.author, name=name(word.author), at=word.at_ms / 1000, intent=word.message.intent,
                text=word.message.message, agrees=progress.agrees(word.message.message),
            )
            for word in session.words
        ]  # fmt: skip

    # ── projects and reports ───────────────────────────────────────────────────────────────────────────────────────

    async def projects(self, _request: Any, _caller: Any) -> models.ProjectList:
        """As the admin said last."""
        parts = self._service.parts
        said = self._service.projects.of_mesh(parts.control.mesh_id) if parts.control.mesh_id else []
        return models.ProjectList(
            projects=[
                models.ProjectView(
                    **one.said.model_dump(include=set(models.ProjectView.model_fields)), at=one.at_ms / 1000, by=parts.name(one.author)
                )
                for one in said
            ]
        )  # fmt: skip

    async def reports(self, _request: Any, _caller: Any) -> models.ReportList:
        """What was reported to this member."""
        parts = self._service.parts
        reports = [
            models.ReportView(
                **said.message.model_dump(include=set(models.ReportView.model_fields)), peer_id=peer_id, name=parts.name(peer_id),
                at=said.at_ms / 1000,
            )
            for peer_id, said in parts.peers.reports().items()
        ]  # fmt: skip
        return models.ReportList(reports=sorted(reports, key=lambda one: (-one.at, one.peer_id)))

    # ── the inbox ──────────────────────────────────────────────────────────────────────────────────────────────────

    def waiting(self) -> list[InboxItem]:
        """Sessions that need a person, and to which no person has said anything yet."""
        return [
            InboxItem(
                item_id=f"escalation:{one.session_id}", kind="escalation", subject_id=one.session_id, title=one.objective,
                purpose=f"{one.escalated.message.resolution}: say what is to be done", priority="high",
                since=one.escalated.at_ms / 1000, asked_by=one.escalated.author,
                asked_by_name=self._service.parts.name(one.escalated.author), choices=[AGREE, DISCUSS], words="optional",
                command=f"chorus-tui coordination say {one.session_id} TEXT",
            )
            for one in self._service.present()
            if one.escalated is not None and one.resolved is None and not one.answered
        ]  # fmt: skip

    async def answer(self, item: InboxItem, choice: str, text: str, caller: Any) -> str:
        """``agree`` ends the session, ``discuss`` lets it go on with a person's words. Raises :class:`Problem`."""
        if all(one.item_id != item.item_id for one in self.waiting()):
            raise Problem(
                409, "answered", "The session was answered before", "Look at it: chorus-tui coordination show"
            )
        if choice == DISCUSS and not text.strip():
            raise invalid({"text": "say what is to be done"})
        words = text.strip() if choice == DISCUSS else f"Agreed. {text.strip()}".strip()
        intent: models.Intent = "word" if choice == DISCUSS else "agreement"
        await self.say(
            models.SayInSession(session_id=item.subject_id, text=beginning(words, 4_000), intent=intent), caller
        )
        return "Said in the session" if choice == DISCUSS else "Agreed; the session ends"
