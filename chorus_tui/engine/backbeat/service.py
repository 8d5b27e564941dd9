"""BACKBEAT at work: the admin gives the beat (Pulse) and reports each bar (Reverb); every agent claims what it does on each beat."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
import trio

from chorus_tui.contract.models.beats import BarSummary, Beats
from chorus_tui.engine.backbeat import claims, rules
from chorus_tui.engine.backbeat.bar import Bar
from chorus_tui.engine.backbeat.endpoint import Endpoint
from chorus_tui.engine.backbeat.parts import Parts
from chorus_tui.engine.backbeat.watching import Watching
from chorus_tui.engine.bell import pause
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.protocol.messages import Message
from chorus_tui.engine.protocol.messages.beats import BarReport, BeatFrame, StatusClaim

log = structlog.get_logger("chorus.backbeat")

LOOK_S = 0.5
"""Longest pause between two looks at operations and at who leads; shorter where beats are."""
SETTLE_S = 0.5
LONGEST_SETTLE_S = 5.0
"""How long claims on a bar's last beat are waited for: a quarter of a beat, within these."""
MOST_EARLY = 256
"""Claims that wait for their beat."""


class BeatService:
    """One peer's part in the beat."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._endpoint = Endpoint(parts.rhythm.endpoint) if parts.rhythm.endpoint else None
        self._watching = Watching(parts)
        self._frame: BeatFrame | None = None
        self._heard_at = 0.0
        self._drift_s = 0.0
        self._counter = 0
        self._bar: Bar | None = None
        self._over: Bar | None = None
        self._report: BarReport | None = None
        self._early: deque[StatusClaim] = deque(maxlen=MOST_EARLY)
        self._mesh = ""
        self._served_at = 0.0
        """When the service last gave a beat that counted; at first when this peer began to wait for one."""
        self._beat, self._bar_ended = trio.Event(), trio.Event()
        parts.journal.on_fleeting("beat_frame", self._hear_frame)
        parts.journal.on_fleeting("status_claim", self._hear_claim)
        parts.journal.on_fleeting("bar_report", self._hear_report)

    # ── hearing ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _hear_frame(self, author: str, message: Message, _topic: str) -> None:
        assert isinstance(message, BeatFrame)
        if author == self._parts.control.admin and author != self._parts.me:
            self._take(message)

    async def _hear_claim(self, _author: str, message: Message, _topic: str) -> None:
        assert isinstance(message, StatusClaim)
        self._gather(message)

    async def _hear_report(self, author: str, message: Message, _topic: str) -> None:
        assert isinstance(message, BarReport)
        if author == self._parts.control.admin:
            self._report = message

    def _take(self, frame: BeatFrame) -> bool:
        """Whether it is the newest beat of the present mesh."""
        self._follow_mesh()
        if not rules.newer(self._frame, frame):
            return False
        now = self._parts.clock.monotonic()
        if self._frame is not None and self._heard_at:
            self._drift_s = rules.drift_s(
                (self._frame.beat_index, self._heard_at), (frame.beat_index, now), frame.tempo_bpm
            )
        self._frame, self._heard_at = frame, now
        if self._bar is None or self._bar.first.window_id != frame.window_id:
            self._over, self._bar = self._bar, Bar(frame)
            self._bar_ended.set()
        else:
            self._bar.beat(frame)
        early, self._early = self._early, deque(maxlen=MOST_EARLY)
        for claim in early:
            self._gather(claim)
        self._beat.set()
        return True

    def _follow_mesh(self) -> None:
        """Another mesh counts its own beats."""
        mesh = self._parts.control.mesh_id or ""
        if mesh != self._mesh:
            self._mesh, self._frame, self._bar, self._over, self._drift_s = mesh, None, None, None, 0.0

    def _gather(self, claim: StatusClaim) -> None:
        """Into the bar of its beat; the one before is open until it is reported. A claim may come before its beat does."""
        if self._frame is None or claim.beat_index > self._frame.beat_index:
            self._early.append(claim)
            return
        for bar in (self._bar, self._over):
            if bar is not None and bar.has(claim.beat_index):
                bar.claim(claim)

    # ── life ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        await self._parts.mesh.join(topics.BEATS)
        self._served_at = self._parts.clock.monotonic()
        async with trio.open_nursery() as nursery:
            if self._endpoint is not None:
                nursery.start_soon(self._endpoint.run)
                nursery.start_soon(self._follow_endpoint, self._endpoint)
            nursery.start_soon(self._watch)
            nursery.start_soon(self._pulse)
            nursery.start_soon(self._reverb)
            nursery.start_soon(self._claim_on_beats)
            task_status.started()

    @property
    def _leads(self) -> bool:
        return self._parts.control.is_admin and self._parts.control.mesh_id is not None

    @property
    def _tempo(self) -> float:
        return rules.tenths(self._parts.rhythm.tempo_bpm)

    async def _watch(self) -> None:
        while True:
            self._watching.look()
            await pause(min(LOOK_S, rules.beat_s(self._tempo)))

    # ── Pulse ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _pulse(self) -> None:
        """Where this peer leads and no service gives the beat."""
        while True:
            wait = self._wait_s()
            if wait is None:
                await pause(min(LOOK_S, rules.beat_s(self._tempo) / 4))
            elif wait > 0.0:
                await trio.sleep(min(wait, LOOK_S))  # to the moment: a beat is on time
            else:
                await self._give(self._next())

    def _wait_s(self) -> float | None:
        """Until this peer is to give a beat; None when it is not its turn."""
        self._follow_mesh()
        now, tempo = self._parts.clock.monotonic(), self._frame.tempo_bpm if self._frame else self._tempo
        if not self._leads or (self._endpoint is not None and not rules.silent(self._served_at, now, tempo)):
            return None
        if self._frame is None:
            return 0.0
        return rules.due(self._heard_at, self._frame.tempo_bpm) - now

    def _next(self) -> BeatFrame:
        """The beat that is due, after the one that was heard last, whoever gave that."""
        parts, tempo = self._parts, self._tempo
        if self._endpoint is not None and self._frame is not None:
            # As fast as the service did: were it slower than this peer, it would be behind for ever when it is back.
            tempo = self._frame.tempo_bpm
        wall = parts.clock.wall()
        # With a service that is silent from the start: from 0, so that its own count is ahead when it comes.
        first = 0 if self._endpoint is not None else rules.first_index(wall, tempo)
        index = self._frame.beat_index + 1 if self._frame is not None else first
        downbeat, phase = rules.place(index, parts.rhythm.bar)
        deadline = datetime.fromtimestamp(wall, UTC) + timedelta(seconds=rules.beat_s(tempo))
        return BeatFrame(
            type="backbeat.beatframe.v1", cluster_id=parts.rhythm.cluster, beat_index=index, downbeat=downbeat, phase=phase,
            hlc=self._hlc(), deadline_at=deadline.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), tempo_bpm=tempo,
            window_id=rules.window(parts.control.mesh_id or "", index, parts.rhythm.bar), metadata={"pulse_version": "1"},
        )  # fmt: skip

    async def _give(self, frame: BeatFrame) -> bool:
        """Whether it was the next beat."""
        return self._take(frame) and await self._whisper("beat_frame", frame)

    async def _follow_endpoint(self, endpoint: Endpoint) -> None:
        """The admin reads the service's beats and passes them on to the mesh."""
        while True:
            frame = await endpoint.frame() if self._leads else None
            if frame is not None and frame.cluster_id != self._parts.rhythm.cluster:
                endpoint.problem = f"its beats are for the cluster {frame.cluster_id!r}"
            elif frame is not None and await self._give(frame):
                self._served_at = self._parts.clock.monotonic()
            elif frame is not None and self._frame is not None and frame.beat_index < self._frame.beat_index:
                endpoint.problem = "its beats count behind the mesh's"
            tempo = frame.tempo_bpm if frame is not None else self._tempo
            await trio.sleep(max(0.05, min(5.0, rules.beat_s(tempo) / 4)))

    # ── claims, Reverb ─────────────────────────────────────────────────────────────────────────────────────────────

    async def _claim_on_beats(self) -> None:
        while True:
            await self._beat.wait()
            self._beat = trio.Event()
            frame = self._frame
            assert frame is not None
            self._watching.look()
            beat_s = rules.beat_s(frame.tempo_bpm)
            told = self._watching.operations.claim(self._parts.clock.monotonic(), beat_s)
            claim = claims.claim(
                self._parts.agent_id, frame.beat_index, self._watching.doing(), told, self._drift_s, beat_s, self._hlc()
            )
            self._gather(claim)
            await self._whisper("status_claim", claim)
            if self._endpoint is not None:
                self._endpoint.send("/v1/claims", claim.model_dump(mode="json", exclude_none=True))

    async def _reverb(self) -> None:
        """A new bar has begun: where this peer leads, the one before is reported, once the claims on its last beat had time."""
        while True:
            await self._bar_ended.wait()
            self._bar_ended = trio.Event()
            await trio.sleep(min(LONGEST_SETTLE_S, max(SETTLE_S, rules.beat_s(self._tempo) / 4)))
            over, self._over = self._over, None
            if over is not None and self._leads:
                await self._tell(over.report(self._hlc()))

    async def _tell(self, report: BarReport) -> None:
        self._report = report
        await self._whisper("bar_report", report)
        log.info(
            "🥁 A bar has ended", agents=dict(report.agents), operations=dict(report.operations), over=len(report.over_budget)
        )  # fmt: skip
        if self._endpoint is not None:
            self._endpoint.send("/v1/bars", report.model_dump(mode="json", exclude_none=True))

    async def _whisper(self, type_: str, message: Message) -> bool:
        try:
            await self._parts.journal.whisper(type_, message.model_dump(mode="json", exclude_none=True))
        except Refused as error:
            log.warning("⚠️ Not said", type=type_, reason=str(error))
            return False
        return True

    def _hlc(self) -> str:
        self._counter += 1
        return rules.hlc(self._parts.clock.wall(), self._counter, self._parts.me)

    # ── telling ────────────────────────────────────────────────────────────────────────────────────────────────────

    def present(self) -> Beats | None:
        """For status; None before the first beat."""
        frame = self._frame
        if frame is None:
            return None
        missed = rules.silent(self._heard_at, self._parts.clock.monotonic(), frame.tempo_bpm)
        late = abs(self._drift_s) > rules.LATE * rules.beat_s(frame.tempo_bpm)
        problem = "no beat is heard" if missed else "beats come late" if late else ""
        if self._endpoint is not None and self._endpoint.problem:
            problem = f"of the BACKBEAT service, {self._endpoint.problem}"
        fields = ("from_beat", "to_beat", "agents", "operations", "over_budget", "drift_max_ms")
        report = self._report.model_dump(include=set(fields)) if self._report is not None else None
        return Beats(
            index=frame.beat_index, tempo_bpm=frame.tempo_bpm, phase=frame.phase, drift_ms=round(self._drift_s * 1000),
            problem=problem, bar=BarSummary(**report) if report else None,
        )  # fmt: skip
