"""Finds the engine of a data folder, or starts one.

An engine runs in a session of its own: closing a terminal neither stops nor reloads it. When two fronts start one at
once, the engine that does not get the data folder's lock leaves, and its front attaches to the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Literal

from chorus_tui.client import ContractRefused, EngineGone, EngineStartFailed, Progress
from chorus_tui.client.socket_client import SocketClient
from chorus_tui.contract.problem import Problem
from chorus_tui.locations import socket_path

START_TIMEOUT_S = 60.0
ATTACH_TIMEOUT_S = 10.0
LOG_TAIL = 2000


async def attach(data: Path) -> SocketClient:
    """A greeted client of the engine that runs for ``data``.

    Raises :class:`EngineGone` when none does (a socket left behind counts as none), ``ContractRefused``, ``Problem``.
    """
    try:
        return await _greeted(SocketClient(socket_path(data)))
    except EngineGone as error:
        raise EngineGone(f"No engine runs for {data}") from error


async def attach_url(url: str, token: str) -> SocketClient:
    """A greeted client of a remote engine. Raises as :func:`attach`."""
    if not url.startswith(("http://", "https://")):
        raise EngineGone(f"{url!r} is no address of an engine: it starts with http:// or https://")
    return await _greeted(SocketClient(url, token))


async def find_or_start(
    kind: Literal["agent", "human"], data: Path, progress: Progress, *, stop_when_idle_s: float | None = 30.0
) -> SocketClient:
    """The engine of ``data``, started if none runs.

    A started one stops ``stop_when_idle_s`` seconds after its last client left; None keeps it. Raises as
    :func:`attach`, and :class:`EngineStartFailed` with the engine's own reason.
    """
    progress("Looking for the engine")
    with contextlib.suppress(EngineGone):
        return await attach(data)
    progress("Starting the engine")
    process, reason = await _start(kind, data, stop_when_idle_s)
    if reason is None:
        progress("Greeting the engine")
        client = await _attach_within(data, ATTACH_TIMEOUT_S)
        client.fallen = lambda: process.poll() not in (None, 0)
        return client
    # Perhaps another front's engine was quicker and has the folder: then that is the one to use.
    progress("Waiting for the engine that has the data folder")
    try:
        return await _attach_within(data, ATTACH_TIMEOUT_S if _holder_lives(data) else 0)
    except EngineGone:
        raise EngineStartFailed(reason) from None


async def _greeted(client: SocketClient) -> SocketClient:
    try:
        await client.greet()
    except (EngineGone, ContractRefused, Problem, asyncio.CancelledError):
        await client.close()
        raise
    return client


async def _attach_within(data: Path, seconds: float) -> SocketClient:
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            return await attach(data)
        except EngineGone:
            if asyncio.get_running_loop().time() >= deadline:
                raise
        await asyncio.sleep(0.05)


async def _start(kind: str, data: Path, stop_when_idle_s: float | None) -> tuple[subprocess.Popen[bytes], str | None]:
    """Spawn an engine and wait for its word: it, and None when it is ready, else the reason why not."""
    log = _open_log(data)
    reader, writer = os.pipe()
    try:
        written = os.fstat(log).st_size
        # -P: no module is taken from the folder we happen to stand in, which may be anybody's repository.
        idle = [] if stop_when_idle_s is None else ["--stop-when-idle", f"{stop_when_idle_s:g}"]
        command = [sys.executable, "-P", "-m", "chorus_tui.engine", "serve", "--kind", kind, "--data-dir", str(data)]
        process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own interpreter; a spawn takes a millisecond
            [*command, *idle, "--ready-fd", str(writer)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[writer],
            start_new_session=True,
        )
    finally:
        os.close(writer)
        os.close(log)
    # Reaps it should it end before this front does; it must not be waited for on exit.
    threading.Thread(target=process.wait, name="engine-reaper", daemon=True).start()
    line = await _first_line(reader)
    if line == "ready":
        return process, None
    return process, line.removeprefix("error:").strip() or _last_words(data / "engine.log", written)


def _open_log(data: Path) -> int:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The folder may be somebody's who put a link there; whether it is ours is looked at by the engine, later.
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(data / "engine.log", flags, 0o600)
    except OSError as error:
        raise EngineStartFailed(f"Cannot use the data folder {data}: {error.strerror}") from error


async def _first_line(reader: int) -> str:
    """What the engine says of its start, or an empty text when it ended without a word or stayed silent."""
    stream = asyncio.StreamReader()
    pipe = os.fdopen(reader, "rb")
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), pipe
    )
    try:
        async with asyncio.timeout(START_TIMEOUT_S):
            said = (await stream.read(1)) + (await stream.readline())
            if not said.startswith(b"ready"):
                # A reason may have several lines; the engine ends after it.
                said += await stream.read()
    except TimeoutError:
        return f"error: The engine did not become ready within {START_TIMEOUT_S:g} s"
    finally:
        transport.close()
    return said.decode("utf-8", "replace").strip()


def _last_words(log: Path, start: int) -> str:
    """The end of what this engine wrote to its log."""
    with log.open("rb") as file:
        file.seek(max(start, log.stat().st_size - LOG_TAIL))
        tail = file.read().decode("utf-8", "replace").strip()
    return f"The engine ended while starting. From {log}:\n{tail or '(it wrote nothing)'}"


def _holder_lives(data: Path) -> bool:
    """Whether the process named in the data folder's lock file lives; the file holds its pid first."""
    try:
        found = re.search(r"\d+", (data / "engine.lock").read_text(encoding="utf-8", errors="replace"))
        if found is None:
            return False
        os.kill(int(found[0]), 0)
    except (OSError, OverflowError):
        return False
    return True
