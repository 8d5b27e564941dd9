"""What stands in a commit: its paths with their modes, objects and sizes, bounded before anything is written out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trio

from chorus_tui.engine.execution.git import git

LINK, GITLINK = b"120000", b"160000"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path of a tree. ``size`` in bytes; 0 for a submodule."""

    mode: bytes
    object: bytes
    size: int


async def base_commit(folder: Path) -> str:
    """The commit a checkout stands on, as hex. Raises :class:`~.git.GitFailed`."""
    return (await _of(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")).decode().strip()


async def listing(folder: Path, commit: str) -> dict[bytes, Entry]:
    """All paths of a commit. Raises :class:`~.git.GitFailed`, also for a tree that unfolds without end."""
    found = {}
    for record in (await _of(folder, "ls-tree", "-r", "-z", "--long", "--full-tree", commit)).split(b"\0")[:-1]:
        head, _, path = record.partition(b"\t")
        mode, _, name, size = head.split()
        found[path] = Entry(mode, name, 0 if size == b"-" else int(size))
    return found


async def _of(folder: Path, *arguments: str) -> bytes:
    # Named, since git would look for a repository above a folder that is none.
    own = ["--git-dir", str(await trio.Path(folder / ".git").absolute())]
    return await git([*own, *arguments], home=folder.parent, protocols="none", cwd=folder)
