"""Running git where the repository is not trusted: no configuration but ours, no hooks, helpers, prompts or submodules.

Each run has an environment of its own and bounds on time, memory, what it prints and what it writes.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path

import trio

from chorus_tui.engine.execution.output import readable
from chorus_tui.engine.execution.workspace_input import folder_bytes
from chorus_tui.engine.shhh.cutting import beginning

_MIB = 1 << 20
_WATCH_S = 0.5
_MEMORY_KIB = 3 << 19
"""Address space of one git process: a pack made to grow without end must not take the machine's memory."""
MOST_PRINTED = 64 * _MIB
_ERRORS_KEPT = 4000
_NO_SUCH_PROGRAM = 127
_HIDDEN = "[credential]"
_FILE_TOO_LARGE = os.strerror(errno.EFBIG).encode()

_SAFE = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "credential.helper=",
    "http.followRedirects=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    # What git would map or hold at most; else it takes a large pack or file whole.
    "core.packedGitLimit=256m",
    "core.packedGitWindowSize=32m",
    "core.bigFileThreshold=64m",
    # A thread reserves far more address space than it uses; with one a core, big machines would meet the bound.
    "pack.threads=2",
    # The folder was named by a person or made by us; what its own configuration could start is switched off above.
    "safe.directory=*",
)
_BOUNDED = """ulimit -v "$0" 2>/dev/null; ulimit -f "$1" 2>/dev/null; trap '' XFSZ; shift; exec git "$@\""""
"""The shell only sets bounds on address space and on the size of a file, and then becomes git, which says it when a file
would grow beyond: without the trap it would be killed. Where a tighter bound is set already, that one stays."""

_BLOCKS_IN_MIB = 2048
"""What ``ulimit -f`` counts in, by POSIX."""


class GitFailed(Exception):
    """git ended with an error; ``str()`` is its last words, made readable."""


class GitTooLarge(GitFailed):
    """git was ended since it wrote or printed more than it may."""


async def git(
    arguments: Sequence[str], *, home: Path, protocols: str, cwd: Path | None = None,
    timeout_s: float = 60, watched: Path | None = None, limit_mb: int = 0, config: Sequence[str] = (),
    variables: Mapping[str, str] | None = None, stdin: AsyncIterator[bytes] | None = None,
    good: Collection[int] = (0,), secrets: Sequence[str] = (), into: FileIO | None = None, most_printed: int = MOST_PRINTED,
) -> bytes:  # fmt: skip
    """Run git; what it printed. ``protocols`` are the transports it may use, separated by colons (``none``: none).

    ``watched`` may grow to ``limit_mb`` MiB. ``config`` (``name=value``) and ``variables`` come on top of ours and are
    seen by everybody on this machine: no secret belongs there. ``good`` are the exit codes of success;
    ``secrets`` are kept out of its last words. What it prints goes ``into`` a file when there is one, and is ``most_printed``
    bytes at most. Raises :class:`GitFailed`, and what ``stdin`` raises.
    """
    largest_file = "unlimited" if watched is None else str(limit_mb * _BLOCKS_IN_MIB)
    bounded = ["/bin/sh", "-c", _BOUNDED, str(_MEMORY_KIB), largest_file]
    settings = [part for setting in (*_SAFE, *config) for part in ("-c", setting)]
    run = _Run(stdin, into, most_printed)
    try:
        with trio.move_on_after(timeout_s) as limit:
            process = await trio.lowlevel.open_process(
                [*bounded, *settings, *arguments], cwd=cwd, env={**_environment(home, protocols), **(variables or {})},
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, start_new_session=True,
            )  # fmt: skip
            await run.to_its_end(process, watched, limit_mb)
    except FileNotFoundError as error:
        raise GitFailed(f"{error.filename} is missing on this machine") from None
    if run.fault is not None:
        raise run.fault
    if limit.cancelled_caught or run.code is None:
        raise GitFailed(f"it took longer than {timeout_s:.0f} s")
    if run.code == _NO_SUCH_PROGRAM:
        raise GitFailed("git is not installed on this machine (Debian: sudo apt-get install git)")
    if run.code not in good and _FILE_TOO_LARGE in run.errors:
        bound = f"{limit_mb} MiB" if watched is not None else "this machine allows"
        raise GitTooLarge(f"it is larger than {bound}")
    if run.code not in good:
        raise GitFailed(_last_words(bytes(run.errors), secrets))
    return bytes(run.printed)


class _Run:
    """One process with its pipes. ``fault`` is what ended it from our side."""

    def __init__(self, stdin: AsyncIterator[bytes] | None, into: FileIO | None, most_printed: int) -> None:
        self.printed = bytearray()
        self.errors = bytearray()
        self.code: int | None = None
        self.fault: Exception | None = None
        self._stdin = stdin
        self._into = into
        self._left = self._most = most_printed

    async def to_its_end(self, process: trio.Process, watched: Path | None, limit_mb: int) -> None:
        """Feed, read and watch until git has ended; whatever happens here, its whole group has ended afterwards."""
        try:
            async with trio.open_nursery() as nursery:
                scope = nursery.cancel_scope
                if watched is not None:
                    nursery.start_soon(self._watch, watched, limit_mb, scope)
                nursery.start_soon(self._feed, process, scope)
                async with trio.open_nursery() as reading:
                    reading.start_soon(self._read, process.stdout, scope)
                    reading.start_soon(self._read_errors, process.stderr)
                self.code = await process.wait()
                scope.cancel()
        finally:
            with trio.CancelScope(shield=True):
                await _end_group(process)

    async def _feed(self, process: trio.Process, scope: trio.CancelScope) -> None:
        if self._stdin is None or process.stdin is None:
            return
        try:
            async with process.stdin:
                async for piece in self._stdin:
                    await process.stdin.send_all(piece)
        except trio.BrokenResourceError:
            return  # git ended first; its exit code and its words say why
        except Exception as error:  # noqa: BLE001 - whatever the source raises is the caller's, once git has ended
            self.fault = error
            scope.cancel()

    async def _read(self, pipe: trio.abc.ReceiveStream | None, scope: trio.CancelScope) -> None:
        assert pipe is not None
        async for piece in pipe:
            self._left -= len(piece)
            if self._left < 0:
                self.fault = GitTooLarge(f"it is larger than {self._most / _MIB:.3g} MiB")
                scope.cancel()
                return
            try:
                self._keep(piece)
            except OSError as error:
                self.fault = GitFailed(f"what it says cannot be written: {error.strerror}")
                scope.cancel()
                return

    def _keep(self, piece: bytes) -> None:
        if self._into is None:
            self.printed += piece
        else:
            rest = memoryview(piece)
            while rest:
                rest = rest[self._into.write(rest) :]

    async def _read_errors(self, pipe: trio.abc.ReceiveStream | None) -> None:
        assert pipe is not None
        async for piece in pipe:
            self.errors += piece
            del self.errors[:-_ERRORS_KEPT]

    async def _watch(self, folder: Path, limit_mb: int, scope: trio.CancelScope) -> None:
        while True:
            await trio.sleep(_WATCH_S)
            if await trio.to_thread.run_sync(folder_bytes, folder) > limit_mb * _MIB:
                self.fault = GitTooLarge(f"it is larger than {limit_mb} MiB")
                scope.cancel()


def _environment(home: Path, protocols: str) -> dict[str, str]:
    return {
        "PATH": os.defpath + ":/usr/local/bin",
        "HOME": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "GIT_ALLOW_PROTOCOL": protocols,
        "GIT_LFS_SKIP_SMUDGE": "1",
    }


async def _end_group(process: trio.Process) -> None:
    """End git with the helpers it started, unless it has ended by itself."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            await trio.aclose_forcefully(pipe)


def _last_words(stderr: bytes, secrets: Sequence[str]) -> str:
    if len(stderr) >= _ERRORS_KEPT:
        # The first line may have lost its beginning, and with it what would tell a secret from other words.
        stderr = stderr.partition(b"\n")[2]
    text = readable(stderr)
    for secret in secrets:
        text = text.replace(secret, _HIDDEN)
    lines = [line for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", " ! "))]
    return beginning(" ".join((telling or lines)[-2:]), 400) or "git said nothing"
