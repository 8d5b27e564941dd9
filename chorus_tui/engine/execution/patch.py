"""A task's changes as a patch against the commit it started from.

The folder comes out of the sandbox as a hostile tar stream. Nothing of it is ever written under its own name: its files
become objects of a private git store, and git compares trees. The checkout the task was given a copy of is only read.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from chorus_tui.engine.execution.errors import PatchRefused
from chorus_tui.engine.execution.git import GitFailed, GitTooLarge, git
from chorus_tui.engine.execution.output import readable
from chorus_tui.engine.execution.patch_import import Import
from chorus_tui.engine.execution.store import borrowing_store, private_folder
from chorus_tui.engine.execution.tree import base_commit, listing

_NAMES_SHOWN = 64
_NAMES_BYTES = 4096
_PLAIN = (
    "--no-ext-diff", "--no-textconv", "--no-renames", "--no-color", "--src-prefix=a/", "--dst-prefix=b/",
    "--submodule=short",
)  # fmt: skip
# Only to be compared and thrown away: room is cheaper than time.
_QUICK = ("core.compression=0", "fastimport.unpackLimit=0")


@dataclass(frozen=True, slots=True)
class Changes:
    """What a task changed. ``size`` is the patch's, bytes; ``names`` are the first changed paths, readable."""

    base: str
    patch: Path
    size: int
    files: int
    insertions: int
    deletions: int
    names: tuple[str, ...]
    left_out: str
    """In words what of the folder is not in the patch, and why; empty when all is."""


async def changes(
    checkout: Path, archive: AsyncIterator[bytes], *, home: Path, most_bytes: int, archive_bytes: int,
    timeout_s: float = 120,
) -> Changes | None:  # fmt: skip
    """Compare the tar stream of a task's folder with the commit that ``checkout`` stands on; None: nothing changed.

    The patch is a file in a new folder of ``home`` and the caller's. ``most_bytes`` bounds it, ``archive_bytes`` the
    stream, ``timeout_s`` each step of git. Raises :class:`~.errors.PatchRefused`, and what ``archive`` raises.
    """
    with _refusals("the changes cannot be made into a patch"), private_folder(home, "store-") as store:
        base = await base_commit(checkout)
        await borrowing_store(checkout, store)
        tree = Import(checkout, base, await listing(checkout, base), archive_bytes)
        async with aclosing(tree.commands(archive)) as commands:
            await git(
                ["fast-import", "--quiet", "--done", "--depth=0"], home=home, protocols="none", cwd=store, config=_QUICK,
                stdin=commands, timeout_s=timeout_s,
            )  # fmt: skip
        return await _difference(store, home, base, tree, most_bytes, timeout_s)


async def _difference(
    store: Path, home: Path, base: str, tree: Import, most_bytes: int, timeout_s: float
) -> Changes | None:
    numbers = await git(
        ["diff", "--numstat", "-z", *_PLAIN, base, tree.ref], home=home, protocols="none", cwd=store,
        timeout_s=timeout_s,
    )  # fmt: skip
    if not numbers:
        return None
    folder = Path(tempfile.mkdtemp(prefix="patch-", dir=home))
    patch = folder / "changes.patch"
    try:
        # Through a pipe: what git writes to a file by itself it may cut off and end well, on a full disk too.
        with patch.open("wb", buffering=0) as file:
            await git(
                ["diff", "--binary", "--full-index", *_PLAIN, base, tree.ref], home=home, protocols="none", cwd=store,
                timeout_s=timeout_s, into=file, most_printed=most_bytes,
            )  # fmt: skip
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return _told(base, patch, patch.stat().st_size, numbers, tree.left_out)


def _told(base: str, patch: Path, size: int, numbers: bytes, left_out: str) -> Changes:
    names: list[str] = []
    insertions = deletions = room = 0
    records = numbers.split(b"\0")[:-1]
    for record in records:
        added, removed, path = record.split(b"\t", 2)
        # Binary files count no lines.
        insertions += int(added) if added != b"-" else 0
        deletions += int(removed) if removed != b"-" else 0
        name = readable(path).replace("\n", "?")
        room += len(name.encode())
        if len(names) < _NAMES_SHOWN and room <= _NAMES_BYTES:
            names.append(name)
    return Changes(base, patch, size, len(records), insertions, deletions, tuple(names), left_out)


async def applied(checkout: Path, patch: Path, *, limit_mb: int = 1024, timeout_s: float = 120) -> None:
    """Apply a patch to a pristine checkout, whose folder may grow to ``limit_mb`` MiB.

    All of it or nothing; never outside of the folder, nor through a symbolic link. Raises
    :class:`~.errors.PatchRefused`, which says where it does not fit.
    """
    where = await trio.Path(patch).absolute()
    with _refusals("the patch does not apply", "patch_does_not_apply"):
        await git(
            ["apply", "--index", "--whitespace=nowarn", "--", str(where)], home=checkout.parent, protocols="none",
            cwd=checkout, timeout_s=timeout_s, watched=checkout, limit_mb=limit_mb,
        )  # fmt: skip


@contextmanager
def _refusals(what: str, reason: str = "patch_failed") -> Iterator[None]:
    try:
        yield
    except GitTooLarge as error:
        raise PatchRefused(f"{what}: {error}", reason="patch_too_large") from error
    except GitFailed as error:
        raise PatchRefused(f"{what}: {error}", reason=reason) from error
