"""Records of accepted tasks: made by the worker, or, when it is gone, by whoever leads.

What stands in the feeds decides whether there is something to do, so a crash, a change of admin or a cut delays a record and
makes at most one version more of it, which says the same.
"""

from __future__ import annotations

from typing import Any

import structlog
import trio

from chorus_tui.engine.bell import pause
from chorus_tui.engine.clock import Clock
from chorus_tui.engine.control.interface import Control, ControlEntry
from chorus_tui.engine.decisions.parts import NotKept
from chorus_tui.engine.journal.interface import Journal
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message
from chorus_tui.engine.protocol.messages.decisions import DecisionAnnouncement
from chorus_tui.engine.records import of_tasks
from chorus_tui.engine.records.keeper import Keeper
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.task import Key, Task

log = structlog.get_logger("chorus.records")

LOOK_S = 1.0
ABSENT_S = 20.0
"""So long the worker has, before the admin makes the record in its place."""
REST_S = 10.0
"""After something could not be kept."""
A_ROUND = 8


class RecordService:
    """Of one peer."""

    types = frozenset({"decision_announcement"})

    def __init__(self, me: str, journal: Journal, control: Control, board: Board, keeper: Keeper, clock: Clock) -> None:
        self._me = me
        self._control = control
        self._board = board
        self._keeper = keeper
        self._clock = clock
        self._announced: dict[str, set[str]] = {}
        """By address, who announced a record there."""
        self._by_task: dict[str, set[str]] = {}
        """By task, who announced a record of it."""
        self._led: set[str] = set()
        self._accepted: set[Key] = set()
        self._due: dict[Key, float] = {}
        """Accepted tasks without a record, since when that is so for this peer."""
        self._later: dict[Key, float] = {}
        """What could not be kept, and when it is tried again."""
        journal.fold(self)
        control.fold(_Decided(self))

    # ── folds ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, entry: Entry, message: Message) -> None:
        """The journal's fold."""
        if isinstance(message, DecisionAnnouncement):
            self._announced.setdefault(message.address, set()).add(entry.author)
            task_id = of_tasks.task_of(message.address)
            if task_id:
                self._by_task.setdefault(task_id, set()).add(entry.author)

    def reset(self) -> None:
        """The journal's fold begins anew."""
        self._announced.clear()
        self._by_task.clear()
        self._due = dict.fromkeys(self._accepted, self._clock.monotonic()) | self._due

    def decided(self, entry: ControlEntry) -> None:
        """The control log's fold."""
        self._led.add(entry.admin)
        if entry.type == "task_accepted":
            key = (entry.mesh_id, str(entry.data.get("task_id", "")))
            self._accepted.add(key)
            self._due[key] = self._clock.monotonic()

    # ── rounds ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        task_status.started()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._spread_own)
            while True:
                await trio.sleep(LOOK_S)
                await self._round()

    async def _spread_own(self) -> None:
        """What this peer announced before it was started anew is put into the DHT again: there it lives only as long as somebody
        puts it."""
        for address in [where for where, who in self._announced.items() if self._me in who]:
            await self._keeper.spread(address)
            await pause(LOOK_S)

    async def _round(self) -> None:
        done, now = 0, self._clock.monotonic()
        for key in list(self._due):
            if done >= A_ROUND:
                return
            if key[0] != self._control.mesh_id or now < self._later.get(key, 0.0):
                continue
            task = self._board.tasks.get(key)
            if task is None or task.announced is None or task.accepted is None or task.announced.erased:
                continue  # its words have not come yet, or are gone
            if self._by_task.get(key[1], set()) & {task.accepted.author, *self._led}:
                self._due.pop(key, None)
            elif self._is_mine(task, key):
                done += 1
                await self._make(task, key)

    def _is_mine(self, task: Task, key: Key) -> bool:
        assert task.accepted is not None
        if task.accepted.author == self._me:
            return True
        return self._control.is_admin and self._clock.monotonic() - self._due[key] >= ABSENT_S

    async def _make(self, task: Task, key: Key) -> None:
        assert task.announced is not None
        assert task.accepted is not None
        where = of_tasks.address(task, task.announced, self._control.members.get(task.accepted.author))
        try:
            content = of_tasks.content(task, task.announced, task.accepted, where)
            await self._keeper.keep(where, content, task.accepted.author)
        except NotKept as error:
            log.info("A record is kept later", task_id=key[1], reason=str(error))
            self._later[key] = self._clock.monotonic() + REST_S
        except WireError as error:
            log.warning("⚠️ A task has no record", task_id=key[1], reason=str(error))
            self._due.pop(key, None)
        else:
            self._due.pop(key, None)


class _Decided:
    def __init__(self, service: RecordService) -> None:
        self._service = service

    def apply(self, entry: ControlEntry) -> None:
        self._service.decided(entry)
