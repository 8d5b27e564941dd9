"""One engine's life: start in order, serve, drain, stop in reverse.

The order: settings, folder and lock, keys, stores, licence; then mesh, journal, control log, Docker, features; the API
last, because its socket tells others that we are here. No port is open before the licence is known. Whatever is wrong
before that is told in words and leaves nothing behind.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import structlog
import trio

from chorus_tui import __version__
from chorus_tui.engine.ai.prompts import PromptError, load_prompts
from chorus_tui.engine.api.doors import Address, CannotListen, Doors
from chorus_tui.engine.api.probes import Probes
from chorus_tui.engine.api.server import ApiServer
from chorus_tui.engine.api.token_file import TokenFileError
from chorus_tui.engine.api.tokens import Tokens
from chorus_tui.engine.bell import pause
from chorus_tui.engine.data_folder import DataFolder, FolderError, default_agent_id
from chorus_tui.engine.execution.errors import ExecutionError
from chorus_tui.engine.journal.database import StoreError
from chorus_tui.engine.journal.interface import Refused
from chorus_tui.engine.licensing.license import LicenseError, check
from chorus_tui.engine.mesh import network_key
from chorus_tui.engine.mesh.interface import MeshError
from chorus_tui.engine.protocol import topics
from chorus_tui.engine.runtime import health, stores
from chorus_tui.engine.runtime.engine import Engine, build
from chorus_tui.engine.runtime.figures.scrape import Figures
from chorus_tui.engine.runtime.handlers import EngineHandlers
from chorus_tui.engine.runtime.portals.service import Portals
from chorus_tui.engine.runtime.reloading import Reloading
from chorus_tui.engine.runtime.secrecy.book import KeptBook, KeyFileError, kept_key
from chorus_tui.engine.runtime.secrecy.guarding import guarded
from chorus_tui.engine.runtime.service_manager import READY, STOPPING, ServiceManager
from chorus_tui.engine.runtime.sources import Sources
from chorus_tui.engine.runtime.supervision import Service, ServiceFailed, Supervisor
from chorus_tui.engine.settings import Settings, SettingsError, load
from chorus_tui.engine.shhh import custom, doors
from chorus_tui.engine.shhh.redactor import Redactor
from chorus_tui.engine.shhh.rules import RULES
from chorus_tui.engine.telemetry import logs, metrics
from chorus_tui.engine.vault.age_identity import AgeKeyError
from chorus_tui.engine.vault.key_file import KeyFile
from chorus_tui.locations import data_dir, socket_path

log = structlog.get_logger("chorus.runtime")

LEAVE_S = 5.0
STATUS_EVERY_S = 1.0
Kind = Literal["agent", "human"]


class CannotStart(Exception):
    """The engine does not start, or may not go on. The text is for people; ``code`` is the process's exit code."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def prepare(kind: Kind, environ: Mapping[str, str], explicit_dir: str | None) -> Engine:
    """Everything up to the stores; no port is open yet. Raises :class:`CannotStart`."""
    try:
        settings = load(environ, kind)
        prompts = load_prompts(settings.prompts_dir, settings.default_instructions_path)
        check(settings.license_id, settings.kaching_url)
    except (SettingsError, PromptError) as error:
        raise CannotStart(str(error), 2) from error
    except LicenseError as error:
        raise CannotStart(str(error)) from error
    try:
        added = custom.load(Path(settings.shhh_rules_file)) if settings.shhh_rules_file else ()
    except custom.RulesError as error:
        raise CannotStart(str(error), 2) from error
    redactor = Redactor(settings.secrets, (*added, *RULES))
    logs.configure(settings.log_level, settings.log_format, redactor.at(doors.LOG).text)
    sources = Sources.of(kind, environ, settings, prompts)
    settings = trio.run(sources.settings)
    folder: DataFolder | None = None
    try:
        folder = DataFolder.open(data_dir(kind, explicit_dir or settings.data_dir or None), kind)
        stores.check(folder.path)
        identity = folder.identity()
        keys = KeyFile.load_or_create(folder.path / "age.key")
        key = network_key.choose(settings.network_key)
        redactor.use_key(kept_key(folder.path / "shhh.key"))
        tokens = Tokens.load_or_create(folder.path / "api.tokens")
        tokens.on_secret, tokens.on_void = redactor.add, redactor.forget
        redactor.add([*tokens.secrets(), *([key.key.hex(), network_key.to_text(key.key)] if key.key else [])])
        agent_id = settings.agent_id or default_agent_id(kind, identity.peer_id)
        return build(kind, settings, folder, identity, keys, agent_id, key, tokens, redactor, sources)
    except (FolderError, StoreError, TokenFileError, network_key.NetworkKeyError, AgeKeyError, KeyFileError) as error:
        if folder is not None:
            folder.close()
        raise CannotStart(str(error)) from error


async def serve(
    engine: Engine,
    *,
    ready: Callable[[], None],
    stop_when_idle_s: float | None = None,
    until_fd: int | None = None,
    manager: ServiceManager = ServiceManager(),  # noqa: B008 - immutable: nobody is told
) -> None:
    """Serve until a signal, an operator's word, idleness, the end of ``until_fd`` or of the licence. Raises :class:`CannotStart`."""
    run = _Running(engine, stop_when_idle_s, until_fd, manager)
    try:
        await run.live(ready)
    except BaseExceptionGroup as group:
        known, rest = group.split((CannotListen, LicenseError, MeshError, StoreError, ServiceFailed))
        if rest is not None or known is None:
            raise
        raise CannotStart(_first(known)) from group
    finally:
        engine.close()
        engine.folder.close()
    if run.ended_by:
        raise CannotStart(run.ended_by)


def _first(group: BaseException) -> str:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return str(group)


class _Running:
    """The engine while it runs."""

    def __init__(
        self, engine: Engine, stop_when_idle_s: float | None, until_fd: int | None, manager: ServiceManager
    ) -> None:
        self.engine = engine
        self._manager = manager
        self._until_fd = until_fd
        self._idle_s = stop_when_idle_s
        self._supervisor = Supervisor(engine.clock, engine.redactor.at(doors.ANSWER).text)
        self._stop = trio.Event()
        self._at_once = trio.Event()
        self._drain_s = engine.settings.drain_timeout_s
        self._started = False
        self._render: Callable[[], bytes] | None = None
        self._figures = Figures(engine, self._supervisor)
        self._reloading = Reloading(engine)
        self.ended_by = ""
        """Why it had to stop although nobody asked; empty when somebody did."""
        engine.license.on_end = self._end_by
        handlers = EngineHandlers(engine, self._supervisor, self._figures.pulse, self._asked_to_stop)
        self._present = handlers.present
        self._rates = handlers.rates
        self._portals = Portals(engine.folder.path)
        self.api = ApiServer(
            guarded(
                self._figures.calls.counted(handlers.all() | self._portals.handlers()),
                engine.redactor.at(doors.ANSWER), engine.settings.shhh_deny,
            ),
            engine.events, engine.tokens, self._probes(), self._doors(), ucxi=engine.settings.ucxi_enabled,
        )  # fmt: skip

    def _asked_to_stop(self, drain_s: float | None) -> None:
        if drain_s is not None:
            self._drain_s = drain_s
        self._stop.set()

    def _end_by(self, reason: str) -> None:
        log.error("✗ Stopping", reason=reason)
        self.ended_by = reason
        self._stop.set()

    # ── life ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def live(self, ready: Callable[[], None]) -> None:
        async with trio.open_nursery() as nursery:
            await nursery.start(self._watch_signals)
            await self.engine.license.open()
            await self._start(nursery)
            self._started = True
            self._greet()
            ready()
            self._manager.tell(READY, f"{self.engine.agent_id} is at work")
            nursery.start_soon(self._publish_status)
            nursery.start_soon(self._rates.run)
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
        await start(nursery, Service("pulse", self._figures.pulse.run))
        await start(nursery, Service("licence", engine.license.run))
        await start(nursery, Service("blobs", engine.blobs.run))
        await start(nursery, Service("Docker watch", engine.docker.run))
        await start(nursery, Service("warm sandboxes", engine.executor.keep_warm))
        await start(nursery, Service("models", engine.models.run))
        await start(nursery, Service("tasks", engine.tasks.run))
        await start(nursery, Service("peers", engine.peers.run))
        await start(nursery, Service("role", engine.wish.run))
        await start(nursery, Service("role keys", engine.memory.keys.run))
        await start(nursery, Service("decisions", engine.deciding.run))
        await start(nursery, Service("patches", engine.patches.run))
        await start(nursery, Service("coordination", engine.coordination.run))
        await start(nursery, Service("assistance", engine.assistance.run))
        await start(nursery, Service("rooms", engine.hmmm.run))
        await start(nursery, Service("SLURP", engine.slurp.run))
        await start(nursery, Service("shared texts", engine.collab.run))
        await start(nursery, Service("contents", engine.memory.contents.run))
        await start(nursery, Service("records", engine.records.run))
        await start(nursery, Service("inbox", engine.inbox.run))
        await start(nursery, Service("callbacks", engine.callbacks.run))
        await start(
            nursery, Service("SHHH", KeptBook(engine.folder.path / "shhh-audit.json", engine.redactor.audit).run)
        )
        await start(nursery, Service("portals", self._portals.run))
        await start(nursery, Service("reloading", self._reloading.run))
        if engine.beats is not None:
            await start(nursery, Service("beats", engine.beats.run))
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
        self._manager.tell(STOPPING, f"draining, at most {self._drain_s:g} s")
        await engine.executor.take_nothing_new()
        log.info("Stopping", running=engine.tasks.worker.running, drain_s=self._drain_s)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._shorten, nursery.cancel_scope)
            await engine.tasks.drain(self._drain_s)
            nursery.cancel_scope.cancel()
        with trio.move_on_after(LEAVE_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(engine.license.release)
                nursery.start_soon(self._portals.close, LEAVE_S, self._at_once)
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
                    self._reloading.ask()
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
            await pause(STATUS_EVERY_S)

    # ── doors ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def _doors(self) -> Doors:
        settings: Settings = self.engine.settings
        return Doors(
            unix=socket_path(self.engine.folder.path),
            api=Address(settings.api_host, settings.api_port, "CHORUS_API_PORT"),
            health=Address(settings.health_host, settings.health_port, "CHORUS_HEALTH_PORT"),
            allowed_hosts=frozenset(settings.api_hosts),
            cors_origins=frozenset(settings.api_cors_origins),
            rate=settings.api_rate,
        )

    def _metrics(self) -> bytes:
        """Made at the first scrape: the readers need the API, which is made with this."""
        if self._render is None:
            self._render = metrics.renderer(self._figures.readers(self.api))
        return self._render()

    def _probes(self) -> Probes:
        engine, clean = self.engine, self.engine.redactor.at(doors.ANSWER).value
        return Probes(
            started=lambda: self._started,
            ready=lambda: clean(health.not_ready(engine)),
            health=lambda: clean(health.report(engine, self._supervisor, self._figures.pulse)),
            metrics=self._metrics,
        )
