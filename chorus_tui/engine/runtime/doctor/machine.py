"""Looks at Docker's socket, the data folder, the clock and the libraries."""

from __future__ import annotations

import ctypes
import getpass
import os
import resource
import shutil
import stat
import subprocess
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Literal

from chorus_tui.engine.data_folder import file_system
from chorus_tui.engine.execution.docker_api import socket_of
from chorus_tui.engine.execution.errors import DockerUnavailable
from chorus_tui.engine.execution.interface import DockerState
from chorus_tui.engine.runtime.doctor.rules import DockerSeen, FolderSeen

_KEYS = ("identity.key", "age.key", "api.tokens")
_UNSYNCHRONISED = 0x0040
"""STA_UNSYNC of adjtimex(2)."""
GIT_S = 5.0


def look_at_docker(host: str, state: DockerState, *, needed: bool) -> DockerSeen:
    """What Docker said, and what of its socket can be seen."""
    try:
        path = socket_of(host)
    except DockerUnavailable:
        return DockerSeen(needed, available=False, problem=state.problem, socket="not a socket", path=host)
    return DockerSeen(
        needed, state.available, state.version, state.problem, _socket(Path(path)), path, user(), state.languages, state.weaknesses
    )  # fmt: skip


def _socket(path: Path) -> Literal["usable", "missing", "forbidden", "not a socket"]:
    try:
        mode = path.stat().st_mode
    except PermissionError:
        return "forbidden"
    except OSError:
        return "missing"
    if not stat.S_ISSOCK(mode):
        return "not a socket"
    return "usable" if os.access(path, os.R_OK | os.W_OK) else "forbidden"


def user() -> str:
    """The user's name, for advice."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def look_at_folder(path: Path, quota: int) -> FolderSeen:
    """Of the folder, or of the nearest one above it where it would be made."""
    there = next(folder for folder in (path, *path.parents) if _mode(folder) is not None)
    usage = shutil.disk_usage(there)
    mode = _mode(path)
    exposed = tuple(str(path / name) for name in _KEYS if (_mode(path / name) or 0) & 0o077)
    return FolderSeen(
        str(path), mode is not None, _writable(there), not (mode or 0) & 0o077, file_system(there),
        usage.free, usage.total, quota, exposed,
    )  # fmt: skip


def _mode(path: Path) -> int | None:
    """None of what is not there, or lies in a folder that is closed to us."""
    try:
        return path.stat().st_mode
    except OSError:
        return None


def _writable(folder: Path) -> bool:
    """By trying: what the rights say is not what a read-only or a strange file system does."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def synchronised() -> bool | None:
    """Whether the kernel says that something keeps its clock right; None when it does not say."""
    library = ctypes.CDLL(None, use_errno=True)
    answer = (ctypes.c_char * 512)()  # struct timex, larger than any; modes 0: only look
    if not hasattr(library, "adjtimex") or library.adjtimex(answer) < 0:
        return None
    # modes (int), then offset, freq, maxerror, esterror (long), then status (int): all longs are aligned to their size.
    size = ctypes.sizeof(ctypes.c_long)
    status = ctypes.c_int.from_buffer(answer, 5 * size).value
    return not status & _UNSYNCHRONISED


def installed(package: str) -> str:
    """Its version; empty when it is not there."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def descriptors() -> int:
    """How many this process may open."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def git_version() -> str:
    """Empty without git."""
    program = shutil.which("git")
    if program is None:
        return ""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=GIT_S, check=True)  # noqa: S603 - no word of anybody else's
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip().removeprefix("git version ")
