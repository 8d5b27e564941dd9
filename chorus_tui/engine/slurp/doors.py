"""What people and programs ask of SLURP."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from chorus_tui.contract.models.common import Empty
from chorus_tui.contract.models.slurp import (
    AskContext,
    ContextAnswer,
    ContextRow,
    FeedbackTaken,
    GiveFeedback,
    SlurpStats,
)
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.journal.flow import OverQuota
from chorus_tui.engine.journal.interface import Journal, Refused
from chorus_tui.engine.slurp import rules
from chorus_tui.engine.slurp.rules import Known
from chorus_tui.engine.slurp.service import SlurpService


class SlurpDoors:
    """The operations of this feature. What is known here is answered here: every peer holds what the admin published."""

    def __init__(self, service: SlurpService, journal: Journal, control: Control) -> None:
        self._service = service
        self._journal = journal
        self._control = control

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation name."""
        return {"slurp.context": self.context, "slurp.feedback": self.feedback, "slurp.stats": self.stats}

    async def context(self, request: AskContext, _caller: Any) -> ContextAnswer:
        """What is known on a path, the most relevant first."""
        found, count = rules.resolve(
            self._service.known().values(), request.path.strip("/"), request.query, request.limit
        )
        return ContextAnswer(nodes=[self._row(score, one) for score, one in found], known=count)

    def _row(self, score: float, one: Known) -> ContextRow:
        node = one.node
        return ContextRow(
            node_id=node.node_id, path=node.context_path, kind=node.kind, summary=node.summary, by=node.by,
            by_name=self._control.name(node.by) if node.by else "", at=node.at_ms / 1000, relevance=score,
            standing=round(one.standing, 3), used=one.used,
        )  # fmt: skip

    async def feedback(self, request: GiveFeedback, caller: Any) -> FeedbackTaken:
        """A person's word; it moves the node's standing on every peer."""
        node_id, path = "", request.path
        if request.node_id:
            found = [one for one in self._service.known().values() if one.node.node_id.startswith(request.node_id)]
            if len(found) != 1:
                raise invalid(
                    {
                        "node_id": "several begin so; give more digits"
                        if found
                        else "no such node; 'slurp context' lists them"
                    }
                )
            node_id, path = found[0].node.node_id, found[0].node.context_path
        elif request.event != "missing":
            raise invalid({"node_id": f"which node is {request.event}?"})
        data = {
            "context_path": path, "event": request.event, "node_id": node_id, "note": request.note,
            "relevance_score": 1.0 if request.event == "helpful" else 0.0,
            "on_behalf_of": getattr(caller, "person", "") or "",
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
