"""``python -m benchmarks ssh``: the SSH portal with 1, 10 and 40 sessions: first paint, whole screen, memory and idle CPU.

Clients are asyncssh's, in this process; the engine and the serving process are real and on the same machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh

from benchmarks.measure import Figure, Row
from benchmarks.processes import cpu_s, memory_mb

HERE = Path(__file__).parent
SESSIONS = (1, 10, 40)
IDLE_S = 10.0
PAINTED_BYTES = 400
"""So much after the second screen was entered is a painted screen, as in the other rows of first paints."""


class Window(asyncssh.SSHClientSession[bytes]):
    """Notes when what came."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.painted = self.whole = 0.0
        self.ready = asyncio.Event()
        self._seen = b""

    def data_received(self, data: bytes, datatype: Any) -> None:  # noqa: ARG002 - asyncssh's signature
        """Keeps nothing once the screen is whole."""
        if self.whole:
            return
        self._seen += data
        entered = self._seen.find(b"\x1b[?1049h")
        if not self.painted and entered >= 0 and len(self._seen) - entered > PAINTED_BYTES:
            self.painted = time.perf_counter() - self.began
        if b"me and the mesh" in self._seen:
            self.whole = time.perf_counter() - self.began
            self._seen = b""
            self.ready.set()


def rows() -> Iterator[Row]:
    """First paint beside the whole screen, by the number of sessions; memory and idle CPU as figures."""
    with tempfile.TemporaryDirectory(prefix="chorus-bench-") as made, serving(Path(made)) as (process, row, key):
        figures = asyncio.run(measure(process.pid, int(row["address"].rpartition(":")[2]), key))
    for one in figures:
        yield Row(
            "ssh", f"{one['sessions']} sessions, first paint", one["first_paint_ms"] / 1000, "the whole screen",
            one["whole_ms"] / 1000, "first paint 0.3 s, 6 MB a session", 1,
            (
                Figure("first paint", one["first_paint_ms"], "ms", at_most=300),
                Figure("memory a session", one["mb_a_session"], "MB", at_most=6),
                Figure("memory", one["memory_mb"], "MB"),
                Figure("idle CPU", one["idle_cpu_percent"], "%"),
            ),
        )  # fmt: skip


@contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, Any], Path]]:
    """An engine and the SSH portal on it; its line in the register and a key that may come in, 40 times."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CHORUS_")} | {
        "CHORUS_LICENSE_ID": "dev-bench", "CHORUS_AGENT_ID": "bench", "CHORUS_DATA_DIR": str(folder / "data"),
        "CHORUS_NETWORK_KEY": "ab" * 32, "CHORUS_MDNS_ENABLED": "false", "CHORUS_P2P_HOST": "127.0.0.1", "CHORUS_DISCOVERY_GRACE": "1",
        "CHORUS_SSH_SESSIONS_PER_KEY": "100", "CHORUS_SSH_SESSIONS_PER_ADDRESS": "100", "CHORUS_SSH_SESSIONS": "100",
    }  # fmt: skip
    us = [sys.executable, "-m", "chorus_tui"]
    key = folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    added = [*us, "ssh", "keys", "add", f"{key}.pub", "--person", "bench", "--scope", "operate"]
    subprocess.run(added, env=environment, check=True, capture_output=True)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*us, "ssh", "--port", "0"], env=environment, stdout=log, stderr=log)
    try:
        register = folder / "data" / "portals" / f"ssh-{process.pid}.json"
        while not register.exists():
            if process.poll() is not None:
                raise AssertionError((folder / "log").read_text(errors="replace"))
            time.sleep(0.05)
        yield process, json.loads(register.read_text()), key
    finally:
        process.terminate()
        process.wait()
        subprocess.run([*us, "stop"], env=environment, check=False, capture_output=True)


async def measure(pid: int, port: int, key: Path) -> list[dict[str, Any]]:
    """For each number of sessions: they come one after the other, then stay quiet."""
    windows: list[tuple[Any, Window]] = []
    options: Any = {"username": "x", "known_hosts": None, "client_keys": [str(key)], "agent_path": None, "config": None}
    await leave([await come(port, options)])  # what the first one imports, the others find
    empty, figures = memory_mb(pid), []
    for wanted in SESSIONS:
        fresh = [await come(port, options) for _ in range(wanted - len(windows))]
        windows += fresh
        await asyncio.sleep(2)
        before = cpu_s(pid)
        await asyncio.sleep(IDLE_S)
        figures.append({
            "sessions": wanted,
            "first_paint_ms": round(1000 * statistics.median(window.painted for _, window in fresh), 1),
            "first_paint_ms_max": round(1000 * max(window.painted for _, window in fresh), 1),
            "whole_ms": round(1000 * statistics.median(window.whole for _, window in fresh), 1),
            "memory_mb": memory_mb(pid),
            "mb_a_session": round((memory_mb(pid) - empty) / wanted, 2),
            "idle_cpu_percent": round((cpu_s(pid) - before) / IDLE_S * 100, 1),
        })  # fmt: skip
    await leave(windows)
    return figures


async def come(port: int, options: Any) -> tuple[Any, Window]:
    """One more session, from its connection to its whole screen."""
    connection = await asyncssh.connect("127.0.0.1", port, **options)
    _, window = await connection.create_session(Window, term_type="xterm-256color", term_size=(120, 40), encoding=None)
    async with asyncio.timeout(60):
        await window.ready.wait()
    return connection, window


async def leave(windows: list[tuple[Any, Window]]) -> None:
    """All of them."""
    for connection, _ in windows:
        connection.close()
        await connection.wait_closed()
