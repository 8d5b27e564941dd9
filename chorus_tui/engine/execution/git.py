"""Running git where the repository is not trusted: no configuration but ours, no hooks, helpers, prompts or submodules.

Each run has an empty home, an environment of its own and a bound on time and on what it writes.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import trio

from chorus_tui.engine.execution.output import readable
from chorus_tui.engine.execution.workspace_input import folder_bytes

_MIB = 1 << 20
_WATCH_S = 0.5

_SAFE = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "credential.helper=",
    "http.followRedirects=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
    # The folder was named by a person or made by us; what its own configuration could start is switched off above.
    "safe.directory=*",
)


class GitFailed(Exception):
    """git ended with an error; ``str()`` is its last words, made readable."""


async def git(
    arguments: Sequence[str], *, home: Path, protocols: str, cwd: Path | None = None,
    timeout_s: float = 60, watched: Path | None = None, limit_mb: int = 0,
) -> str:  # fmt: skip
    """Run git; what it printed. ``protocols`` are the transports it may use, separated by colons (``none``: none).

    ``watched`` may grow to ``limit_mb`` MiB. Raises :class:`GitFailed`.
    """
    command = ["git", *(part for setting in _SAFE for part in ("-c", setting)), *arguments]
    done: subprocess.CompletedProcess[bytes] | None = None
    too_large = False

    async def run(scope: trio.CancelScope) -> None:
        nonlocal done
        done = await trio.run_process(
            command, cwd=cwd, env=_environment(home, protocols), stdin=subprocess.DEVNULL, capture_stdout=True,
            capture_stderr=True, check=False, start_new_session=True, deliver_cancel=_end_group,
        )  # fmt: skip
        scope.cancel()

    async def watch(folder: Path, scope: trio.CancelScope) -> None:
        nonlocal too_large
        while True:
            await trio.sleep(_WATCH_S)
            if await trio.to_thread.run_sync(folder_bytes, folder) > limit_mb * _MIB:
                too_large = True
                scope.cancel()

    try:
        with trio.move_on_after(timeout_s) as limit:
            async with trio.open_nursery() as nursery:
                if watched is not None:
                    nursery.start_soon(watch, watched, nursery.cancel_scope)
                nursery.start_soon(run, nursery.cancel_scope)
    except* FileNotFoundError:
        raise GitFailed("git is not installed on this machine (Debian: sudo apt-get install git)") from None
    if too_large:
        raise GitFailed(f"it is larger than {limit_mb} MiB")
    if limit.cancelled_caught or done is None:
        raise GitFailed(f"it took longer than {timeout_s:.0f} s")
    if done.returncode != 0:
        raise GitFailed(_last_words(done.stderr))
    return bytes(done.stdout).decode("utf-8", "replace")


def _environment(home: Path, protocols: str) -> dict[str, str]:
    return {
        "PATH": os.defpath + ":/usr/local/bin",
        "HOME": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "GIT_ALLOW_PROTOCOL": protocols,
        "GIT_LFS_SKIP_SMUDGE": "1",
    }


async def _end_group(process: trio.Process) -> None:
    """End git with the helpers it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _last_words(stderr: bytes) -> str:
    lines = [line for line in readable(stderr[-4000:]).splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return " ".join((telling or lines)[-2:])[:400] or "git said nothing"
