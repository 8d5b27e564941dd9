"""The inbox at work: gathers what waits from the features, tells the screens, brings an answer to where it counts.

It keeps nothing of its own: an item is there while its feature says so, on every peer alike, and it is answered there once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
import trio

from chorus_tui.contract.models.inbox import Answered, AnswerItem, Inbox, InboxItem
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.engine.bell import pause
from chorus_tui.engine.clock import Clock
from chorus_tui.engine.inbox import rules
from chorus_tui.engine.inbox.interface import Source
from chorus_tui.engine.journal.events import EventBus

log = structlog.get_logger("chorus.inbox")

LOOK_S = 1.0
GONE = 256
"""Items remembered after they went, so that a late answer is told what became of them."""


class InboxService:
    """Of one peer."""

    def __init__(self, sources: list[Source], events: EventBus, clock: Clock) -> None:
        self._sources = sources
        self._events = events
        self._clock = clock
        self._shown: dict[str, InboxItem] = {}
        self._gone: OrderedDict[str, InboxItem] = OrderedDict()
        self._answering = trio.Lock()

    def waiting(self) -> list[InboxItem]:
        """What waits now, the most pressing first."""
        return rules.in_order((item for item, _ in self._gather()), self._clock.wall())

    def _gather(self) -> list[tuple[InboxItem, Source]]:
        """A source that fails is told of, and hides no other."""
        found: list[tuple[InboxItem, Source]] = []
        for source in self._sources:
            try:
                found += [(item, source) for item in source.waiting()]
            except Exception:
                log.exception("A part of the inbox could not be gathered", kinds=sorted(source.kinds))
        return found

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled: changes to the event bus."""
        task_status.started()
        while True:
            self._publish()
            await pause(LOOK_S)

    def _publish(self) -> None:
        fresh = {item.item_id: item for item in self.waiting()}
        for item_id, item in fresh.items():
            if self._shown.get(item_id) != item:
                self._events.publish("inbox", item_id, item.model_dump())
        for item_id in self._shown.keys() - fresh.keys():
            self._events.publish("inbox", item_id, None)
            self._gone[item_id] = self._shown[item_id]
        while len(self._gone) > GONE:
            self._gone.popitem(last=False)
        self._shown = fresh

    # ── doors ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation name."""
        return {"inbox.list": self._list, "inbox.answer": self._answer}

    async def _list(self, _request: Any, _caller: Any) -> Inbox:
        return Inbox(inbox=self.waiting())

    async def _answer(self, request: AnswerItem, caller: Any) -> Answered:
        # One at a time, so that of two answers from here the second meets what the first made of the item.
        async with self._answering:
            item, source = self._find(request.item_id)
            if request.version not in ("", item.version):
                raise Problem(
                    409,
                    "changed",
                    "It is not what you looked at any more",
                    f"What is asked about “{item.title}” changed meanwhile; look at it again and answer anew.",
                )
            wrong = rules.misfit(item, request.choice, request.text)
            if wrong:
                raise invalid(wrong)
            told = await source.answer(item, request.choice, request.text, caller)
            self._publish()
        return Answered(item_id=item.item_id, told=told)

    def _find(self, name: str) -> tuple[InboxItem, Source]:
        sources = {item.item_id: (item, source) for item, source in self._gather()}
        found = rules.meant(self.waiting(), name)
        if len(found) == 1:
            return sources[found[0].item_id]
        if found:
            names = ", ".join(item.item_id for item in found[:5])
            raise invalid({"item_id": f"{name} is the beginning of several: {names}"})
        # What was shown a moment ago and does not wait now has just ended; the next look will say so.
        gone = rules.meant([*self._gone.values(), *self._shown.values()], name)
        if gone:
            raise Problem(
                409,
                "ended",
                "It does not wait any more",
                f"“{gone[-1].title}” was answered or has ended meanwhile; {gone[-1].command or 'nothing is left to do'}",
            )
        raise Problem(404, "not-found", "Nothing of that name waits", "'chorus-tui inbox list' shows what does.")
