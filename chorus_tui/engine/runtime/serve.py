"""One engine's life: start in order, serve, drain, stop in reverse.

The order: settings, licence, folder and lock, keys, stores; then mesh, journal, control log, Docker, features; the API
last, because its socket tells others that we are here. Whatever is wrong before that is told in words and leaves
nothing behind.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import structlog
import trio

from chorus_tui import __version__
from chorus_tui.engine.ai.configuration import for_role
from chorus_tui.engine.ai.prompts import PromptError, load_prompts
from chorus_tui.engine.api.doors import Address, CannotListen, Doors
from chorus_tui.engine.api.probes import Probes
from chorus_tui.engine.api.server import ApiServer
from chorus_tui.engine.api.tokens import TokenFileError, Tokens
from chorus_tui.engine.data_folder import DataFolder, FolderError, default_agent_id
from chorus_tui.engine.execution.errors import ExecutionError
from chorus_tui.engine.journal.database import StoreError
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.licensing.license import LicenseError, check
from chorus_tui.engine.mesh import network_key
from chorus_tui.engine.mesh.interface import MeshError
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.runtime import health
from chorus_tui.engine.runtime.engine import Engine, build
from chorus_tui.engine.runtime.handlers import EngineHandlers
from chorus_tui.engine.runtime.supervision import Service, ServiceFailed, Supervisor
from chorus_tui.engine.settings import Settings, SettingsError, load
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.engine.telemetry import logs, metrics
from chorus_tui.engine.vault.age_identity import AgeIdentity, AgeKeyError
from chorus_tui.locations import data_dir, socket_path

log = structlog.get_logger("chorus.runtime")

LEAVE_S = 5.0
STATUS_EVERY_S = 1.0
Kind = Literal["agent", "human"]


class CannotStart(Exception):
    """The engine does not start. The text is for people; ``code`` is the process's exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def prepare(kind: Kind, environ: Mapping[str, str], explicit_dir: str | None) -> Engine:
    """Everything up to the stores; no port is open yet. Raises :class:`CannotStart`."""
    try:
        settings = load(environ, kind)
        prompts = load_prompts(settings.prompts_dir, settings.default_instructions_path)
        settings = for_role(settings, prompts)
        license_ = check(settings.license_id)
    except (SettingsError, PromptError) as error:
        raise CannotStart(str(error), 2) from error
    except LicenseError as error:
        raise CannotStart(str(error)) from error
    redactor = Redactor(settings.secrets)
    logs.configure(settings.log_level, settings.log_format, redactor.text)
    folder: DataFolder | None = None
    try:
        folder = DataFolder.open(data_dir(kind, explicit_dir or settings.data_dir or None), kind)
        identity = folder.identity()
        age = AgeIdentity.load_or_create(folder.path / "age.key")
        key = network_key.choose(settings.network_key)
        tokens = Tokens.load_or_create(folder.path / "api.tokens")
        redactor.add([*tokens.secrets(), *([key.key.hex(), network_key.to_text(key.key)] if key.key else [])])
        agent_id = settings.agent_id or default_agent_id(kind, identity.peer_id)
        return build(kind, settings, license_, folder, identity, age, agent_id, key, tokens, redactor, prompts)
    except (FolderError, StoreError, TokenFileError, network_key.NetworkKeyError, AgeKeyError) as error:
        if folder is not None:
            folder.close()
        raise CannotStart(str(error)) from error


async def serve(
    engine: Engine, *, ready: Callable[[], None], stop_when_idle_s: float | None = None, until_fd: int | None = None
) -> None:
    """Serve until a signal, an operator's word, idleness, or the end of ``until_fd``. Raises :class:`CannotStart`."""
    run = _Running(engine, stop_when_idle_s, until_fd)
    try:
        await run.live(ready)
    except BaseExceptionGroup as group:
        known, rest = group.split((CannotListen, MeshError, StoreError, ServiceFailed))
        if rest is not None or known is None:
            raise
        raise CannotStart(_first(known)) from group
    finally:
        engine.close()
        engine.folder.close()


def _first(group: BaseException) -> str:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return str(group)


class _Running:
    """The engine while it runs."""

    def __init__(self, engine: Engine, stop_when_idle_s: float | None, until_fd: int | None) -> None:
        self.engine = engine
        self._until_fd = until_fd
        self._idle_s = stop_when_idle_s
        self._supervisor = Supervisor(engine.clock)
        self._stop = trio.Event()
        self._at_once = trio.Event()
        self._drain_s = engine.settings.drain_timeout_s
        self._started = False
        handlers = EngineHandlers(engine, self._supervisor, self._asked_to_stop)
        self._present = handlers.present
        self.api = ApiServer(handlers.all(), engine.events, engine.tokens, self._probes(), self._doors())

    def _asked_to_stop(self, drain_s: float | None) -> None:
        if drain_s is not None:
            self._drain_s = drain_s
        self._stop.set()

    # ── life ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def live(self, ready: Callable[[], None]) -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(self._watch_signals)
            await self._start(nursery)
            self._started = True
            self._greet()
            ready()
            nursery.start_soon(self._publish_status)
            if self._idle_s is not None:
                nursery.start_soon(self._stop_when_idle, self._idle_s)
            if self._until_fd is not None:
                nursery.start_soon(self._stop_with, self._until_fd)
            await self._stop.wait()
            await self._drain_and_leave()
            nursery.cancel_scope.cancel()
        log.info("Stopped")

    async def _start(self, nursery: trio.Nursery) -> None:
        engine, start = self.engine, self._supervisor.start
        settings = engine.settings
        try:
            await start(nursery, Service("mesh", engine.mesh.run, critical=True, restartable=False))
        except MeshError as error:
            where = f"CHORUS_P2P_HOST={settings.p2p_host}, CHORUS_P2P_PORT={settings.p2p_port}"
            raise MeshError(f"{error} ({where})") from error
        for topic in topics.EVERYBODYS:
            await engine.mesh.join(topic)
        await engine.control.open()
        await engine.journal.open()
        await start(nursery, Service("journal", engine.journal.run, critical=True))
        await start(nursery, Service("control log", engine.control.run, critical=True))
        await start(nursery, Service("blobs", engine.blobs.run))
        await start(nursery, Service("Docker watch", engine.docker.run))
        await start(nursery, Service("warm sandboxes", engine.executor.keep_warm))
        await start(nursery, Service("models", engine.models.run))
        await start(nursery, Service("tasks", engine.tasks.run))
        await start(nursery, Service("peers", engine.peers.run))
        await start(nursery, Service("decisions", engine.deciding.run))
        await start(nursery, Service("coordination", engine.coordination.run))
        await start(nursery, Service("assistance", engine.assistance.run))
        await start(nursery, Service("rooms", engine.hmmm.run))
        await start(nursery, Service("SLURP", engine.slurp.run))
        await start(nursery, Service("inbox", engine.inbox.run))
        await start(nursery, Service("API", self.api.run, critical=True, restartable=False))

    def _greet(self) -> None:
        engine = self.engine
        log.info(
            "🤖 Ready", version=__version__, agent=engine.agent_id, kind=engine.kind, peer=engine.identity.peer_id,
            addresses=engine.mesh.addresses(), api_port=self.api.api_port, data=str(engine.folder.path),
        )  # fmt: skip
        for warning in engine.settings.warnings:
            log.warning("⚠️ A setting needs a look", setting=warning)

    async def _drain_and_leave(self) -> None:
        """Take nothing new, let running tasks end or hand them over, say goodbye."""
        engine = self.engine
        engine.draining = True
        await engine.executor.take_nothing_new()
        log.info("Stopping", running=engine.tasks.worker.running, drain_s=self._drain_s)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._shorten, nursery.cancel_scope)
            await engine.tasks.drain(self._drain_s)
            nursery.cancel_scope.cancel()
        with trio.move_on_after(LEAVE_S):
            await self._say_goodbye()
        with trio.move_on_after(LEAVE_S) as scope:
            scope.shield = True
            try:
                await engine.executor.close()
            except ExecutionError as error:
                log.warning("⚠️ Sandboxes could not be removed; their lifelines end them", reason=str(error))

    async def _shorten(self, draining: trio.CancelScope) -> None:
        """A second signal: at once."""
        await self._at_once.wait()
        draining.cancel()

    async def _say_goodbye(self) -> None:
        engine = self.engine
        if engine.control.mesh_id is not None:
            try:
                await engine.journal.say("goodbye", {"reason": "stopped in order"})
            except (Refused, StoreError) as error:
                log.warning("⚠️ No goodbye could be said", reason=str(error))
        await engine.control.leave()

    async def _watch_signals(self, *, task_status: Any) -> None:
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
            task_status.started()
            async for number in signals:
                if number == signal.SIGHUP:
                    log.info("SIGHUP: nothing of this version's settings can be reloaded; restart to change them")
                elif self._stop.is_set():
                    log.info("A second signal: stopping at once")
                    self._at_once.set()
                else:
                    self._stop.set()

    async def _stop_when_idle(self, seconds: float) -> None:
        """Started by a portal: stop some time after the last client left."""
        idle_since = self.engine.clock.monotonic()
        while True:
            now = self.engine.clock.monotonic()
            if self.api.clients():
                idle_since = now
            elif now - idle_since >= seconds:
                log.info("The last client has left; stopping")
                self._stop.set()
                return
            await trio.sleep(0.5)

    async def _stop_with(self, descriptor: int) -> None:
        """Whoever started this engine holds the other end: when it is gone, however it went, this ends too."""
        async with trio.lowlevel.FdStream(descriptor) as pipe:
            while await pipe.receive_some(1024):
                log.debug("The starter said something; only its end matters")
        log.info("Its starter has gone; stopping")
        self._stop.set()

    async def _publish_status(self) -> None:
        last: dict[str, object] = {}
        while True:
            if self.engine.events.wanted("status"):
                present = self._present().model_dump()
                if present != last:
                    last = present
                    self.engine.events.publish("status", "status", present)
            else:
                last = {}
            await trio.sleep(STATUS_EVERY_S)

    # ── doors ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _doors(self) -> Doors:
        settings: Settings = self.engine.settings
        return Doors(
            unix=socket_path(self.engine.folder.path),
            api=Address(settings.api_host, settings.api_port, "CHORUS_API_PORT"),
            health=Address(settings.health_host, settings.health_port, "CHORUS_HEALTH_PORT"),
        )

    def _probes(self) -> Probes:
        engine = self.engine
        return Probes(
            started=lambda: self._started,
            ready=partial(health.not_ready, engine),
            health=partial(health.report, engine, self._supervisor),
            metrics=metrics.renderer(self._reading),
        )

    def _reading(self) -> metrics.Reading:
        engine = self.engine
        counters, control = engine.mesh.counters, engine.control
        return metrics.Reading(
            peers=len(engine.mesh.links()), members=len(control.members), sent=counters.sent, received=counters.received,
            refused=dict(counters.refused), feed_entries=engine.journal.count(), control_commit=control.commit,
            control_term=control.term, is_admin=control.is_admin, tasks_running=engine.tasks.worker.running,
            tasks_by_state=engine.tasks.by_state(), findings=dict(engine.redactor.findings), api_calls=self.api.calls_total,
            models=engine.models.health(), uptime_s=engine.clock.wall() - engine.started_at,
        )  # fmt: skip
