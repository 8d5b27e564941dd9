"""Decisions at work: the book, the admin and the doors joined; nothing is decided here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
import trio

from chorus_tui.engine.bell import PAUSE_S, Bell
from chorus_tui.engine.control.entries import BODY_ERASED
from chorus_tui.engine.control.interface import ControlEntry
from chorus_tui.engine.decisions import views
from chorus_tui.engine.decisions.acting import Acting
from chorus_tui.engine.decisions.admin import Admin
from chorus_tui.engine.decisions.book import Book, Case
from chorus_tui.engine.decisions.inbox import DecisionInbox
from chorus_tui.engine.decisions.outcome import Result, result_of
from chorus_tui.engine.decisions.parts import Parts
from chorus_tui.engine.decisions.proposing import Proposing
from chorus_tui.engine.protocol import messages
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.protocol.envelope import Entry
from chorus_tui.engine.protocol.messages import Message
from chorus_tui.engine.protocol.messages.decisions import DecisionVote
from chorus_tui.engine.protocol.said import Said

log = structlog.get_logger("chorus.decisions")

LOOK_S = 1.0


class DecisionService:
    """Folds feeds and control log into the book; runs this peer as admin; answers."""

    types = Book.types

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.book = Book()
        self.admin = Admin(parts, self.book, self.result)
        self.proposing = Proposing(self)
        self.acting = Acting(self)
        self.inbox = DecisionInbox(self)
        self._changed: dict[str, None] = {}
        self._shown: dict[str, views.Row] = {}
        self._results: dict[str, Result] = {}
        """Until something is said or decided of the proposal: a record is not made anew for each look."""
        self._opened: dict[tuple[str, str], dict[str, Any] | None] = {}
        self._live = False
        self._tick = Bell()
        parts.journal.fold(self)
        parts.journal.on_doubt(self._doubt)
        parts.control.fold(_Decided(self))
        parts.control.on_change(self._mesh_changed)

    # ── folds ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def apply(self, entry: Entry, message: Message) -> None:
        """The journal's fold."""
        self._touch(self.book.apply(entry, message))

    def reset(self) -> None:
        """The journal's fold begins anew; what was read of sealed parts is forgotten with them."""
        self.book.reset()
        self._opened.clear()
        self._results.clear()
        self._touch_all()

    def decided(self, entry: ControlEntry) -> None:
        """The control log's fold."""
        case = self.book.decided(entry)
        if entry.type == BODY_ERASED:
            self._results.clear()
        self._touch(case)
        if case is not None and self._live:
            self._say_end(case, entry)

    def _doubt(self, author: str, epoch: str, seq: int | None) -> None:
        self.book.doubt(author, epoch, seq)
        self._results.clear()
        self._touch_all()

    def _touch(self, case: Case | None) -> None:
        if case is not None:
            self._results.pop(case.hash, None)
        if case is not None and self._live:
            self._changed[case.hash] = None
            self._tick.ring()
            self.admin.nudge()

    def _touch_all(self) -> None:
        for case in self.book.cases.values():
            self._touch(case)
        if self._live:
            self._changed.update(dict.fromkeys(self._shown))
            self._tick.ring()

    def _mesh_changed(self) -> None:
        for case in self.book.cases.values():
            if case.end is None:
                self._touch(case)

    def _say_end(self, case: Case, entry: ControlEntry) -> None:
        """One line of the event log for people."""
        if case.proposal is None or case.end is None or case.end.index != entry.index:
            return
        row = self.row(case)
        words = f"“{row.title}”" if row.title else f"The sealed decision {row.decision_id}"
        came = {"withdrawn": "was withdrawn", "counting": "was closed"}.get(
            row.state, f"is decided: {views.told(row.state, row.outcome)}"
        )
        line = {
            "at": self.parts.clock.wall(), "level": "warning" if row.flagged else "info", "text": f"{words} {came}",
            "peer": entry.admin, "task_id": "",
        }  # fmt: skip
        self.parts.events.publish("log", None, line)

    # ── life ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled; the folds were replayed before."""
        self._live = True
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.admin.run)
            nursery.start_soon(self._tell_clients)
            task_status.started()

    async def _tell_clients(self) -> None:
        """Changed rows to the event bus, a few times a second at most; what only time changes is looked at every second."""
        while True:
            await self._tick.rung(LOOK_S, PAUSE_S)
            if not self.parts.events.wanted("decisions"):
                continue
            self._changed.update({case.hash: None for case in self.book.proposals(lambda case: case.end is None)})
            changed, self._changed = self._changed, {}
            for hash_ in changed:
                self._tell(hash_)

    def _tell(self, hash_: str) -> None:
        case = self.book.cases.get(hash_)
        if case is None or case.proposal is None:
            if self._shown.pop(hash_, None) is not None:
                self.parts.events.publish("decisions", hash_, None)
            return
        row = self.row(case)
        if self._shown.get(hash_) != row:
            self._shown[hash_] = row
            self.parts.events.publish("decisions", hash_, row.model_dump())

    # ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────

    def result(self, case: Case) -> Result | None:
        """What came of a closed vote; None while a vote that counts is not here."""
        found = self._results.get(case.hash) or result_of(case, self.book)
        if found is None and case.closing is not None and self._fetch_counted(case):
            found = result_of(case, self.book)
        if found is not None:
            self._results[case.hash] = found
        return found

    def _fetch_counted(self, case: Case) -> bool:
        """Counted votes that the fold was not given, because their feed was seen to have forked before they came."""
        assert case.closing is not None
        found = False
        for peer_id, named in case.closing.counted():
            if named.hash in case.votes:
                continue
            entry = self.parts.journal.get(peer_id, named.epoch, named.seq)
            if entry is None or entry.hash != named.hash or entry.envelope is None:
                continue
            try:
                message = messages.check(entry.type, entry.data)
            except WireError:
                continue
            if isinstance(message, DecisionVote):
                case.votes[entry.hash] = Said.of(entry, message)
                found = True
        return found

    def opened(self, said: Said[Any], sealed: str) -> dict[str, Any] | None:
        """What a sealed part says, or None when it is not for this peer."""
        key = (said.author, said.hash)
        if key not in self._opened:
            self._opened[key] = self.parts.sealing.open(sealed, said.author)
        return self._opened[key]

    def row(self, case: Case) -> views.Row:
        """One line of the list."""
        return views.row(case, self.around())

    def around(self) -> views.Surroundings:
        """What views need to know, as it is now."""
        parts = self.parts
        return views.Surroundings(
            parts.me,
            self.book,
            parts.control,
            parts.clock.wall(),
            self.result,
            self.opened,
            parts.journal,
            parts.records,
        )

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """The operations of this feature."""
        return {"decisions.propose": self.proposing.propose, **self.acting.handlers()}


class _Decided:
    """The service as a fold of the control log (the journal's fold has the same method name)."""

    def __init__(self, service: DecisionService) -> None:
        self._service = service

    def apply(self, entry: ControlEntry) -> None:
        self._service.decided(entry)
