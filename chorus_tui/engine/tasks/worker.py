"""What a worker does: offers, runs what it was granted, renews, reports, gives back.

A grant in the control log is the only order it takes, and the end of that grant the only thing that stops it, besides
its own draining. When it comes up again it first settles what it held: a result that it had already said it reports
again, the rest it gives back; only then it offers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import structlog
import trio

from chorus_tui.engine.bell import Bell, pause
from chorus_tui.engine.clock import Clock
from chorus_tui.engine.control.interface import Control
from chorus_tui.engine.mesh.interface import Mesh
from chorus_tui.engine.tasks import approval, verification, wire
from chorus_tui.engine.tasks.admin import Admin
from chorus_tui.engine.tasks.board import Board
from chorus_tui.engine.tasks.checker import Checker
from chorus_tui.engine.tasks.run import Run, Tools
from chorus_tui.engine.tasks.task import NO_DOCKER, Grant, Key, Task

log = structlog.get_logger("chorus.tasks.worker")

ROUND_S = 1.0
OFFER_S = 5.0
REPORT_S = 1.0
SAID_AGAIN = 3
"""So often a result is said again; then the task is given back."""


@dataclass(frozen=True, slots=True)
class Skills:
    """What this peer offers. ``max_tasks`` 0: it takes none."""

    max_tasks: int
    role: str
    expertise: tuple[str, ...]
    approval: str = "auto"
    """What it asks of people before it starts a task, whatever the task asks: auto, risky or always."""


@dataclass(slots=True)
class _Running:
    scope: trio.CancelScope
    run: Run
    reason: Literal["", "ended", "draining", "stopping"] = ""
    said_again: int = 0


class Worker:
    """Runs on every peer; does nothing where ``max_tasks`` is 0 or Docker is missing."""

    def __init__(
        self, me: str, board: Board, control: Control, mesh: Mesh, admin: Admin, clock: Clock, tools: Tools, skills: Skills,
        docker_languages: Callable[[], tuple[str, ...] | None],
    ) -> None:  # fmt: skip
        self._me = me
        self._board = board
        self._control = control
        self._mesh = mesh
        self._admin = admin
        self._clock = clock
        self._tools = tools
        self.skills = skills
        self._languages = docker_languages
        self.checker = Checker(me, board, control, tools, self.nudge)
        self._running: dict[tuple[Key, int], _Running] = {}
        self._stale: dict[tuple[Key, int], str] = {}
        self._done: set[tuple[Key, int]] = set()
        self._said: dict[tuple[Key, int], _Running] = {}
        """Runs whose result was said, until the mesh has decided."""
        self._reported: set[tuple[Key, int, str]] = set()
        """Results that an admin of this name has received."""
        self._wake = Bell()
        self._to_report = Bell()
        self._to_stop = trio.Event()
        self._idle = trio.Event()
        self.draining = False
        self._offered_at = -1e9
        self._offered: tuple[Any, ...] = ()

    @property
    def running(self) -> int:
        """Tasks and checks running here now."""
        return len(self._running) + self.checker.running

    def nudge(self) -> None:
        """Board, mesh or Docker changed. Nothing is looked at here: the board may be half of what it will be in a moment."""
        self._to_stop.set()
        self._wake.ring()
        self._to_report.ring()

    def become(self, skills: Skills) -> None:
        """This peer was told otherwise. What runs goes on; what it offers from now on follows."""
        self.skills = skills
        self.called()

    def called(self) -> None:
        """Workers like this one are looked for: offer again, even if nothing changed."""
        self._offered = ()
        self._wake.ring()

    async def _stop(self) -> None:
        """What has no grant any more is stopped at once, also while the loop waits for an admin that does not answer."""
        while True:
            await self._to_stop.wait()
            self._to_stop = trio.Event()
            self._stop_ended()
            self.checker.stop_ended()

    async def run(self) -> None:
        """Until cancelled; every container is gone then."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._stop)
            nursery.start_soon(self._renew_leases)
            nursery.start_soon(self._report)
            while True:
                await self._wake.rung(ROUND_S)
                self._stop_ended()
                await self._say_again()
                await self._give_back()
                self._start_granted(nursery)
                if not self.draining and self._languages() is not None:
                    self.checker.start(nursery)
                await self._begin_by_hand()
                await self._offer()

    # ── running ────────────────────────────────────────────────────────────────────────────────────────────────────

    def _mine(self) -> list[tuple[Task, Grant]]:
        """Grants of this peer that hold, in its present mesh."""
        mesh_id = self._control.mesh_id
        return [
            (task, held)
            for task in self._board.tasks.values()
            if (held := task.held) is not None
            and held.worker == self._me
            and task.key[0] == mesh_id
            and task.announced is not None
        ]

    def _start_granted(self, nursery: trio.Nursery) -> None:
        for task, grant in self._mine():
            key = (task.key, grant.attempt)
            known = key in self._running or key in self._stale or key in self._done
            if known or grant.by_hand or task.report is not None:
                continue
            if (grant.attempt, self._me) in task.claims:
                self._stale[key] = "its worker was restarted"  # begun in an earlier life
                self.nudge()
                continue
            if self.draining or self._languages() is None:
                self._stale[key] = NO_DOCKER if not self.draining else "its worker is stopping"
                self.nudge()
                continue
            announced = task.announced
            if announced is not None and not approval.enough(task, self.skills.approval):
                # The admin knows what workers ask for; this holds when it was told late, or lies.
                self._stale[key] = "its worker waits for a person's approval"
                self.nudge()
                continue
            if announced is None or self.running >= max(1, self.skills.max_tasks):
                continue
            running = _Running(trio.CancelScope(), Run(self._tools, task.key, grant.attempt, announced.spec))
            self._running[key] = running
            nursery.start_soon(self._run, key, running)

    async def _begin_by_hand(self) -> None:
        """What a person claimed is theirs to do; that it was begun is said as of any other task."""
        for task, grant in self._mine():
            if grant.by_hand and (grant.attempt, self._me) not in task.claims:
                data = {"task_id": task.key[1], "mesh_id": task.key[0], "attempt": grant.attempt}
                await self._tools.journal.say("task_claim", {**data, "agent_id": self._tools.agent_id})

    async def _say_again(self) -> None:
        """What was said in an epoch that was forked since does not count: say it in the present one."""
        mine = {(task.key, grant.attempt): task for task, grant in self._mine()}
        self._said = {key: running for key, running in self._said.items() if key in mine}
        for key, running in self._said.items():
            if mine[key].report is not None or key in self._stale:
                continue
            if running.said_again < SAID_AGAIN:
                running.said_again += 1
                await running.run.say_again()
            else:
                self._stale[key] = "its worker's results do not count: another copy of it speaks in its place"

    async def _run(self, key: tuple[Key, int], running: _Running) -> None:
        try:
            with running.scope:
                await running.run.to_the_end()
            if running.reason in ("draining", "stopping"):
                self._stale[key] = "its worker is stopping"
        except Exception as error:
            log.exception("❌ A task could not be carried through", task_id=key[0][1])
            self._stale[key] = f"error: the worker failed ({type(error).__name__})"
        finally:
            self._running.pop(key, None)
            if running.run.reported:
                self._said[key] = running
            if key not in self._stale:
                self._done.add(key)
            self._idle.set()
            self.nudge()

    def _stop_ended(self) -> None:
        """A grant that does not hold any more ends its sandbox."""
        holding = {(task.key, grant.attempt) for task, grant in self._mine()}
        for key, running in self._running.items():
            if key not in holding and not running.run.reported:
                running.reason = running.reason or "ended"
                running.scope.cancel()

    async def drain(self, seconds: float) -> None:
        """Take nothing new; let running tasks end within ``seconds``; give the others back."""
        self.draining = True
        self.checker.stop()
        self.nudge()
        with trio.move_on_after(seconds):
            while self._running:
                self._idle = trio.Event()
                await self._idle.wait()
        for running in self._running.values():
            running.reason = "draining"
            running.scope.cancel()
        with trio.move_on_after(5):
            while self._running:
                self._idle = trio.Event()
                await self._idle.wait()
        with trio.move_on_after(2):
            await self._give_back()
            while any(task.report and not self._has(task, grant) for task, grant in self._mine()):  # noqa: ASYNC110 - two seconds only
                await trio.sleep(0.05)

    # ── talking with the admin ─────────────────────────────────────────────────────────────────────────────────────

    async def ask(self, frame: dict[str, Any]) -> dict[str, Any] | None:
        """One question to the admin, this peer itself included; None when there is none or it does not answer."""
        control = self._control
        if control.admin is None or control.mesh_id is None:
            return None
        frame = {**frame, "mesh_id": control.mesh_id}
        if control.admin == self._me:
            return self._admin.hear(self._me, frame)
        return await wire.ask(self._mesh, control.admin, frame)

    async def _give_back(self) -> None:
        for (key, attempt), reason in list(self._stale.items()):
            held = self._board.task(key).held
            if held is None or held.attempt != attempt or key[0] != self._control.mesh_id:
                self._stale.pop((key, attempt), None)
                continue
            answer = await self.ask({"kind": "release", "held": [[key[1], attempt]], "reason": reason})
            if answer is not None and answer["kind"] == "noted":
                log.info("📤 Gave a task back", task_id=key[1], reason=reason)
                self._done.add((key, attempt))

    async def _report(self) -> None:
        """Bring own results to the admin until it has them: after a loss, a restart, a change of admin."""
        while True:
            admin = self._control.admin
            for task, grant in self._mine():
                if admin is None or task.report is None or self._has(task, grant):
                    continue
                cite = task.report.cite
                entry = self._tools.journal.get(cite["author"], cite["epoch"], cite["seq"])
                if entry is not None and await self._tools.journal.deliver(entry, admin):
                    self._reported.add((task.key, grant.attempt, admin))
                    self.nudge()
            await self._to_report.rung(REPORT_S)

    def _has(self, task: Task, grant: Grant) -> bool:
        """Whether the present admin has received the result of this grant."""
        return (task.key, grant.attempt, self._control.admin or "") in self._reported

    def _settled(self) -> bool:
        """Whether the admin knows of everything this peer holds and does not run."""
        for task, grant in self._mine():
            key = (task.key, grant.attempt)
            settled = grant.by_hand or key in self._running or key in self._done
            if not settled and not self._has(task, grant):
                return False
        return True

    async def _offer(self) -> None:
        if not self._settled():
            return
        languages = self._languages()
        holding = {
            (task.key, grant.attempt) for task, grant in self._mine() if not grant.by_hand and task.report is None
        }
        free = max(0, self.skills.max_tasks - len(holding | set(self._running)) - len(self.checker.held()))
        if languages is None or self.draining:
            free = 0
        wanted = any(task.open or verification.wanted(task) for task in self._board.of_mesh(self._control.mesh_id))
        offer = (self._control.mesh_id, self._control.term, self._control.admin, free, languages, wanted)
        if not wanted:
            self._offered = ()  # the next open task is offered for at once
        fresh = offer == self._offered and self._clock.monotonic() - self._offered_at < OFFER_S
        if fresh or not self.skills.max_tasks or not wanted:
            return
        frame = {
            "kind": "offer", "free": free, "role": self.skills.role, "expertise": list(self.skills.expertise),
            "languages": list(languages or ()),
        }  # fmt: skip
        answer = await self.ask(frame)
        if answer is not None and answer["kind"] == "noted":
            self._offered, self._offered_at = offer, self._clock.monotonic()

    async def _renew_leases(self) -> None:
        renewed = self._clock.monotonic()
        while True:
            # Looked at often: the mesh that is joined meanwhile may have shorter leases than the one before.
            interval = self._control.parameters["lease_s"] / 3
            await pause(max(0.2, min(1.0, interval)))
            if self._clock.monotonic() - renewed < interval:
                continue
            renewed = self._clock.monotonic()
            held = [[task.key[1], grant.attempt] for task, grant in self._mine()]
            checks = [[task_id, attempt] for task_id, attempt in self.checker.held()]
            if not held and not checks:
                continue
            answer = await self.ask({"kind": "renew", "held": held, "checks": checks})
            if answer is None or answer["kind"] != "renewed":
                # Nobody to renew with: work goes on. A lease ends only where an admin is heard and says so.
                continue
            gone = {(str(task_id), attempt) for task_id, attempt in answer.get("gone", [])}
            for (key, attempt), running in self._running.items():
                if (key[1], attempt) in gone and not running.run.reported:
                    running.reason = "ended"
                    running.scope.cancel()
