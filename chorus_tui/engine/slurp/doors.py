"""What people and programs ask of SLURP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from chorus_tui.contract import ucxl
from chorus_tui.contract.models.common import Empty
from chorus_tui.contract.models.slurp import (
    AskContext,
    ContextAnswer,
    ContextHops,
    ContextRef,
    ContextRow,
    FeedbackTaken,
    GiveFeedback,
    SlurpStats,
)
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.engine.behalf import person
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.journal.flow import OverQuota
from chorus_tui.engine.journal.interface import Journal, Refused
from chorus_tui.engine.protocol.messages.context import Learned
from chorus_tui.engine.slurp.graph import Known
from chorus_tui.engine.slurp.service import SlurpService


class SlurpDoors:
    """The operations of this feature. What is known here is answered here: every peer holds what the admin published."""

    def __init__(self, service: SlurpService, journal: Journal, control: Control) -> None:
        self._service = service
        self._journal = journal
        self._control = control

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation name."""
        return {
            "slurp.context": self.context, "slurp.show": self.show, "slurp.feedback": self.feedback, "slurp.stats": self.stats,
        }  # fmt: skip

    async def context(self, request: AskContext, _caller: Any) -> ContextAnswer:
        """What is known on a path, the most relevant first."""
        found, count = self._service.graph.resolve(request.path.strip("/"), request.query, request.limit)
        rows = [self._row(one.known, one.relevance, one.level) for one in found]
        return ContextAnswer(nodes=rows, known=count)

    async def show(self, request: ContextRef, _caller: Any) -> ContextHops:
        """One node, what it builds on and what was built on it."""
        graph, node_id = self._service.graph, self._one(request.node_id)
        both = {
            back: [[self._row(graph.known[one]) for one in layer] for layer in graph.hops(node_id, back=back)]
            for back in (True, False)
        }
        return ContextHops(node=self._row(graph.known[node_id]), builds_on=both[True], led_to=both[False])

    def _one(self, named: str) -> str:
        """The node whose id begins so, or the newest one that comes from this address."""
        if named.startswith(ucxl.SCHEME):
            return self._from(named)
        found = [node_id for node_id in self._service.known() if node_id.startswith(named)]
        if len(found) != 1:
            why = "several begin so; give more digits" if found else "no such node; 'slurp context' lists them"
            raise invalid({"node_id": why})
        return found[0]

    def _from(self, address: str) -> str:
        try:
            place = ucxl.parse(address).place
        except ucxl.InvalidAddress as error:
            raise invalid({"node_id": str(error)}) from error
        found = [
            (one.node.at_ms, node_id) for node_id, one in self._service.known().items() if place in one.node.sources
        ]
        if not found:
            raise Problem(404, "not_found", "No context", f"Nothing that the mesh remembers comes from {place}.")
        return max(found)[1]

    def _row(self, one: Known, score: float = 1.0, level: int = 0) -> ContextRow:
        node, graph = one.node, self._service.graph
        return ContextRow(
            **node.model_dump(include=set(Learned.model_fields) - {"cites"}), level=level,
            staleness=round(graph.staleness(node), 3), influence=round(graph.influence(node.node_id), 3),
            node_id=node.node_id, path=node.context_path, kind=node.kind, summary=node.summary, by=node.by,
            by_name=self._control.name(node.by) if node.by else "", at=node.at_ms / 1000, relevance=score,
            standing=round(one.standing, 3), used=one.used,
        )  # fmt: skip

    async def feedback(self, request: GiveFeedback, caller: Any) -> FeedbackTaken:
        """A person's word; it moves the node's standing on every peer."""
        node_id, path = "", request.path
        if request.node_id:
            node_id = self._one(request.node_id)
            path = self._service.known()[node_id].node.context_path
        elif request.event != "missing":
            raise invalid({"node_id": f"which node is {request.event}?"})
        data = {
            "context_path": path, "event": request.event, "node_id": node_id, "note": request.note,
            "relevance_score": 1.0 if request.event == "helpful" else 0.0,
            "on_behalf_of": person(caller),
        }  # fmt: skip
        try:
            await self._journal.say("feedback_event", data)
        except OverQuota:
            raise
        except Refused as error:
            raise Problem(409, "refused", "The feedback was not taken", str(error)) from error
        return FeedbackTaken(node_id=node_id, standing=self._service.graph.standing(node_id) if node_id else None)

    async def stats(self, _request: Empty, _caller: Any) -> SlurpStats:
        """In numbers."""
        known = list(self._service.known().values())
        events, requests = self._service.waiting()
        return SlurpStats(
            nodes=len(known), by_kind=dict(Counter(one.node.kind for one in known)),
            paths=len({one.node.context_path for one in known}), used=sum(one.used for one in known),
            judged=sum(one.standing != 0.5 for one in known), waiting_events=events, waiting_requests=requests,
        )  # fmt: skip
