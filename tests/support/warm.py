"""Processes that begin where the imports have ended.

Nine tenths of what an engine or a command costs a test is the import of the same modules, again and again. Here one
process has done that (the standard library's fork server), and each further one is forked from it: a process of its own
with its own environment, files and exit code, which then runs the same ``main`` as ever. How a program starts from
nothing is seen by the tests of the portal, the demo, the command line and the crash loop, which do not use this.

The standard library reads a child's exit code from a pipe, once, and a start reads those of all children that have ended. Of
two threads that read one, one finds the pipe empty and makes it 255; so a lock is held for each start and each reading.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
from multiprocessing import connection
from pathlib import Path

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.support.warm_modules"])
_READING = threading.Lock()


class Process:
    """What tests need of :class:`subprocess.Popen`."""

    def __init__(self, main: str, arguments: list[str], env: dict[str, str], stdin: str, out: str, err: str) -> None:
        self.args = [main, *arguments]
        self._process = _SERVER.Process(target=_become, args=(main, arguments, env, stdin, out, err), daemon=True)
        with _READING:
            self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def poll(self) -> int | None:
        with _READING:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        connection.wait([self._process.sentinel], timeout)  # without the lock: others may start and be read meanwhile
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it has ended just now, and is not told of yet
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def engine(kind: str, env: dict[str, str], log: Path) -> Process:
    """An engine; what it prints is appended to ``log``."""
    return Process("engine", ["serve", "--kind", kind], env, os.devnull, str(log), str(log))


def stores(folder: Path, out: Path) -> Process:
    """The two stores of a peer under load, without the rest of it; what they promise comes out of the named pipe ``out``."""
    return Process("stores", [str(folder)], dict(os.environ), os.devnull, str(out), os.devnull)


def command(arguments: list[str], env: dict[str, str], stdin: str, timeout: float) -> subprocess.CompletedProcess[str]:
    """``chorus-tui`` with ``arguments``, to its end. Raises :class:`subprocess.TimeoutExpired`."""
    with tempfile.TemporaryDirectory(prefix="command-") as folder:
        given, out, err = (Path(folder) / name for name in ("in", "out", "err"))
        given.write_text(stdin, encoding="utf-8")
        process = Process("cli", arguments, env, str(given), str(out), str(err))
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(40)
            raise
        texts = [one.read_text(encoding="utf-8", errors="replace") for one in (out, err)]
    return subprocess.CompletedProcess(["chorus-tui", *arguments], code, *texts)


def _become(main: str, arguments: list[str], env: dict[str, str], stdin: str, out: str, err: str) -> None:
    """In the forked process: take the place of the program."""
    os.environ.clear()
    os.environ.update(env)
    added = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, (path, flags) in enumerate([(stdin, os.O_RDONLY), (out, added), (err, added)]):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode, buffering=1 if number == 2 else -1, encoding="utf-8", closefd=False)
        for number, mode in enumerate("rww")
    )
    sys.argv = [main, *arguments]
    if main == "engine":
        from chorus_tui.engine.__main__ import main as run

        sys.exit(run())
    if main == "stores":
        from tests.integration.system.crashing import work

        work(Path(arguments[0]))
    from chorus_tui.cli.main import main as begin

    begin()
