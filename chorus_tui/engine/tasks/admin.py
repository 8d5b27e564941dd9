"""What the admin does for tasks: gathers offers, decides, proposes, answers renewals and releases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog

from chorus_tui.engine.bell import Bell
from chorus_tui.engine.clock import Clock
from chorus_tui.engine.control.authority import may, may_cancel
from chorus_tui.engine.control.interface import Control, NoMesh, NotAdmin
from chorus_tui.engine.journal.interface import Journal, Refused
from chorus_tui.engine.mesh.interface import Stream
from chorus_tui.engine.protocol.canonical import WireError
from chorus_tui.engine.shhh.cutting import beginning
from chorus_tui.engine.tasks import claims, wire
from chorus_tui.engine.tasks.acts import AdminState, May
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.routing import Agent, Offer
from chorus_tui.engine.tasks.rules import decide
from chorus_tui.engine.tasks.task import Key

log = structlog.get_logger("chorus.tasks.admin")

ROUND_S = 0.5


class Admin:
    """Runs on every peer and acts only while this peer leads."""

    def __init__(
        self, board: Board, control: Control, journal: Journal, clock: Clock, agents: Callable[[], list[Agent]]
    ) -> None:
        self._board = board
        self._control = control
        self._journal = journal
        self._clock = clock
        self._agents = agents
        self._term: tuple[str | None, int] = (None, 0)
        self._state = AdminState()
        self._wake = Bell()

    def nudge(self) -> None:
        """Something changed; decide soon."""
        self._wake.ring()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wake.rung(ROUND_S)
            if self._control.is_admin:
                await self._round()

    async def _round(self) -> None:
        control = self._control
        if self._term != (control.mesh_id, control.term):
            # Only offers may outlive a term: they say what workers can, not what was promised to them.
            self._term, self._state = (control.mesh_id, control.term), AdminState(offers=self._state.offers)
        assert control.mesh_id is not None
        acts = decide(
            self._board, control.mesh_id, self._state, self._agents(), self._clock.monotonic(), control.parameters,
            May(
                lambda who: may(control.members.get(who), "announce"),
                lambda who, announcer: may_cancel(control.members.get(who), who, announcer),
            ),
        )  # fmt: skip
        committed = 0
        for act in acts:
            try:
                await control.propose(act.type_, act.data, request=act.request)
            except (NotAdmin, NoMesh) as error:
                log.info("Not decided: leading ended", reason=str(error))
                return
            except WireError as error:
                # Nothing a worker or announcer wrote may stop the admin; without the long words the act still stands.
                log.warning("An act could not be written as it was", act=act.type_, reason=str(error))
                continue
            committed += 1
            await self._say_why(act.because)
            if act.type_ == "task_granted" and not act.data.get("by_hand"):
                self._took_room(act.data["worker"])
            elif act.type_ == "task_check_granted":
                self._took_room(act.data["checker"])
        if committed:
            self.nudge()

    async def _say_why(self, because: dict[str, Any] | None) -> None:
        """A grant stands by itself; that its reasons could not be said changes nothing."""
        if because is None:
            return
        try:
            await self._journal.say("work_allocation", because)
        except Refused as error:
            log.info("Why a task was granted could not be said", reason=str(error))

    def _took_room(self, worker: str) -> None:
        offer = self._state.offers.get(worker)
        if offer is not None:
            self._state.offers[worker] = replace(offer, free=offer.free - 1)

    async def serve(self, stream: Stream) -> None:
        """Answer a worker's question. A frame that makes no sense costs its sender the stream."""
        frame = await wire.question(stream)
        await wire.answer(stream, self.hear(stream.peer_id, frame))

    def hear(self, worker: str, frame: dict[str, Any]) -> dict[str, Any]:
        """One question of one worker, this peer's own included."""
        control = self._control
        if not control.is_admin or control.mesh_id is None or frame.get("mesh_id") != control.mesh_id:
            return {"kind": "not_admin"}
        if frame["kind"] == "offer":
            return self._offer(worker, frame)
        if frame["kind"] == "renew":
            self._renew_checks(worker, control.mesh_id, wire.held(frame.get("checks", [])))
            return self._renew(worker, control.mesh_id, wire.held(frame.get("held")))
        if frame["kind"] == "claim":
            return self._claim(worker, control.mesh_id, frame)
        if frame["kind"] == "release":
            return self._release(worker, control.mesh_id, frame)
        raise WireError("bad_frame", "Unknown kind of frame")

    def _offer(self, worker: str, frame: dict[str, Any]) -> dict[str, Any]:
        if not may(self._control.members.get(worker), "work"):
            return {"kind": "refused", "why": "this member may not work"}
        free = frame.get("free")
        if type(free) is not int or not 0 <= free <= 10_000:
            raise WireError("bad_frame", "free is a number of tasks")
        # Role and expertise of an offer are a wish: those that the mesh granted count.
        self._state.offers[worker] = Offer(worker, free, _words(frame.get("languages")), self._clock.monotonic())
        self.nudge()
        return {"kind": "noted"}

    def _claim(self, worker: str, mesh_id: str, frame: dict[str, Any]) -> dict[str, Any]:
        """Somebody wants to do a task by hand; the next round grants it, unless it is somebody else's by then."""
        member, key = self._control.members.get(worker), (mesh_id, str(frame.get("task_id", "")))
        task = self._board.tasks.get(key)
        if member is None or not may(member, "work"):
            return {"kind": "refused", "why": "this member may not work"}
        if task is None or task.announced is None:
            return {"kind": "refused", "why": "the admin has not heard of this task yet"}
        why = claims.refusal(task, self._board, member)
        if not why and self._state.claims.setdefault(key, worker) != worker:
            why = "somebody else asks for it"
        self.nudge()
        return {"kind": "refused", "why": why} if why else {"kind": "noted"}

    def _renew(self, worker: str, mesh_id: str, held: list[tuple[str, int]]) -> dict[str, Any]:
        gone = []
        for task_id, attempt in held:
            key: Key = (mesh_id, task_id)
            grant = self._board.task(key).held if key in self._board.tasks else None
            if grant is None or grant.worker != worker or grant.attempt != attempt:
                gone.append([task_id, attempt])
            else:
                self._state.leases[key, attempt] = self._clock.monotonic() + grant.lease_s
        return {"kind": "renewed", "gone": gone}

    def _renew_checks(self, checker: str, mesh_id: str, held: list[tuple[str, int]]) -> None:
        for task_id, attempt in held:
            key: Key = (mesh_id, task_id)
            grant = self._board.task(key).checking if key in self._board.tasks else None
            if grant is not None and grant.checker == checker and grant.attempt == attempt:
                self._state.check_leases[key, attempt, checker] = self._clock.monotonic() + grant.lease_s

    def _release(self, worker: str, mesh_id: str, frame: dict[str, Any]) -> dict[str, Any]:
        for task_id, attempt in wire.held(frame.get("held")):
            key: Key = (mesh_id, task_id)
            grant = self._board.task(key).held if key in self._board.tasks else None
            if grant is not None and grant.worker == worker and grant.attempt == attempt:
                self._state.releases[key, attempt] = beginning(str(frame.get("reason", "")), 300) or "given back"
        # Whoever gives back has to offer anew: its old offer knows nothing of why it did.
        self._state.offers.pop(worker, None)
        self.nudge()
        return {"kind": "noted"}


def _words(value: Any) -> tuple[str, ...]:
    return tuple(str(item)[:64] for item in value[:64]) if isinstance(value, list) else ()
