"""Fetch what a task made: verified, in place only when whole, never outside the folder asked for."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from chorus_tui.contract.git_names import member_path
from chorus_tui.contract.problem import Problem

if TYPE_CHECKING:
    from chorus_tui.contract.models.blobs import BlobChunk
    from chorus_tui.contract.models.task_result import Artifact, TaskResult

PATCH = "changes.patch"
MOST_READ = 64 << 20
"""Bytes at most of a blob that is read into memory."""

_OF_A_REPOSITORY: Final = frozenset({"head", "objects", "refs"})

Ask = Callable[[str, Any], Awaitable[Any]]
"""Asks the engine for an operation: :meth:`EngineClient.call` or what a front made of it."""


def patch_of(result: TaskResult) -> Artifact | None:
    """The patch of a result as one more file, under a name that no artifact has."""
    from chorus_tui.contract.models.task_result import Artifact

    change = result.change
    if change is None:
        return None
    taken = {PurePosixPath(artifact.path).parts[:1] for artifact in result.artifacts}
    name, number = PATCH, 1
    while (name,) in taken:
        number += 1
        name = f"changes-{number}.patch"
    return Artifact(path=name, size=change.size, sha256=change.patch.removeprefix("sha256:"))


async def read(ask: Ask, digest: str) -> bytes:
    """A whole blob, verified. Raises ``Problem`` when it is too long to be shown, or not what its digest promises."""
    from chorus_tui.contract.models.blobs import ReadBlob

    data = bytearray()
    while True:
        chunk: BlobChunk = await ask("blobs.read", ReadBlob(digest=digest, offset=len(data)))
        if chunk.size > MOST_READ:
            raise Problem(413, "too-long", f"{chunk.size} bytes are too long to be shown", "Save the files instead.")
        piece = base64.b64decode(chunk.data)
        data += piece
        if not piece or len(data) >= chunk.size:
            break
    if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
        raise Problem(502, "damaged", "What came is not what the result promised", "Nothing of it is shown.")
    return bytes(data)


def keep(data: bytes, target: Path) -> None:
    """Write a new file. Raises ``OSError``, also when something is there already: nothing is ever written over."""
    with target.open("xb") as file:
        file.write(data)


async def fetch(ask: Ask, artifact: Artifact, folder: Path, *, force: bool) -> Path:
    """Write ``artifact`` below ``folder``; returns where. A file with the same content is left as it is.

    Raises ``Problem`` when the path is not safe, when another file is in the way (unless ``force``), or when what came
    is not what the result promised.
    """
    target = _safe_target(artifact.path, folder)
    if target.exists() or target.is_symlink():
        if target.is_file() and not target.is_symlink() and _digest(target) == artifact.sha256:
            return target
        if not force:
            raise Problem(409, "exists", f"{target} exists and differs", "Use --force to replace it.")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name[:200]}.{os.getpid()}.part")
    try:
        await _download(ask, artifact, partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


async def _download(ask: Ask, artifact: Artifact, partial: Path) -> None:
    from chorus_tui.contract.models.blobs import ReadBlob

    seen, done = hashlib.sha256(), 0
    with partial.open("xb") as file:
        while done < artifact.size:
            chunk: BlobChunk = await ask("blobs.read", ReadBlob(digest=f"sha256:{artifact.sha256}", offset=done))
            data = base64.b64decode(chunk.data)
            done += len(data)
            if not data or done > artifact.size:
                break
            seen.update(data)
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if done != artifact.size or seen.hexdigest() != artifact.sha256:
        raise Problem(
            502, "damaged", f"{artifact.path}: what came is not what the result promised", "Nothing was kept."
        )


def _safe_target(path: str, folder: Path) -> Path:
    """Where ``path`` goes. Refuses absolute paths, ``..``, NUL, and links that lead out of ``folder``; and what git would obey."""
    parts = PurePosixPath(path).parts
    unsafe = not parts or path.startswith("/") or ".." in parts or "\0" in path
    target = folder.joinpath(*parts) if not unsafe else folder
    # Of links only the ones below the folder matter: the folder itself is the caller's choice.
    if unsafe or any((folder / Path(*parts[:depth])).is_symlink() for depth in range(1, len(parts))):
        raise Problem(409, "unsafe-path", f"The artifact path {path!r} leads out of the folder", "It was not written.")
    # Nobody we trust made these files, and the next git that is asked anything there runs what its configuration names.
    if _gits_own(path) or _makes_a_repository(folder, parts):
        raise Problem(
            409, "unsafe-path", f"The artifact path {path!r} would be obeyed by git as part of a repository",
            "It was not written. Let the task pack it into an archive, if it is wanted.",
        )  # fmt: skip
    return target


def _gits_own(path: str) -> bool:
    try:
        member_path(path.encode("utf-8", "surrogateescape"))
    except ValueError:
        return True
    return False


def _makes_a_repository(folder: Path, parts: tuple[str, ...]) -> bool:
    """Whether with this file a folder on its way has all by which git knows a repository, also one without a folder ``.git``."""
    for depth, name in enumerate(parts):
        if name.casefold() in _OF_A_REPOSITORY:
            there = _names(folder.joinpath(*parts[:depth]))
            if there | {name.casefold()} >= _OF_A_REPOSITORY:
                return True
    return False


def _names(folder: Path) -> set[str]:
    try:
        return {entry.name.casefold() for entry in folder.iterdir()}
    except OSError:
        return set()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
