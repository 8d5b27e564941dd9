"""How quickly it starts: help, the first paint of the portal in a real pty, an engine until it is ready."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.measure import Figure, Row, compare, timed
from tests.integration.system.peers import CLI, Peer

HELP_S, PAINT_S, READY_S = 0.15, 0.5, 2.0
LOOK_S = 0.01
PATIENCE_S = 60.0
HELLO = """
from textual.app import App
from textual.widgets import Label
class Hello(App):
    def compose(self):
        yield Label("hello")
Hello().run()
"""


def first_paint(command: list[str], environment: dict[str, str]) -> float:
    """Seconds from exec until the alternate screen has been entered and something was drawn on it."""
    started = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(command[0], command, environment)
    seen = b""
    try:
        while time.perf_counter() - started < 20:
            if select.select([terminal], [], [], 0.5)[0]:
                seen += os.read(terminal, 65536)
                entered = seen.find(b"\x1b[?1049h")
                if entered >= 0 and len(seen) - entered > 400:
                    return time.perf_counter() - started
        raise AssertionError(f"nothing painted: {seen[-200:]!r}")
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(terminal)


@contextmanager
def engine(us: list[str], environment: dict[str, str]) -> Iterator[None]:
    """An engine that answers, until the block ends."""
    process = subprocess.Popen([*us, "--headless"], env=environment, stdout=subprocess.DEVNULL)
    try:
        while subprocess.run([*us, "status"], env=environment, capture_output=True, check=False).returncode:
            if process.poll() is not None:
                raise AssertionError("the engine ended before it answered")
        yield
    finally:
        process.terminate()
        process.wait()


def until_ready(folder: Path, compiled: str) -> float:
    """Seconds from exec until the probe says ready, which takes a mesh with an admin and a Docker that was seen. On a folder of its own:
    whoever founds a mesh listens for others first, for as long as ``CHORUS_DISCOVERY_GRACE`` says; who comes back does not."""
    peer = Peer(folder, "agent", program=[*CLI, "--headless"], PYTHONPYCACHEPREFIX=compiled)
    began = time.perf_counter()
    peer.start()
    try:
        while not peer.get("/ready"):
            assert peer.alive()
            assert time.perf_counter() - began < PATIENCE_S, peer.tail()
            time.sleep(LOOK_S)
        return time.perf_counter() - began
    finally:
        peer.stop()


def bounded(row: Row, most: float) -> Row:
    """With what it has to keep."""
    return replace(row, figures=(Figure("ours", row.ours, "s", at_most=most),))


def rows() -> Iterator[Row]:
    """Help beside a bare interpreter that imports click; first paint beside Textual's smallest app."""
    us = [sys.executable, "-m", "chorus_tui"]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as compiled:
        hello = Path(folder, "hello.py")
        hello.write_text(HELLO)
        environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            # As an installed program, whose modules pip has compiled: the round before those that count does it here, for both sides.
            "PYTHONPYCACHEPREFIX": compiled,
            "TERM": "xterm-256color",
            "CHORUS_DATA_DIR": folder,
            "CHORUS_LICENSE_ID": "dev-bench",
            "CHORUS_MDNS_ENABLED": "false",
        }

        def run(*command: str) -> float:
            return timed(lambda: subprocess.run(command, env=environment, check=True, capture_output=True))

        yield bounded(
            compare(
                "start", "--help", lambda: run(*us, "--help"),
                "python -c 'import click'", lambda: run(sys.executable, "-c", "import click"), "< 0.150 s",
            ), HELP_S,
        )  # fmt: skip
        # What is timed is the paint, not an engine's start: one runs already.
        with engine(us, environment):
            yield bounded(
                compare(
                    "start", "portal, first paint", lambda: first_paint(us, environment),
                    "textual hello app", lambda: first_paint([sys.executable, str(hello)], environment), "< 0.5 s",
                ), PAINT_S,
            )  # fmt: skip
        yield bounded(
            compare(
                "start", "an agent that was there before, until ready", partial(until_ready, Path(folder), compiled),
                "python -c 'import libp2p, aiohttp'", lambda: run(sys.executable, "-c", "import libp2p, aiohttp"), "< 2 s",
            ), READY_S,
        )  # fmt: skip
