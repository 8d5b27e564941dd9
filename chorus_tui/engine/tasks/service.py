"""Tasks at work: folds, admin, worker and the doors joined; nothing is decided here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
import trio

from chorus_tui.contract.models.coordination import CoordinatedWith
from chorus_tui.contract.models.task_result import Figures, Spent
from chorus_tui.contract.models.task_spec import TaskSpec
from chorus_tui.contract.models.tasks import OutputChunk, TaskView
from chorus_tui.engine.bell import PAUSE_S, Bell, Change, pause
from chorus_tui.engine.control.authority import may_cancel
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message, TaskProgress
from chorus_tui.engine.tasks import views, voices, watching, wire
from chorus_tui.engine.tasks.admin import Admin
from chorus_tui.engine.tasks.agent_at_work import Around
from chorus_tui.engine.tasks.announcing import Announcing
from chorus_tui.engine.tasks.approving import Approving
from chorus_tui.engine.tasks.board import Board, asker, named
from chorus_tui.engine.tasks.calls import Calls
from chorus_tui.engine.tasks.delivering import Delivering
from chorus_tui.engine.tasks.hands import Hands
from chorus_tui.engine.tasks.output import OutputBuffer
from chorus_tui.engine.tasks.parts import Parts
from chorus_tui.engine.tasks.run import Tools
from chorus_tui.engine.tasks.talking import Talking
from chorus_tui.engine.tasks.task import Key, Task
from chorus_tui.engine.tasks.waiting import GATHERING, waiting_for
from chorus_tui.engine.tasks.worker import Worker

log = structlog.get_logger("chorus.tasks")

DECISIONS = {
    "task_granted": "was granted", "task_released": "was given back", "task_expired": "lost its worker; it is granted anew",
    "task_accepted": "is completed", "task_failed": "failed", "task_cancelled": "was cancelled",
    "task_budget_exhausted": "has used up its budget",
    "task_check_granted": "has a result; its checks are run", "task_check_ended": "is checked by somebody else",
    "task_approved": "was approved", "task_denied": "was denied",
}  # fmt: skip
ABOUT_ONE = frozenset({"task_granted", "task_approved", "task_denied"})
"""Decisions that count only for the announcement they name."""
LOOK_S = 2.0
WATCH_S = 30.0
BUFFERS = 64


class TaskService:
    """Folds feeds and control log into the board; runs this peer as admin and as worker."""

    types = Board.types

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.board = Board()
        self.phases: dict[Key, views.Phase] = {}
        self._buffers: dict[str, OutputBuffer] = {}
        self._watched: dict[str, float] = {}
        self._changed: dict[Key, None] = {}
        self._untold: dict[Key, None] = {}
        """Changed since somebody listened last."""
        self._shown: set[Key] = set()
        self.coordinated: Callable[[Key], list[CoordinatedWith]] = lambda _key: []
        """The sessions in which a task is coordinated with others; the runtime joins the feature that knows."""
        self._live = False
        self._tick = Bell()
        self.moved = Change()
        """Of any task."""
        self.admin = Admin(self.board, parts.control, parts.journal, parts.clock, parts.agents)
        tools = Tools(
            parts.agent_id, parts.journal, parts.control, parts.blobs, parts.executor, parts.repositories, parts.clock,
            parts.redactor, self._hear_output, self._hear_phase, parts.mind, self._agent_surroundings(),
            parts.planning,
        )  # fmt: skip
        self.worker = Worker(
            parts.me,
            self.board,
            parts.control,
            parts.mesh,
            self.admin,
            parts.clock,
            tools,
            parts.skills,
            parts.docker_languages,
        )
        self.calls = Calls(parts, self.board)
        self.announcing = Announcing(self)
        self.hands = Hands(self)
        self.approving = Approving(self)
        self.talking = Talking(self)
        self.delivering = Delivering(self)
        parts.journal.fold(self)
        parts.journal.on_doubt(self.board.doubt)
        parts.control.fold(_Decided(self))
        parts.journal.on_fleeting("task_progress", self._hear_progress)
        parts.journal.on_fleeting("task_call", self._hear_call)
        parts.control.on_change(self._mesh_changed)
        parts.mesh.serve(wire.PROTOCOL, self.admin.serve)

    def _agent_surroundings(self) -> Around:
        parts = self.parts
        return Around(
            parts.me, self.board, parts.journal, parts.blobs, parts.clock.wall, self.name, self.voice, self.may_steer,
            self._announce_below, parts.recall,
        )  # fmt: skip

    async def _announce_below(self, spec: TaskSpec) -> str:
        return await self.announcing.below(spec)

    def voice(self, who: str) -> voices.Kind:
        """As what a peer speaks to agents at work."""
        return voices.of(self.parts.control.members.get(who))

    def may_steer(self, who: str, announcer: str) -> bool:
        """Whether this peer may pause, resume or stop a task of that announcer: whoever may cancel it."""
        return may_cancel(self.parts.control.members.get(who), who, announcer)

    # ── folds ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, entry: Entry, message: Message) -> None:
        """The journal's fold."""
        self._touch(self.board.apply(entry, message))

    def reset(self) -> None:
        """The journal's fold begins anew; rows of tasks that are gone then go from the screens, with what they printed."""
        self.board.reset()
        for task in self.board.tasks.values():
            if task.erased:
                self._buffers.pop(task.key[1], None)
        for key in self.board.tasks:
            self._touch(key)

    def decided(self, entry: ControlEntry) -> None:
        """The control log's fold."""
        key = self.board.decided(entry)
        self._touch(key)
        if key is not None and self._live:
            self._say_decision(key, entry)

    def _say_decision(self, key: Key, entry: ControlEntry) -> None:
        """One line of the event log for people."""
        announced = self.board.tasks[key].announced
        if announced is None or (entry.type in ABOUT_ONE and named(entry) != announced.hash):
            return  # of another announcement than the one that counts: nothing was decided
        who = str(entry.data.get("worker", "")) or str(entry.data.get("checker", "")) or asker(entry.request)
        words = DECISIONS.get(entry.type, "")
        reason = str(entry.data.get("reason", ""))
        parts = [
            f"“{announced.spec.title}” {words}",
            f"({self.name(who)})" if who else "",
            f": {reason}" if reason else "",
        ]
        level = "warning" if entry.type in ("task_expired", "task_failed", "task_released") else "info"
        line = {
            "at": self.parts.clock.wall(), "level": level, "text": " ".join(part for part in parts if part).replace(" :", ":"),
            "peer": entry.admin, "task_id": key[1],
        }  # fmt: skip
        self.parts.events.publish("log", None, line)

    def touched(self, key: Key) -> None:
        """What another feature tells of a task has changed: it is shown anew."""
        if self._live and key in self.board.tasks:
            self._changed[key] = None
            self._ring()

    def _touch(self, key: Key | None) -> None:
        if key is None or not self._live:
            return
        self._changed[key] = None
        self._ring()
        self.admin.nudge()
        self.worker.nudge()
        self.delivering.nudge()

    def _mesh_changed(self) -> None:
        if self._live:
            self._changed.update({task.key: None for task in self.board.tasks.values() if not task.terminal})
            self._ring()
            self.admin.nudge()
            self.worker.nudge()

    def _ring(self) -> None:
        self._tick.ring()
        self.moved.tell()

    # ── life ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled; the folds were replayed before."""
        self._live = True
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.admin.run)
            nursery.start_soon(self.worker.run)
            nursery.start_soon(self.calls.run)
            nursery.start_soon(self._tell_clients)
            nursery.start_soon(self._keep_watches)
            nursery.start_soon(self.announcing.carry_on)
            nursery.start_soon(self.delivering.run)
            task_status.started()

    async def drain(self, seconds: float) -> None:
        """See :meth:`Worker.drain`."""
        await self.worker.drain(seconds)

    async def _tell_clients(self) -> None:
        """Changed rows to the event bus, a few times a second at most; waiting reasons are looked at again now and then."""
        while True:
            if not await self._tick.rung(LOOK_S, PAUSE_S):
                self._changed.update(
                    {task.key: None for task in self.board.of_mesh(self.parts.control.mesh_id) if task.open}
                )
            changed, self._changed = self._changed, {}
            self._untold |= changed
            if self._untold and self.parts.events.wanted("tasks"):
                self._tell()
            for task in (self.board.tasks[key] for key in changed):
                if task.announced is not None:
                    await self._ended(task)

    def _tell(self) -> None:
        around = self.around()
        untold, self._untold = self._untold, {}
        for task in (self.board.tasks[key] for key in untold):
            if task.announced is not None:
                self.parts.events.publish("tasks", task.key[1], views.row(task, around).model_dump())
                self._shown.add(task.key)
            elif task.key in self._shown:
                self._shown.discard(task.key)
                self.parts.events.publish("tasks", task.key[1], None)

    async def _ended(self, task: Task) -> None:
        if task.terminal:
            self.phases.pop(task.key, None)
            self._watched.pop(task.key[1], None)
            await self.parts.mesh.leave(topics.task(task.key[1]))

    # ── watching ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def watch(self, task: Task) -> OutputBuffer:
        """Listen to a task's progress for a while; its output so far."""
        task_id = task.key[1]
        buffer = self._buffer(task_id)
        if not task.terminal:
            self._watched[task_id] = self.parts.clock.monotonic() + WATCH_S
            await self.parts.mesh.join(topics.task(task_id))
        await self.announcing.load_log(buffer, task)
        return buffer

    def _buffer(self, task_id: str) -> OutputBuffer:
        if task_id not in self._buffers:
            while len(self._buffers) >= BUFFERS:
                self._buffers.pop(next(iter(self._buffers)))
            self._buffers[task_id] = OutputBuffer(task_id)
        return self._buffers[task_id]

    async def _keep_watches(self) -> None:
        """Own open tasks are watched, a bounded number; others for a while after somebody asked, or while a client follows."""
        while True:
            now, events = self.parts.clock.monotonic(), self.parts.events
            tasks = self.board.of_mesh(self.parts.control.mesh_id)
            followed = [
                task
                for task in tasks
                if not task.terminal and task.announced and events.wanted(f"output:{task.key[1]}")
            ]
            for task_id in dict.fromkeys(task.key[1] for task in (*watching.own(tasks, self.parts.me), *followed)):
                if task_id not in self._watched:
                    await self.parts.mesh.join(topics.task(task_id))
                self._watched[task_id] = now + WATCH_S
            for task_id in watching.over(self._watched, now):
                self._watched.pop(task_id)
                await self.parts.mesh.leave(topics.task(task_id))
            await pause(1.0)

    async def _hear_progress(self, author: str, message: Message, _topic: str) -> None:
        assert isinstance(message, TaskProgress)
        key = (message.mesh_id, message.task_id)
        task = self.board.tasks.get(key)
        if task is None or task.announced is None or task.terminal:
            return
        held = task.held
        holds = held is not None and (held.worker, held.attempt) == (author, message.attempt)
        if not holds and message.attempt <= len(task.grants):
            return  # only the holder knows how far it is
        # What is said may overtake the grant; it is shown when the grant is here.
        known = self.phases.get(key)
        same = known is not None and (known.worker, known.attempt) == (author, message.attempt)
        figures = message.figures or (known.figures if known is not None and same else None)
        self._note_phase(
            key, views.Phase(author, message.attempt, message.phase, message.detail, message.spent, figures)
        )
        if holds and message.text:
            self._hear_output(message.task_id, message.attempt, message.offset, message.text)

    async def _hear_call(self, author: str, message: Message, topic: str) -> None:
        if await self.calls.hear(author, message, topic):
            self.worker.called()

    def _hear_phase(
        self, key: Key, attempt: int, phase: str, detail: str, spent: Spent | None, figures: Figures | None
    ) -> None:
        """Of a task that runs here."""
        self._note_phase(key, views.Phase(self.parts.me, attempt, phase, detail, spent, figures))

    def _note_phase(self, key: Key, fresh: views.Phase) -> None:
        if self.phases.get(key) != fresh:
            self.phases[key] = fresh
            self._changed[key] = None
            self._tick.ring()

    def _hear_output(self, task_id: str, attempt: int, offset: int, text: str) -> None:
        buffer = self._buffer(task_id)
        before = buffer.end if buffer.attempt == attempt else 0
        if buffer.add(attempt, offset, text):
            chunk = OutputChunk(
                task_id=task_id, attempt=attempt, offset=offset, text=text, gap=max(0, offset - before),
                next=offset + len(text.encode()),
            )  # fmt: skip
            self.parts.events.publish(f"output:{task_id}", None, chunk.model_dump())

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    def around(self) -> views.Surroundings:
        """What views need to know, as it is now: good for many views at once, not to be kept."""
        parts = self.parts
        agents, admin, now = parts.agents(), parts.control.state != "no_admin", parts.clock.wall()
        names = {agent.peer_id: agent.name for agent in agents}

        def name(peer_id: str | None) -> str:
            return names.get(peer_id or "") or parts.control.name(peer_id)

        def why(task: Task) -> str:
            announced = task.announced
            fresh = announced is not None and not task.grants and now - announced.at_ms / 1000 < 1.5
            words = waiting_for(task, self.board, agents, admin=admin)
            return "" if fresh and words == GATHERING else words

        return views.Surroundings(
            self.board,
            parts.control.mesh_id,
            now,
            name,
            why,
            self.phases,
            self.may_steer,
            admin,
            agents,
            self.coordinated,
        )

    def name(self, peer_id: str | None) -> str:
        """A peer's name for people."""
        return self.parts.control.name(peer_id)

    def by_state(self) -> dict[str, int]:
        """Number of tasks of the present mesh by state."""
        counts: dict[str, int] = {}
        around = self.around()
        for task in self.board.of_mesh(self.parts.control.mesh_id):
            state, _ = views.state_of(task, around)
            counts[state] = counts.get(state, 0) + 1
        return counts

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """The operations of this feature."""
        return {
            **self.announcing.handlers(), **self.hands.handlers(), **self.approving.handlers(), **self.talking.handlers(),
        }  # fmt: skip

    def ended(self, task_id: str) -> TaskView | None:
        """The task, or the one that goes on from it, once it has ended. Raises :class:`Problem` for one that does not count any more."""
        task = self.follow(self.announcing.find(task_id))
        return self.announcing.view_of(task) if task.terminal else None

    def project_of(self, task_id: str) -> str:
        """The project of a task; empty when there is none, or no such task."""
        task = self.board.find(task_id)
        return task.announced.spec.project_id if task is not None and task.announced is not None else ""

    def follow(self, task: Task) -> Task:
        """The task, or the one that goes on from it in the present mesh."""
        return self.board.follow(task, self.parts.control.mesh_id)


class _Decided:
    """The service as a fold of the control log (the journal's fold has the same method name)."""

    def __init__(self, service: TaskService) -> None:
        self._service = service

    def apply(self, entry: ControlEntry) -> None:
        self._service.decided(entry)
