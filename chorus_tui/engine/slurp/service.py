"""SLURP at work: a fold that every peer has, and what the admin does with it.

The admin takes in what was settled and publishes it as a node, acknowledges events, answers questions. Whatever it left undone the
next admin finds in the feeds and does; whatever it did is found there too, and not done again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
import trio

from chorus_tui.engine.bell import Bell
from chorus_tui.engine.clock import Clock
from chorus_tui.engine.control.interface import Control, ControlEntry
from chorus_tui.engine.journal.interface import Journal, Refused
from chorus_tui.engine.protocol import messages
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message
from chorus_tui.engine.protocol.messages.context import (
    ContextNode,
    ContextRelevance,
    ContextRequest,
    ContextResponse,
    ContextUsage,
    FeedbackEvent,
    Learned,
    SlurpContextUpdate,
    SlurpEventAck,
    SlurpEventGenerated,
)
from chorus_tui.engine.shhh.cutting import beginning
from chorus_tui.engine.slurp import rules
from chorus_tui.engine.slurp.graph import Graph, Known

log = structlog.get_logger("chorus.slurp")

ROUND_S = 1.0
"""At the latest: what is heard or decided rings."""
APART_S = 0.25
LATER_S = 2.5
"""Until what the journal did not take is tried again."""
SHOWN = 5
"""Nodes in an answer to an agent."""
FRESH_S = 120.0
"""A question older than this is answered no more: whoever asked went on without."""
A_ROUND = 16
"""Things done in one round at most, so that a long history does not hold up what is new."""
SUMMARY = 2_000
CITED = 16
DOUBTFUL = 0.5
"""The confidence of what nobody has looked at."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Something that the control log settled, as a feature describes it. ``learned`` are fields of
    :class:`chorus_tui.engine.protocol.messages.context.Learned`; it builds on what ``tasks`` came to, and on what the agent of
    ``task_id`` was shown."""

    path: str
    summary: str
    by: str
    kind: str
    learned: dict[str, Any] = field(default_factory=dict)
    task_id: str = ""
    tasks: tuple[str, ...] = ()


Describe = Callable[[ControlEntry], Settled | None]
"""What a decided entry settled; None: nothing, or not known here yet."""


@dataclass(frozen=True, slots=True)
class _Asked:
    author: str
    at_ms: int
    said: ContextRequest


class SlurpService:
    """Of one peer."""

    types = frozenset(messages.context.ROWS)

    def __init__(
        self, me: str, journal: Journal, control: Control, clock: Clock, describe: dict[str, Describe]
    ) -> None:
        self._me = me
        self._journal = journal
        self._control = control
        self._clock = clock
        self._describe = describe
        self.graph = Graph()
        self._decided: dict[str, ControlEntry] = {}
        """By hash, everything that is to be remembered."""
        self._settled: dict[str, ControlEntry] = {}
        """What of it no admin has published yet."""
        self._accepted: dict[str, str] = {}
        """By task, the hash of the entry that accepted its result."""
        self._events: dict[str, dict[str, tuple[int, SlurpEventGenerated]]] = {}
        """By event and author: when it was said first, and what."""
        self._unheeded: dict[str, None] = {}
        """Events that no admin has acknowledged, as far as was looked."""
        self._acks: dict[str, set[str]] = {}
        self._requests: dict[str, _Asked] = {}
        self._answers: dict[str, dict[str, ContextResponse]] = {}
        self._awaited: set[str] = set()
        """Questions of this peer that somebody waits for here."""
        self._shown: dict[str, dict[str, ContextUsage]] = {}
        """What agents were shown, by task and peer."""
        self._unmeasured: set[str] = set()
        """Tasks of this peer whose shown context was not held against what came of them."""
        self._measured: set[str] = set()
        self._wake = Bell()
        journal.fold(self)
        control.fold(_Decided(self))

    # ── folds ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, entry: Entry, message: Message) -> None:
        """The journal's fold."""
        at_ms = int(entry.header.hlc.partition(":")[0])
        if isinstance(message, ContextUsage | ContextRelevance | FeedbackEvent):
            self._hear_worth(entry, message, at_ms)
        elif isinstance(message, SlurpContextUpdate):
            self.graph.publish(entry.author, at_ms, message.node)
            if entry.author in self.graph.admins:
                self._settled.pop(message.node.node_id, None)
        elif isinstance(message, SlurpEventGenerated):
            by_author = self._events.setdefault(message.event_id, {})
            if entry.author not in by_author or at_ms < by_author[entry.author][0]:
                by_author[entry.author] = (at_ms, message)
                self._unheeded[message.event_id] = None
        elif isinstance(message, SlurpEventAck):
            self._acks.setdefault(message.event_id, set()).add(entry.author)
        elif isinstance(message, ContextRequest):
            if self._fresh(at_ms):
                self._requests[entry.hash] = _Asked(entry.author, at_ms, message)
        elif isinstance(message, ContextResponse) and self._fresh(at_ms):
            self._answers.setdefault(message.request, {})[entry.author] = message
        self._wake.ring()

    def _hear_worth(self, entry: Entry, message: Message, at_ms: int) -> None:
        """What a node was worth to somebody."""
        mine = entry.author == self._me
        if isinstance(message, ContextUsage):
            self.graph.use(entry.hash, message.nodes, message.usage_count)
            if message.task_id:
                self._shown.setdefault(message.task_id, {})[entry.author] = message
                if mine:
                    self._unmeasured.add(message.task_id)
        elif isinstance(message, ContextRelevance):
            self.graph.measure(entry.author, at_ms, message.node_id, message.relevance_score)
            if mine:
                self._measured.add(message.node_id)
        elif isinstance(message, FeedbackEvent) and message.node_id:
            self.graph.judge(entry.author, at_ms, message.node_id, message.event)

    def reset(self) -> None:
        """The journal's fold begins anew."""
        self.graph.clear()
        for part in (
            self._events,
            self._acks,
            self._requests,
            self._answers,
            self._shown,
            self._unmeasured,
            self._measured,
        ):
            part.clear()

    def decided(self, entry: ControlEntry) -> None:
        """The control log's fold: who has led, and what was settled."""
        self.graph.led_by(entry.admin)
        if entry.type in self._describe:
            self._decided[entry.hash] = entry
            if not self.has(entry.hash):
                self._settled[entry.hash] = entry
        if entry.type == "task_accepted":
            self._accepted[str(entry.data.get("task_id", ""))] = entry.hash
        self._wake.ring()

    # ── what is known ──────────────────────────────────────────────────────────────────────────────────────────────

    def known(self) -> dict[str, Known]:
        """Every node that counts."""
        return self.graph.known

    def has(self, node_id: str) -> bool:
        """Whether somebody who has led the mesh published this node."""
        return node_id in self.graph.known

    def answered(self, request: str) -> ContextResponse | None:
        """What an admin answered to a question."""
        by_admins = [
            said for author, said in sorted(self._answers.get(request, {}).items()) if author in self.graph.admins
        ]
        return by_admins[0] if by_admins else None

    def acknowledged(self, event_id: str) -> bool:
        """Whether an admin has taken an event in, or refused it."""
        return bool(self._acks.get(event_id, set()) & self.graph.admins)

    def waiting(self) -> tuple[int, int]:
        """How many events and questions no admin has taken up."""
        return len(self._open_events()), len(self._open_requests())

    def _open_events(self) -> list[str]:
        self._unheeded = {event_id: None for event_id in self._unheeded if not self.acknowledged(event_id)}
        return list(self._unheeded)

    def _open_requests(self) -> list[str]:
        """What is too old to be of use is forgotten, with its answers."""
        self._requests = {hash_: asked for hash_, asked in self._requests.items() if self._fresh(asked.at_ms)}
        self._answers = {
            hash_: said for hash_, said in self._answers.items() if hash_ in self._requests or hash_ in self._awaited
        }
        return [hash_ for hash_ in self._requests if self.answered(hash_) is None]

    def _fresh(self, at_ms: int) -> bool:
        return at_ms >= (self._clock.wall() - FRESH_S) * 1000

    # ── for agents of this peer ────────────────────────────────────────────────────────────────────────────────────

    async def ask(self, path: str, query: str, task_id: str, patience_s: float) -> list[ContextNode]:
        """What the admin knows; nothing when it does not answer in time. What comes counts as used."""
        try:
            asked = await self._journal.say(
                "context_request", {"context_path": path, "query": beginning(query, 1_000), "task_id": task_id}
            )
            self._awaited.add(asked.hash)
            try:
                with trio.move_on_after(patience_s):
                    while self.answered(asked.hash) is None:  # noqa: ASYNC110 - a moment only
                        await trio.sleep(0.05)
                answer = self.answered(asked.hash)
            finally:
                self._awaited.discard(asked.hash)
            if answer is None or not answer.nodes:
                return []
            used = {"context_path": path, "nodes": [node.node_id for node in answer.nodes], "task_id": task_id}
            await self._journal.say("context_usage", used)
        except Refused as error:
            log.info("No context was asked for", reason=str(error))
            return []
        return list(answer.nodes)

    # ── rounds ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        task_status.started()
        while True:
            await self._wake.rung(ROUND_S, APART_S)
            try:
                await self._round()
            except Refused as error:
                log.info("What was learned is said later", reason=str(error))
                await trio.sleep(LATER_S)

    async def _round(self) -> None:
        await self._measure()
        if not self._control.is_admin:
            return
        await self._take_settled()
        for event_id in self._open_events()[:A_ROUND]:
            await self._take_event(event_id)
        for hash_ in self._open_requests()[:A_ROUND]:
            await self._answer(hash_)

    async def _take_settled(self) -> None:
        """Accepted tasks and passed votes of the present mesh, each once."""
        done = 0
        for hash_, entry in list(self._settled.items()):
            if self.has(hash_) or entry.mesh_id != self._control.mesh_id:
                del self._settled[hash_]
                continue
            settled = self._describe[entry.type](entry)
            if settled is None:
                continue  # its words have not come yet
            learned = {**settled.learned, "cites": self._cited(settled.task_id, settled.by, settled.tasks)}
            await self._publish(hash_, settled.path, settled.summary, settled.kind, settled.by, entry.hlc, learned)
            done += 1
            if done >= A_ROUND:
                return

    async def _take_event(self, event_id: str) -> None:
        """An event counts when its author may propose; a node is made of it, once. Of several that tell of it, those who have led
        the mesh go first. How sure it is shows later: what others say of themselves is not more than a beginning."""
        told = self._events.get(event_id, {})
        trusted = [
            (author not in self.graph.admins, at_ms, author)
            for author, (at_ms, _) in told.items()
            if self._control.may(author, "propose")
        ]
        if not told:
            return  # taken back meanwhile
        reason = "" if trusted else "nobody who may propose has generated it"
        if trusted and not self.has(event_id):
            _, at_ms, author = min(trusted)
            event = told[author][1]
            learned = event.model_dump(include=set(Learned.model_fields))
            learned["cites"] = [*event.cites, *self._cited("", "", (event.task_id or "",))][:CITED]
            learned["confidence"] = min(event.confidence, DOUBTFUL)
            path, said, kind = event.context_path, event.consensus, event.event_type
            await self._publish(event_id, path, said, kind, author, f"{at_ms}:0:x", learned)
        accepted = bool(trusted)
        await self._journal.say("slurp_event_ack", {"event_id": event_id, "accepted": accepted, "reason": reason})

    def _cited(self, task_id: str, worker: str, tasks: tuple[str, ...]) -> list[str]:
        """What a node builds on: what these tasks came to, and what the worker's agent was shown."""
        shown = self._shown.get(task_id, {}).get(worker)
        before = [self._accepted[one] for one in tasks if one in self._accepted]
        return sorted({*before, *(shown.nodes if shown else ())} & self.graph.known.keys())[:CITED]

    async def _publish(
        self, node_id: str, path: str, summary: str, kind: str, by: str, hlc: str, learned: dict[str, Any]
    ) -> None:
        node = {
            **learned, "node_id": node_id, "context_path": path, "summary": beginning(summary, SUMMARY), "kind": kind, "by": by,
            "at_ms": int(hlc.partition(":")[0]), "relevance": 1.0,
        }  # fmt: skip
        await self._journal.say("slurp_context_update", {"context_path": path, "node": node, "event_id": node_id})

    async def _answer(self, hash_: str) -> None:
        if hash_ not in self._requests:
            return  # taken back meanwhile
        asked = self._requests[hash_].said
        found, count = self.graph.resolve(asked.context_path, asked.query, SHOWN)
        nodes = [one.known.node.model_copy(update={"relevance": one.relevance}).model_dump() for one in found]
        data = {"request": hash_, "context_path": asked.context_path, "nodes": nodes, "known": count}
        await self._journal.say("context_response", data)

    async def _measure(self) -> None:
        """When a task of an agent of this peer is accepted: what had the shown nodes to do with what came of it?"""
        for task_id in sorted(self._unmeasured & self._accepted.keys()):
            came = self.graph.known.get(self._accepted[task_id])
            if came is None:
                continue  # not published yet
            self._unmeasured.discard(task_id)
            shown = self._shown.get(task_id, {}).get(self._me)
            if shown is None:
                continue  # taken back
            for node_id in sorted((set(shown.nodes) - self._measured) & self.graph.known.keys()):
                score = round(rules.overlap(came.words, self.graph.known[node_id].words), 3)
                data = {"context_path": shown.context_path, "node_id": node_id, "relevance_score": score}
                await self._journal.say("context_relevance", data)


class _Decided:
    def __init__(self, service: SlurpService) -> None:
        self._service = service

    def apply(self, entry: ControlEntry) -> None:
        self._service.decided(entry)
