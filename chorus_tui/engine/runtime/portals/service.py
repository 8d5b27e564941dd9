"""Starts and stops what serves the portal of this data folder, and knows what is served.

Each runs in a process and a session of its own, so that people's repaints do not slow the engine down and a closed terminal does not
end it. What this engine started ends with it; what a person started by hand is shown, and stopped only when asked.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import structlog
import trio

from chorus_tui import portals
from chorus_tui.contract.models.portals import (
    InvitePerson,
    PortalKind,
    PortalList,
    PortalRef,
    PortalUrl,
    ServedPortal,
    StartPortal,
)
from chorus_tui.contract.problem import Problem, invalid
from chorus_tui.engine.bell import pause

log = structlog.get_logger("chorus.portals")

START_S: Final = 45.0
STOP_S: Final = 15.0
ENGINE_GONE_S: Final = 1.0
"""For what an engine that ends out of order still has to end."""
LOOK_S: Final = 0.1
LAST_WORDS: Final = 1000


class Portals:
    """Of one engine. ``data`` is its data folder."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._started: list[subprocess.Popen[bytes]] = []
        self._one_at_a_time = trio.Lock()

    def handlers(self) -> dict[str, Callable[[Any, Any], Awaitable[Any]]]:
        """By operation."""
        return {"web.show": self.show, "web.start": self.start, "web.stop": self.stop, "web.invite": self.invite}

    async def run(self, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled; then what was started here ends, if :meth:`close` has not ended it."""
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await self._end(self._started, ENGINE_GONE_S)

    async def close(self, within_s: float, at_once: trio.Event) -> None:
        """The engine stops: what was started here ends in so many seconds, or when ``at_once`` is set."""

        async def hurry() -> None:
            await at_once.wait()
            waiting.cancel_scope.cancel()

        async with trio.open_nursery() as waiting:
            waiting.start_soon(hurry)
            await self._end(self._started, within_s)
            waiting.cancel_scope.cancel()

    async def show(self, _request: Any, _caller: Any) -> PortalList:
        """Those whose processes live."""
        return PortalList(portals=await self._present())

    async def start(self, request: StartPortal, _caller: Any) -> ServedPortal:
        """Answers when it serves. Raises 409 when one of its kind is served, 502 with its own words when it does not come up."""
        if request.kind == "ssh" and request.scope is not None:
            raise invalid({"scope": "over SSH each key has its own scope, in the file of keys"})
        async with self._one_at_a_time:
            there = [one for one in await self._present() if one.kind == request.kind]
            if there:
                raise Problem(409, "served", f"It is served already, at {there[0].address}", "Stop it first.")
            path = self._data / f"portal-{request.kind}.log"
            process = await trio.to_thread.run_sync(_spawn, _command(self._data, request), path)
            self._started = [*(one for one in self._started if one.poll() is None), process]
            with trio.move_on_after(START_S):
                while process.poll() is None:
                    for one in await self._present():
                        if one.pid == process.pid:
                            log.info("Serving the portal", service=f"portal {request.kind}")
                            return one
                    await trio.sleep(LOOK_S)
            await self._end([process])
            raise Problem(502, "not-served", "The portal did not come up", _last_words(path))

    async def stop(self, request: PortalRef, _caller: Any) -> PortalList:
        """Those that were stopped, also what a person started by hand. Raises 404 when nothing of the kind is served."""
        async with self._one_at_a_time:
            there = [one for one in await self._present() if one.kind == request.kind]
            if not there:
                raise Problem(
                    404, "not-served", f"No portal of the kind {request.kind!r} is served for this data folder"
                )
            for one in there:
                with contextlib.suppress(ProcessLookupError):  # it left at this moment
                    os.kill(one.pid, signal.SIGTERM)
            await _until(lambda: not any(map(portals.serves, there)), STOP_S)
            await self._end([process for process in self._started if process.pid in {one.pid for one in there}])
            return PortalList(portals=there)

    async def invite(self, request: InvitePerson, _caller: Any) -> PortalUrl:
        """To the newest portal for browsers. Raises 404 when there is none."""
        there = [one for one in await self._present() if one.kind == "web"]
        if not there:
            raise Problem(404, "not-served", "No portal for browsers is served", "Start it: chorus-tui web start")
        invitations = portals.Invitations(self._data, there[-1].pid)
        secret = await trio.to_thread.run_sync(invitations.make, request.person)
        return PortalUrl(url=portals.invitation_url(there[-1].address, secret), expires_s=portals.INVITED_S)

    async def _present(self) -> list[ServedPortal]:
        return await trio.to_thread.run_sync(portals.present, self._data)

    async def _end(self, processes: list[subprocess.Popen[bytes]], within_s: float = STOP_S) -> None:
        """SIGTERM, and SIGKILL for what does not go in so many seconds, or when there is no waiting any more."""
        living = [process for process in processes if process.poll() is None]
        for process in living:
            process.terminate()
        try:
            await _until(lambda: all(process.poll() is not None for process in living), within_s)
        finally:
            for process in living:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            self._started = [process for process in self._started if process.poll() is None]


async def _until(ended: Callable[[], bool], within_s: float) -> None:
    """Wait for it, not for ever."""
    with trio.move_on_after(within_s):
        while not ended():
            await pause(LOOK_S)


def _command(data: Path, request: StartPortal) -> list[str]:
    kind: PortalKind = request.kind
    given = {"host": request.host, "port": request.port, "scope": request.scope}
    options = [f"--{name}={value}" for name, value in given.items() if value not in (None, "")]
    # -P: no module is taken from the folder we happen to stand in.
    return [sys.executable, "-P", "-m", "chorus_tui", "--data-dir", str(data), kind, *options]


def _spawn(command: list[str], path: Path) -> subprocess.Popen[bytes]:
    """Its own words go to a file; its first one-time URL, which would stand on stdout, nowhere."""
    log_file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter, checked arguments
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log_file, start_new_session=True
        )
    finally:
        os.close(log_file)


def _last_words(path: Path) -> str:
    said = path.read_bytes()
    # A line that has lost its beginning may have lost what tells a secret in it from other words.
    last = said if len(said) <= LAST_WORDS else said[-LAST_WORDS:].partition(b"\n")[2]
    lines = last.decode("utf-8", "replace").strip().splitlines()
    return "\n".join(lines[-5:]) or f"It said nothing; see {path}"
