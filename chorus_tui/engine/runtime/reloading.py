"""SIGHUP: settings and assignment are read anew, and whoever uses them is told. Nothing that runs is interrupted.

A WHOOSH that was away at the start is asked again by itself, with growing pauses, until it has assigned something.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import structlog
import trio

from chorus_tui.engine.bell import Bell
from chorus_tui.engine.runtime.engine import Engine
from chorus_tui.engine.runtime.sources import taken_up
from chorus_tui.engine.settings import Settings, SettingsError
from chorus_tui.engine.telemetry import logs
from chorus_tui.engine.whoosh import rules

log = structlog.get_logger("chorus.runtime")


class Reloading:
    """One at a time: whoever asks meanwhile gets one more reading, after this one."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._asked = Bell()

    def ask(self) -> None:
        """Read anew soon."""
        self._asked.ring()

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled."""
        task_status.started()
        sources, questions = self._engine.sources, 0
        while True:
            low, high = rules.pause_s(questions)
            if await self._asked.rung(self._engine.entropy.uniform(low, high) if sources.whoosh.missing else math.inf):
                await self._signalled()
                continue
            questions += 1
            await sources.whoosh.read()
            if sources.whoosh.readings:
                self._assigned()

    async def _signalled(self) -> None:
        engine = self._engine
        try:
            fresh = await engine.sources.settings()
        except SettingsError as error:
            self._unusable(error)
            return
        changed = self._adopt(fresh)
        log.info("SIGHUP: settings read anew", changed=changed, after_a_restart=", ".join(engine.later))

    def _assigned(self) -> None:
        """WHOOSH answers, which it did not at the start."""
        engine = self._engine
        try:
            fresh = engine.sources.as_assigned()
        except SettingsError as error:
            self._unusable(error)
            return
        changed = self._adopt(fresh)
        log.info(
            "📋 The assignment that was missing is taken up", changed=changed, after_a_restart=", ".join(engine.later)
        )

    def _unusable(self, error: SettingsError) -> None:
        self._engine.reload_problem = "; ".join(error.problems)
        log.warning("⚠️ Settings read anew cannot be used; the ones before stay", reason=self._engine.reload_problem)

    def _adopt(self, fresh: Settings) -> bool:
        """Take up what can be; whether anything changed."""
        engine = self._engine
        engine.reload_problem = ""
        engine.redactor.add(fresh.secrets)
        settings, later = taken_up(engine.settings, fresh)
        assigned = engine.sources.whoosh.assignment.agent_id
        if assigned is not None and assigned != engine.agent_id and "CHORUS_AGENT_ID" not in later:
            later.append("CHORUS_AGENT_ID")
        changed = settings != engine.settings
        if changed:
            self._take_up(settings)
        engine.later = tuple(later)
        return changed

    def _take_up(self, settings: Settings) -> None:
        engine = self._engine
        engine.settings = settings
        engine.peers.become(
            replace(
                engine.peers.me, role=settings.role, expertise=tuple(settings.expertise), specialization=settings.specialization,
                reports_to=settings.reports_to, max_tasks=engine.max_tasks,
            )
        )  # fmt: skip
        skills = engine.tasks.worker.skills
        engine.tasks.worker.become(
            replace(skills, max_tasks=engine.max_tasks, role=settings.role, expertise=tuple(settings.expertise))
        )
        control = engine.control
        control.who = replace(control.who, role=settings.role, expertise=list(settings.expertise))
        control.settings = replace(control.settings, bootstrap=tuple(settings.bootstrap_peers))
        engine.mesh.set_bootstrap(list(settings.bootstrap_peers))
        for speaker in (engine.voice, engine.mind):
            if speaker is not None:
                speaker.role = settings.role
        logs.set_level(settings.log_level)
