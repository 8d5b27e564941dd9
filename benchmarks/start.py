"""How quickly it starts: help, and the first paint of the portal in a real pty."""

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
from pathlib import Path

from benchmarks.measure import Row, compare, timed

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

        yield compare(
            "start", "--help", lambda: run(*us, "--help"),
            "python -c 'import click'", lambda: run(sys.executable, "-c", "import click"), "< 0.150 s",
        )  # fmt: skip
        # What is timed is the paint, not an engine's start: one runs already.
        with engine(us, environment):
            yield compare(
                "start", "portal, first paint", lambda: first_paint(us, environment),
                "textual hello app", lambda: first_paint([sys.executable, str(hello)], environment), "< 0.5 s",
            )  # fmt: skip
